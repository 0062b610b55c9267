//! The keystore of one user: the KEK, and the passphrase derived key that opens it.

use std::fmt;

use strongroom_primitives::cryppo::{Form, KEY_BYTES, NONCE_BYTES, Wrapped, WrappingKey};
use strongroom_primitives::id::SessionId;
use strongroom_primitives::time::Timestamp;
use strongroom_wire::{CryppoString, Kek, NewKek, Operation, Reply, SessionInfo, SignInFailures};
use zeroize::Zeroizing;

use super::UserError;
use super::error::{Kept, does_not_open};
use crate::checks::wrong_kind;
use crate::client::Client;
use crate::keyknox::ports::{NoEntropy, draw};

/// A user's session at the keystore, and the passphrase derived key (PDK) under which the server keeps the KEK.
#[derive(Clone)]
pub struct Keystore {
    pub(super) client: Client,
    pub(super) pdk: WrappingKey,
}

/// A key encryption key (KEK), opened.
#[derive(Debug, Clone)]
pub struct OpenKek {
    /// The key itself.
    pub key: WrappingKey,
    /// Which of the account's KEKs it is. No number comes twice.
    pub generation: u32,
    /// When it became the present one.
    pub since: Timestamp,
    /// How many keys it wraps.
    pub keys: u64,
    /// Keys that a rotation under way has rewrapped already; `None` if there is no rotation.
    pub rewrapped: Option<u64>,
}

impl Keystore {
    pub(super) fn new(client: Client, pdk: WrappingKey) -> Self {
        Self { client, pdk }
    }

    /// The client of the session, for everything that needs no key.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The passphrase derived key.
    #[must_use]
    pub fn pdk(&self) -> &WrappingKey {
        &self.pdk
    }

    /// The user's sessions.
    ///
    /// # Errors
    /// [`UserError::Client`].
    pub async fn sessions(&self) -> Result<Vec<SessionInfo>, UserError> {
        Ok(self.client.sessions().await?)
    }

    /// Ends a session of the user's; `None` for this one.
    ///
    /// # Errors
    /// [`UserError::Client`].
    pub async fn sign_out(&self, session: Option<SessionId>) -> Result<(), UserError> {
        Ok(self.client.revoke_session(session).await?)
    }

    /// Attempts to sign in as this user that failed.
    ///
    /// # Errors
    /// [`UserError::Client`].
    pub async fn sign_in_failures(&self) -> Result<SignInFailures, UserError> {
        match self.client.ask(Operation::SignInAttempts {}).await? {
            Reply::Attempts(failures) => Ok(failures),
            _ => Err(wrong_kind().into()),
        }
    }

    /// The present KEK.
    ///
    /// # Errors
    /// [`UserError::DoesNotOpen`]; [`UserError::Client`], among it `unknown-key` if none was ever set.
    pub async fn kek(&self) -> Result<OpenKek, UserError> {
        let kek = self.wrapped_kek().await?;
        self.open_kek(&kek)
    }

    /// Makes a KEK and sets it, or gives the one that another device was faster to set: it is set once.
    ///
    /// # Errors
    /// [`UserError::Client`], [`UserError::NoEntropy`].
    pub async fn set_kek(&self) -> Result<OpenKek, UserError> {
        let key = self.fresh_key()?;
        let wrapped = self.wrap(&self.pdk, &key)?;
        match self.client.ask(Operation::SetKek(NewKek { wrapped })).await {
            Ok(Reply::Kek(kek)) => self.open_kek(&kek),
            Ok(_) => Err(wrong_kind().into()),
            Err(error) if error.is_problem("kek-exists") => self.kek().await,
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn wrapped_kek(&self) -> Result<Kek, UserError> {
        match self.client.ask(Operation::GetKek {}).await? {
            Reply::Kek(kek) => Ok(kek),
            _ => Err(wrong_kind().into()),
        }
    }

    pub(super) fn open_kek(&self, kek: &Kek) -> Result<OpenKek, UserError> {
        Ok(OpenKek {
            key: unwrap(&self.pdk, &kek.wrapped, Kept::Kek)?,
            generation: kek.generation,
            since: kek.since,
            keys: kek.keys,
            rewrapped: kek.rotation.as_ref().map(|rotation| rotation.done),
        })
    }

    pub(super) fn fresh_key(&self) -> Result<WrappingKey, NoEntropy> {
        let bytes = Zeroizing::new(draw::<KEY_BYTES>(&*self.client.options.ports.entropy)?);
        Ok(WrappingKey::from_bytes(&bytes))
    }

    pub(super) fn wrap(&self, by: &WrappingKey, key: &WrappingKey) -> Result<CryppoString, NoEntropy> {
        let nonce = draw::<NONCE_BYTES>(&*self.client.options.ports.entropy)?;
        Ok(CryppoString(by.wrap_key(nonce, key, Form::Bson).into_string()))
    }
}

/// Opens a wrapped key.
pub(super) fn unwrap(by: &WrappingKey, text: &CryppoString, what: Kept) -> Result<WrappingKey, UserError> {
    let plain = Wrapped::parse(&text.0).and_then(|wrapped| by.decrypt(&wrapped));
    plain.and_then(|plain| WrappingKey::from_secret(&plain)).map_err(does_not_open(what))
}

impl fmt::Debug for Keystore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keystore")
    }
}
