//! People with a passphrase: signing up and in, their keys, their vault.
//!
//! ```text
//! passphrase and Secret Key -> PDK --wraps--> KEK --wraps--> DEKs, private keys
//!                           -> SRP password -> a keystore session
//! private key --opens--> a vault session        private DEK --encrypts--> values of items
//! ```
//!
//! [`Users`] signs up and in and gives a [`Keystore`]: a session and the passphrase derived key (PDK). The keystore
//! gives the [`Vault`]: another session, and the data encryption key (DEK) that the user's items are under. Everything
//! between passphrase and values happens in here; the server keeps wrapped keys and encrypted values only.
//!
//! Believe this: a session is kept only after the server has proved that it knows the user too, and whatever the server
//! keeps wrapped is believed only if it opens.
//!
//! Source: seed 000 and `dialects/meeco.md`, sections 1, 5, 6 and 8; the derivation and the handshake are the native ones
//! of `strongroom_primitives::two_skd` and `strongroom_primitives::srp`.

mod enrol;
mod error;
mod keys;
mod keystore;
mod passphrase;
mod proof;
mod rotation;
mod sign_in;
mod sign_up;
#[cfg(test)]
mod tests;
mod vault;

pub use enrol::{Entered, VAULT_KEY};
pub use error::{Kept, UserError};
pub use keys::OpenKeyPair;
pub use keystore::{Keystore, OpenKek};
pub use rotation::Progress;
pub use sign_in::{SignInOptions, SignedIn};
pub use sign_up::SignUp;
pub use vault::{Field, Vault};

use crate::client::Client;
use crate::credentials::Credentials;

/// Signing up and in at one server, as whoever has the words for it.
#[derive(Debug, Clone)]
pub struct Users {
    /// Of nobody.
    client: Client,
}

impl Users {
    /// At the server of `client`, whose own credentials are not used.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { client: client.of(Credentials::nobody()) }
    }
}
