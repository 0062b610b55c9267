//! Errors as one line each, with what to do about them.

use anyhow::anyhow;
use strongroom_client::{
    ErrorKind,
    psono::{PsonoApiKey, PsonoClientError},
};

use crate::table::shown;

/// A failure, and the way out of it.
pub(super) fn explain(error: &PsonoClientError, key: &PsonoApiKey) -> anyhow::Error {
    let server = key.server_url();
    let text = shown(&error.to_string());
    let Some(client) = error.client() else {
        return match error {
            PsonoClientError::ServerUnproved => anyhow!(
                "{text}. Nothing was asked of it; make sure of `server_url`, and of `server_signature`, which `GET \
                 {server}/info/` calls `verify_key`"
            ),
            PsonoClientError::Restricted => {
                anyhow!("{text}: name one of them by its id, as in `strongroom secret get ID`")
            }
            PsonoClientError::Stale => anyhow!("{text}; read it again, and say again what is to change"),
            PsonoClientError::DoesNotOpen { .. } => {
                anyhow!("{text}. Does `api_key_secret_key` belong to this API key?")
            }
            _ => anyhow!("{text}"),
        };
    };
    let status = client.problem().map(|problem| problem.status);
    match client.kind() {
        ErrorKind::Unreachable => {
            anyhow!("no server answers at {server} ({text}): is it running, and is `server_url` right?")
        }
        ErrorKind::NotFound | ErrorKind::Untrusted => {
            anyhow!("{text}; is `server_url` right, path included? Strongroom serves this under /psono")
        }
        ErrorKind::Refused if status == Some(403) => {
            anyhow!("{text}; may this API key do that? Its owner sees and changes what it may")
        }
        _ if client.is_problem("NO_PERMISSION_OR_NOT_EXIST") => anyhow!(
            "{text}: there is no such thing, this API key may not do that, or it is deleted or switched off; its owner \
             sees which"
        ),
        _ => anyhow!("{text}"),
    }
}
