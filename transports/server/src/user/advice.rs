//! Errors as one line each, with what to do about them.

use anyhow::anyhow;
use strongroom_client::{
    ErrorKind,
    users::{Kept, UserError},
};

/// A failure, and the way out of it.
pub(super) fn explain(error: &UserError, server: &str) -> anyhow::Error {
    let Some(client) = error.client() else { return explain_own(error) };
    match client.kind() {
        ErrorKind::Unreachable => {
            anyhow!("no server answers at {server} ({client}): is it running, and is --server right?")
        }
        ErrorKind::Refused if client.is_problem("sign-up-closed") => {
            anyhow!("nobody can sign up at {server}; its operator opens it with users.sign_up")
        }
        ErrorKind::Refused if client.problem().is_some_and(|problem| problem.status == 401) => anyhow!(
            "the server refuses the session in the user file: {client}; sign in again with `strongroom user login`"
        ),
        ErrorKind::NotFound if client.is_problem("unknown-path") => {
            anyhow!("there is no native interface at {server}; is --server right?")
        }
        _ => anyhow!("{client}"),
    }
}

fn explain_own(error: &UserError) -> anyhow::Error {
    match error {
        UserError::LoginRefused => anyhow!(
            "{error}; nobody can tell which of them, and nobody else knows the passphrase: try it again with care"
        ),
        UserError::DoesNotOpen { what: Kept::Kek | Kept::NextKek, .. } => anyhow!(
            "{error}. If the passphrase was changed on another device, `strongroom user login` brings the user file up to \
             date"
        ),
        UserError::DoesNotOpen { what: Kept::Value, .. } => anyhow!(
            "{error}. It may be under another data encryption key than the one in the user file, which `strongroom user \
             login` brings up to date"
        ),
        UserError::ServerUnproved => {
            anyhow!("{error}. Nothing was kept; make sure of --server before you sign in again")
        }
        UserError::RotationGone => {
            anyhow!("{error}. Every key stays as it was; begin another one with `strongroom kek rotate`")
        }
        error => anyhow!("{error}"),
    }
}
