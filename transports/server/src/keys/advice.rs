//! Errors as one line each, with what to do about them.

use anyhow::anyhow;
use strongroom_client::{
    ClientError, ErrorKind,
    keyknox::{envelope::EnvelopeError, key_storage::KeyStorageError, local::LocalError, record::StoreError},
};

use super::profile::Profile;

/// What went wrong on the way to the server, if that is where it went wrong.
pub(super) fn client_error(error: &KeyStorageError) -> Option<&ClientError> {
    match error {
        KeyStorageError::Store(StoreError::Failed(error)) => error.downcast_ref(),
        _ => None,
    }
}

/// A failure of the keys, and the way out of it.
pub(super) fn explain(error: &KeyStorageError, profile: &Profile) -> anyhow::Error {
    if let Some(error) = client_error(error) {
        return explain_client(error, profile);
    }
    let at = profile.path.display();
    match error {
        KeyStorageError::AlreadyExists { .. } => anyhow!("{error}; say --replace if it is to be replaced"),
        KeyStorageError::Emptied { .. } => anyhow!(
            "{error}. If one of your devices removed them, `strongroom keys sync --follow-reset` removes them here too"
        ),
        KeyStorageError::WentBack(_) => anyhow!(
            "{error}. If the server was restored from a backup, `strongroom keys sync --accept-rollback` accepts that"
        ),
        KeyStorageError::Envelope(EnvelopeError::RecipientNotFound) => anyhow!(
            "the keys are not encrypted for this device: on one that can read them, add this device's public key to \
             `readers` in its profile and store something"
        ),
        KeyStorageError::Envelope(EnvelopeError::SignerNotFound) => anyhow!(
            "the keys were last written by a device that is not among `readers` in {at}; add its public key if it is \
             yours"
        ),
        KeyStorageError::Contended => anyhow!("{error}; try again"),
        KeyStorageError::Local(error) => explain_local(error, profile),
        error => anyhow!("{:#}", Chain(error)),
    }
}

/// A failure on the way to the server, and the way out of it.
pub(super) fn explain_client(error: &ClientError, profile: &Profile) -> anyhow::Error {
    let (at, server) = (profile.path.display(), &profile.file.server);
    match error.kind() {
        ErrorKind::Unreachable => {
            anyhow!("no server answers at {server} ({error}): is it running, and is `server` in {at} right?")
        }
        ErrorKind::Refused if error.problem().is_some_and(|problem| problem.status == 401) => {
            anyhow!("the server refuses the token: {error}; see [token] in {at}")
        }
        ErrorKind::NotFound => anyhow!("{error}; is `server` in {at} right?"),
        _ => anyhow!("{error}"),
    }
}

/// A failure of the local store, and the way out of it.
pub(super) fn explain_local(error: &LocalError, profile: &Profile) -> anyhow::Error {
    let store = profile.store();
    let store = store.display();
    match error {
        LocalError::DoesNotOpen => anyhow!(
            "{store} does not open with this private key for this server and identity. What it holds is in the cloud \
             too: move it aside and synchronise to begin it anew"
        ),
        LocalError::NotOurs => anyhow!(
            "{store} is not a file of local keys; name another as `store` in {}",
            profile.path.display()
        ),
        error => anyhow!("{store}: {:#}", Chain(error)),
    }
}

/// An error with its causes.
struct Chain<'e>(&'e dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
