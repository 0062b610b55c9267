//! The state of a recovery between commands: of which escrow, and the key that shares are sealed to. The request itself
//! is found by that key, so nothing is lost when a command ends between asking and writing down.

use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use serde::Deserialize;
use strongroom_client::wire::RecoveryRequest;
use strongroom_primitives::{encoding::to_hex, hpke::HolderSecret, id::EscrowId, secret::Secret};
use zeroize::Zeroizing;

use super::key::{bytes_of, fingerprint};
use crate::{
    data::random,
    place::{Readers, write},
    secret_toml::{self, Hidden},
};

/// A recovery that was begun.
pub(super) struct State {
    pub(super) escrow: EscrowId,
    pub(super) key: HolderSecret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    escrow: String,
    requester_secret_key: Hidden,
}

impl State {
    /// What a file has, or a new state that is written there.
    ///
    /// # Errors
    /// One line that names the fix; among it that the file is of another escrow.
    pub(super) fn of(path: &Path, escrow: EscrowId) -> anyhow::Result<Self> {
        let shown = path.display();
        if !path.exists() {
            let state = Self { escrow, key: HolderSecret::derive(random()?) };
            write(path, state.text().as_bytes(), Readers::Owner, false)?;
            return Ok(state);
        }
        let bytes = secret_toml::read(path, "requester's key")?;
        let state = Self::parse(&bytes).with_context(|| shown.to_string())?;
        ensure!(
            state.escrow == escrow,
            "{shown} is of a recovery of escrow {}; name another file with --state",
            state.escrow
        );
        Ok(state)
    }

    fn parse(bytes: &Secret) -> anyhow::Result<Self> {
        let fields: Fields = secret_toml::fields(bytes, "state of a recovery")?;
        let escrow = fields.escrow.parse().map_err(|error| anyhow!("`escrow`: {error}"))?;
        let key = bytes_of("requester_secret_key", fields.requester_secret_key.0.expose())?;
        Ok(Self { escrow, key: HolderSecret::from_bytes(*key) })
    }

    fn text(&self) -> Zeroizing<String> {
        let hex = Zeroizing::new(to_hex(&*self.key.expose()));
        // Room for all of it at once: a buffer that grows leaves pieces of a secret behind.
        let mut text = Zeroizing::new(String::with_capacity(256));
        let escrow = self.escrow.to_string();
        for part in ["escrow = \"", &escrow, "\"\nrequester_secret_key = \"", &hex, "\"\n"] {
            text.push_str(part);
        }
        text
    }

    /// What the requester tells the holders.
    pub(super) fn fingerprint(&self) -> String {
        fingerprint(&[self.key.public().as_bytes()])
    }

    /// The newest request with this key.
    pub(super) fn request<'r>(&self, requests: &'r [RecoveryRequest]) -> Option<&'r RecoveryRequest> {
        let own = *self.key.public().as_bytes();
        requests.iter().rev().find(|request| request.public_key.0 == own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let (path, id) = (folder.path().join("state"), EscrowId::from_bytes([5; 16]));
        let made = State::of(&path, id).unwrap();
        assert_eq!(State::of(&path, id).unwrap().fingerprint(), made.fingerprint());
        let error = State::of(&path, EscrowId::from_bytes([6; 16])).err().unwrap().to_string();
        assert!(error.contains("--state") && error.contains(&id.to_string()), "{error}");
    }
}
