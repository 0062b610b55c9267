//! Secrets: a ciphertext that hangs in datastores and shares, and its earlier states.

mod attached;
mod create;
mod history;
mod links;
mod read;
mod rows;
mod update;

use std::fmt;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{id::SecretId, time::Timestamp};

pub use create::{CreateSecrets, CreatedSecret, NewSecret};
pub use history::{GetSecretVersion, SecretHistory, SecretVersion, SecretVersionInfo};
pub use links::{DeleteSecretLink, MoveSecretLink};
pub use read::{ReadSecret, ReadSecrets};
pub(crate) use read::{check_readable, read, reads_of_rights};
pub(super) use rows::StoredSecret;
pub(crate) use rows::{drop_secret, written};
pub use update::UpdateSecret;
pub(crate) use update::update;

use crate::{boxed::Boxed, error::EngineError};

/// Secrets that one command names.
pub const SECRETS_MAX: usize = 1_000;

/// The address that a client wants called, in bytes.
pub const CALLBACK_URL_BYTES_MAX: usize = 2_048;

/// The name and the password that go with it, in bytes each.
pub const CALLBACK_TEXT_BYTES_MAX: usize = 128;

/// What a client wants called when a secret is used. It is kept and shown, and nothing here calls it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// The address, at most 2,048 bytes.
    pub url: Option<String>,
    /// A name that goes with it, at most 128 bytes.
    pub user: Option<String>,
    /// A password that goes with it, at most 128 bytes.
    pub pass: Option<String>,
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = [self.url.is_some(), self.user.is_some(), self.pass.is_some()];
        write!(f, "Callback({} of 3 given)", given.iter().filter(|given| **given).count())
    }
}

impl Callback {
    fn check(&self) -> Result<(), EngineError> {
        let check = |field, text: &Option<String>, max| {
            let bytes = text.as_ref().map_or(0, String::len);
            if bytes > max { Err(EngineError::FieldSize { field, bytes, max }) } else { Ok(()) }
        };
        check("callback_url", &self.url, CALLBACK_URL_BYTES_MAX)?;
        check("callback_user", &self.user, CALLBACK_TEXT_BYTES_MAX)?;
        check("callback_pass", &self.pass, CALLBACK_TEXT_BYTES_MAX)
    }

    /// This one, and `before` wherever nothing is given.
    fn over(&self, before: Self) -> Self {
        Self {
            url: self.url.clone().or(before.url),
            user: self.user.clone().or(before.user),
            pass: self.pass.clone().or(before.pass),
        }
    }
}

/// A secret as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretState {
    /// Which.
    pub id: SecretId,
    /// What it holds.
    pub data: Boxed,
    /// What a client wants called.
    pub callback: Callback,
    /// When it was created.
    pub created: Timestamp,
    /// When it was written last.
    pub written: Timestamp,
    /// How often it has been read, this time included.
    pub reads: u64,
}
