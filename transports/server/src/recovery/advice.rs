//! Errors as one line each, with what to do about them.

use anyhow::anyhow;
use strongroom_client::{ClientError, recovery::RecoveryError};

use crate::user::Server;

/// A failure, and the way out of it.
pub(super) fn explain(error: RecoveryError, server: &Server) -> anyhow::Error {
    match error {
        RecoveryError::Client(error) => explain_client(error, server),
        RecoveryError::NoShare => {
            anyhow!(
                "{error}: it was shared with another key, or dealt anew without you; name another key with --key"
            )
        }
        RecoveryError::Seal(_) => {
            anyhow!("{error}: the share is not for this key, or was damaged; ask the owner to deal anew")
        }
        RecoveryError::Payload => {
            anyhow!(
                "{error}: the shares belong together, and what is sealed is of another secret or was damaged"
            )
        }
        error => anyhow!("{error}"),
    }
}

fn explain_client(error: ClientError, server: &Server) -> anyhow::Error {
    let advice = match error.problem().map(|problem| problem.code.as_str()) {
        Some("unknown-escrow") => "`strongroom recovery list` shows which there are",
        Some("unknown-recovery-request") => "`strongroom recovery approve` shows which are under way",
        Some("request-closed") => "a new one is opened by `strongroom recovery recover` with another --state",
        Some("stale-epoch") => "the secret was dealt anew meanwhile; try again with what is there now",
        Some("already-approved") => "there is nothing more to do",
        Some("not-your-share") => {
            "nobody approves their own request, and a device's share goes with the owner's sign-in"
        }
        Some("cooling-down") => {
            let wait_s = error.retry_after().unwrap_or_default().as_secs();
            return anyhow!("{error}; ask again in {wait_s} s");
        }
        _ => return server.explain(error),
    };
    anyhow!("{error}; {advice}")
}
