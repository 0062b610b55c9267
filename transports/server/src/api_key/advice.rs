//! Errors as one line each, with what to do about them.

use anyhow::anyhow;
use strongroom_client::{ErrorKind, api_keys::ApiKeyError};

use crate::{table::shown, user::Server};

/// A person's failure, and the way out of it.
pub(super) fn explain_owner(error: ApiKeyError, server: &Server) -> anyhow::Error {
    match error {
        ApiKeyError::Client(error) if error.is_problem("unknown-api-key") => {
            anyhow!("{error}; `strongroom api-key list` shows which there are")
        }
        ApiKeyError::Client(error) if error.is_problem("unknown-attachment") => {
            anyhow!("{error}; `strongroom api-key attached` shows which there are")
        }
        ApiKeyError::Client(error) => server.explain(error),
        ApiKeyError::DoesNotOpen => {
            anyhow!("{error}: it was made with another data encryption key than the one in the user file")
        }
        error => anyhow!("{error}"),
    }
}

/// A program's failure, and the way out of it. `server`: the URL that the API key file names.
pub(super) fn explain(error: &ApiKeyError, server: &str) -> anyhow::Error {
    let text = shown(&error.to_string());
    let client = match error {
        ApiKeyError::Client(client) => client,
        ApiKeyError::Answer(_) => {
            return anyhow!(
                "{text}. Nothing of it was kept; make sure of `server_url` and `server_verify_key` in the API key file"
            );
        }
        ApiKeyError::DoesNotOpen => {
            return anyhow!("{text}. Does `api_key_secret_key` belong to this API key?");
        }
    };
    match client.kind() {
        ErrorKind::Unreachable => {
            anyhow!("no server answers at {server} ({text}): is it running, and is `server_url` right?")
        }
        _ if client.is_problem("login-refused") => anyhow!(
            "{text}: there is no such API key, it is switched off or expired, or its seed is another; its owner sees \
             which with `strongroom api-key list`"
        ),
        _ if client.is_problem("server-key-refused") => anyhow!(
            "{text}. If the server's operator confirms that it has a new key, make a new API key for this program; if \
             not, this is another server"
        ),
        ErrorKind::Refused if client.problem().is_some_and(|problem| problem.status == 401) => {
            anyhow!("{text}; sign in anew with `strongroom api-key login`")
        }
        ErrorKind::NotFound => anyhow!("{text}; is `server_url` right?"),
        _ => anyhow!("{text}"),
    }
}
