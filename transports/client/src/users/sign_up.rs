//! Signing up: a name from the server, a secret from this machine, and a verifier that tells nobody the passphrase.

use bytes::Bytes;
use strongroom_primitives::id::AccountId;
use strongroom_primitives::secret::SecretText;
use strongroom_primitives::secret_key::{SECRET_BYTES, SecretKey};
use strongroom_primitives::time::Timestamp;
use strongroom_primitives::two_skd::WorkFactors;
use strongroom_wire::{Base64Bytes, Operation, Registration as Document, Reply};
use zeroize::Zeroizing;

use super::proof::Registration;
use super::{UserError, Users};
use crate::checks::wrong_kind;
use crate::client::Client;
use crate::keyknox::ports::draw;

/// Somebody who is about to sign up: the name is theirs for an hour, and the Secret Key is known to nobody else.
///
/// The user has to keep the Secret Key before they register: without it the passphrase opens nothing.
#[derive(Debug)]
pub struct SignUp {
    client: Client,
    secret_key: SecretKey,
    expires: Timestamp,
}

impl Users {
    /// Reserves a name and makes a Secret Key for it.
    ///
    /// # Errors
    /// [`UserError::Client`], among it `sign-up-closed`; [`UserError::Username`]; [`UserError::NoEntropy`].
    pub async fn sign_up(&self) -> Result<SignUp, UserError> {
        let Reply::Reserved(reserved) = self.client.ask(Operation::ReserveUsername {}).await? else {
            return Err(wrong_kind().into());
        };
        let secret = Zeroizing::new(draw::<SECRET_BYTES>(&*self.client.options.ports.entropy)?);
        let secret_key = SecretKey::new(&reserved.username, &secret)?;
        Ok(SignUp { client: self.client.clone(), secret_key, expires: reserved.expires })
    }
}

impl SignUp {
    /// The user name and the secret, to be shown and kept.
    #[must_use]
    pub fn secret_key(&self) -> &SecretKey {
        &self.secret_key
    }

    /// The last instant at which the name is kept.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Makes the account. Takes most of a second; the passphrase stays on this machine.
    ///
    /// # Errors
    /// [`UserError::Client`], among it `username-not-reserved` after an hour; [`UserError::Derive`].
    pub async fn register(&self, passphrase: &SecretText, work: WorkFactors) -> Result<AccountId, UserError> {
        let entropy = &*self.client.options.ports.entropy;
        let made = Registration::make(&self.secret_key, passphrase, work, entropy).await?;
        let document = Document {
            username: self.secret_key.username().to_owned(),
            salt: base64(made.salt.as_bytes()),
            verifier: base64(made.verifier.expose()),
            derivation: made.derivation,
        };
        match self.client.ask(Operation::RegisterUser(document)).await? {
            Reply::Registered(registered) => Ok(registered.account),
            _ => Err(wrong_kind().into()),
        }
    }
}

/// Bytes as the wire has them.
pub(super) fn base64(bytes: &[u8]) -> Base64Bytes {
    Base64Bytes(Bytes::copy_from_slice(bytes))
}
