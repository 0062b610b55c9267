//! Datastores, secrets and shares: ciphertexts that the server keeps and links to each other, and several accounts may reach.
//!
//! [`Datastores`], [`Secrets`] and [`Shares`] take and give ciphertext ([`Boxed`]), and hold no key. [`Client::seal`],
//! [`Client::seal_key`], [`open`] and [`open_key`] make it and open it; which key opens what is up to whoever designs the
//! documents inside.
//!
//! Believe this: a ciphertext says nothing of its place. A server can show one secret's for another's where both are under
//! one key, so give every secret a key of its own.

mod datastores;
mod secrets;
mod shares;

use strongroom_primitives::id::LinkId;
use strongroom_primitives::nacl::{BoxKey, BoxPublic, BoxSecret, LowOrder};
use strongroom_wire::Boxed;
use zeroize::Zeroizing;

pub use datastores::{DatastoreChange, Datastores};
pub use secrets::Secrets;
pub use shares::Shares;

use crate::boxes;
pub use crate::boxes::DoesNotOpen;
use crate::client::Client;
use crate::error::ClientError;
use crate::keyknox::ports::draw;

/// Opens what was sealed with this key.
///
/// # Errors
/// [`DoesNotOpen`].
pub fn open(key: &BoxKey, boxed: &Boxed) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    boxes::open(key, boxed)
}

/// Opens a key that was sealed with this one.
///
/// # Errors
/// [`DoesNotOpen`], also where what opens is no key.
pub fn open_key(under: &BoxKey, boxed: &Boxed) -> Result<BoxKey, DoesNotOpen> {
    boxes::open_key(under, boxed).map(|key| BoxKey::from_bytes(*key))
}

/// What two people seal for each other with, each from their own private key and the other's public key (X25519, 32 bytes
/// each): what a giver seals the key of a share with, and what its taker opens that with.
///
/// # Errors
/// [`LowOrder`] for a public key that agrees on the same with everybody.
pub fn key_between(private_key: &[u8; 32], public_key: [u8; 32]) -> Result<BoxKey, LowOrder> {
    BoxSecret::from_seed(*private_key).agree(&BoxPublic::from_bytes(public_key)?)
}

impl Client {
    /// The caller's datastores.
    #[must_use]
    pub fn datastores(&self) -> Datastores {
        Datastores { client: self.clone() }
    }

    /// Secrets that the caller may reach.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        Secrets { client: self.clone() }
    }

    /// Shares that the caller may reach.
    #[must_use]
    pub fn shares(&self) -> Shares {
        Shares { client: self.clone() }
    }

    /// Seals a text, with a nonce drawn for it.
    ///
    /// # Errors
    /// [`ClientError::NoEntropy`].
    pub fn seal(&self, key: &BoxKey, text: &[u8]) -> Result<Boxed, ClientError> {
        Ok(boxes::seal(&*self.options.ports.entropy, key, text)?)
    }

    /// Seals a key with another one, as its 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`ClientError::NoEntropy`].
    pub fn seal_key(&self, under: &BoxKey, key: &BoxKey) -> Result<Boxed, ClientError> {
        Ok(boxes::seal_key(&*self.options.ports.entropy, under, key.expose())?)
    }

    /// Draws a key.
    ///
    /// # Errors
    /// [`ClientError::NoEntropy`].
    pub fn new_box_key(&self) -> Result<BoxKey, ClientError> {
        Ok(BoxKey::from_bytes(draw(&*self.options.ports.entropy)?))
    }

    /// Draws a link, at which something new hangs.
    ///
    /// # Errors
    /// [`ClientError::NoEntropy`].
    pub fn new_link(&self) -> Result<LinkId, ClientError> {
        Ok(LinkId::from_bytes(draw(&*self.options.ports.entropy)?))
    }
}
