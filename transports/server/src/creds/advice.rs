//! Errors as one line each, with what to do about them.

use std::path::Path;

use anyhow::anyhow;
use strongroom_client::{ClientError, ErrorKind, dragonchain::CredentialsError};

use super::place;
use crate::table::shown;

/// A failure with the credentials file at `path`, and the way out of it.
pub(super) fn explain(error: CredentialsError, path: &Path) -> anyhow::Error {
    let file = place::shown(path);
    let text = shown(&error.to_string());
    match error {
        CredentialsError::NoHome => anyhow!("{text}; name one with --credentials-file"),
        CredentialsError::NoChain => {
            anyhow!(
                "{text}: name one with --chain or DRAGONCHAIN_ID, or `creds local default set` the one to take"
            )
        }
        CredentialsError::NoKey { chain } => anyhow!(
            "there is no key for {chain} in {file}; `creds local add {chain}` puts one in, AUTH_KEY_ID and AUTH_KEY name \
             another"
        ),
        CredentialsError::NoEndpoint { chain } => anyhow!(
            "there is no endpoint for {chain} in {file}; name one with --endpoint or DRAGONCHAIN_ENDPOINT"
        ),
        CredentialsError::UnknownChain { chain } => {
            anyhow!("{file} has no section {:?}; `creds local ls` shows which there are", shown(&chain))
        }
        CredentialsError::Line { .. } | CredentialsError::NotText | CredentialsError::TooLarge => {
            anyhow!("{file}: {text}")
        }
        _ => anyhow!("{text}"),
    }
}

/// A failure on the way to a server, and the way out of it.
pub(super) fn unanswered(error: &ClientError, endpoint: &str) -> anyhow::Error {
    let text = shown(&error.to_string());
    match error.kind() {
        ErrorKind::Unreachable => {
            anyhow!("no server answers at {endpoint} ({text}): is it running, and is the endpoint right?")
        }
        ErrorKind::OutcomeUnknown => {
            anyhow!("{text}. A signed request is sent once only; `creds remote ls` shows what was done")
        }
        ErrorKind::Untrusted => anyhow!("{text}; is {endpoint} right, path included?"),
        _ => anyhow!("{text}"),
    }
}
