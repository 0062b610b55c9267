//! What the KEK wraps: data encryption keys, and the private halves of RSA key pairs.
//!
//! A key is added under the generation of the KEK that wraps it, so that a rotation in between is noticed and the key
//! wrapped again, by the KEK that came of it (THREATS A-KEY-05).

use std::fmt;

use strongroom_primitives::cryppo::{Form, NONCE_BYTES, Wrapped, WrappingKey, read_text};
use strongroom_primitives::id::{DekId, KeyPairId};
use strongroom_primitives::rsa::{NewKeyBits, PrivateKey, PublicKey};
use strongroom_primitives::secret::Secret;
use strongroom_wire::{CryppoString, Dek, KeyPair, NewDek, NewKeyPair, Operation, Reply};

use super::error::{Kept, does_not_open};
use super::keystore::unwrap;
use super::{Keystore, OpenKek, UserError};
use crate::checks::wrong_kind;
use crate::client::Client;
use crate::error::ClientError;
use crate::keyknox::ports::draw;
use crate::records::Rows;

/// How often a KEK is read again because it was rotated meanwhile.
pub(super) const STALE_MAX: u32 = 4;

/// DEKs in one page: as many as fit in a frame, however long each of them is.
pub(super) const DEK_PAGE: usize = 48;

/// Key pairs in one page: as many as fit in a frame, with all that may be said of each.
pub(super) const KEY_PAIR_PAGE: usize = 4;

/// A key pair, opened.
pub struct OpenKeyPair {
    /// Which.
    pub id: KeyPairId,
    /// The private half.
    pub private_key: PrivateKey,
    /// The public half as the server keeps it: SubjectPublicKeyInfo in PEM.
    pub public_pem: String,
}

impl fmt::Debug for OpenKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenKeyPair({:?})", self.id)
    }
}

impl Keystore {
    /// Makes a DEK and keeps it.
    ///
    /// # Errors
    /// [`UserError::Client`], [`UserError::DoesNotOpen`] for the KEK, [`UserError::NoEntropy`].
    pub async fn create_dek(&self) -> Result<(DekId, WrappingKey), UserError> {
        let dek = self.fresh_key()?;
        let reply = self
            .add(|kek| {
                let wrapped = self.wrap(&kek.key, &dek)?;
                Ok(Operation::CreateDek(NewDek { wrapped, generation: Some(kek.generation) }))
            })
            .await?;
        match reply {
            Reply::Dek(kept) => Ok((kept.id, dek)),
            _ => Err(wrong_kind().into()),
        }
    }

    /// Opens a DEK.
    ///
    /// # Errors
    /// [`UserError::DoesNotOpen`]; [`UserError::Client`], among it `unknown-key`.
    pub async fn dek(&self, id: DekId) -> Result<WrappingKey, UserError> {
        let get = Operation::GetDek { id };
        let generation = |reply: &Reply| match reply {
            Reply::Dek(dek) if dek.id == id => Ok(dek.generation),
            _ => Err(wrong_kind()),
        };
        let (kek, reply) = self.under_present_kek(get, generation).await?;
        match reply {
            Reply::Dek(dek) => unwrap(&kek.key, &dek.wrapped, Kept::Dek),
            _ => Err(wrong_kind().into()),
        }
    }

    /// Forgets a DEK. Whatever it encrypts is lost.
    ///
    /// # Errors
    /// [`UserError::Client`], among it `unknown-key`.
    pub async fn delete_dek(&self, id: DekId) -> Result<(), UserError> {
        Ok(self.client.ask(Operation::DeleteDek { id }).await.map(drop)?)
    }

    /// All DEKs, wrapped. The order means nothing.
    ///
    /// # Errors
    /// [`UserError::Client`].
    pub async fn deks(&self) -> Result<Vec<Dek>, UserError> {
        let mut rows = Rows::default();
        loop {
            let list =
                Operation::ListDeks { pending: false, cursor: rows.cursor.clone(), limit: Some(DEK_PAGE) };
            let Reply::Deks(page) = self.client.ask(list).await? else { return Err(wrong_kind().into()) };
            if !rows.take(page.deks, page.next)? {
                return Ok(rows.rows);
            }
        }
    }

    /// Makes an RSA key pair of 4,096 bits, which takes seconds, and keeps it under these names.
    ///
    /// # Errors
    /// [`UserError::Client`], among it `external-identifier-taken`; [`UserError::RsaKey`]; [`UserError::NoEntropy`].
    pub async fn create_key_pair(&self, names: &[&str]) -> Result<OpenKeyPair, UserError> {
        let making = tokio::task::spawn_blocking(|| PrivateKey::generate(NewKeyBits::Bits4096));
        let private_key = making.await.map_err(|_| UserError::GivenUp)??;
        let public_pem = private_key.public_key().to_pem();
        let reply = self
            .add(|kek| {
                let wrapped_private_key = encrypt(
                    &self.client,
                    &kek.key,
                    private_key.expose_pem().expose().as_bytes(),
                    Kept::PrivateKey,
                )?;
                Ok(Operation::CreateKeyPair(NewKeyPair {
                    public_key: public_pem.clone(),
                    wrapped_private_key,
                    external_identifiers: names.iter().map(|name| (*name).to_owned()).collect(),
                    metadata: None,
                    generation: Some(kek.generation),
                }))
            })
            .await?;
        match reply {
            Reply::KeyPair(kept) => Ok(OpenKeyPair { id: kept.id, private_key, public_pem }),
            _ => Err(wrong_kind().into()),
        }
    }

    /// Opens the key pair of this name; `None` if there is none.
    ///
    /// # Errors
    /// [`UserError::DoesNotOpen`]; [`UserError::KeyPair`] when its halves do not belong together (THREATS A-SRV-02);
    /// [`UserError::Client`].
    pub async fn key_pair(&self, name: &str) -> Result<Option<OpenKeyPair>, UserError> {
        let find = Operation::FindKeyPair { external_identifier: name.to_owned() };
        let generation = |reply: &Reply| match reply {
            Reply::KeyPair(pair) => Ok(pair.generation),
            _ => Err(wrong_kind()),
        };
        let (kek, reply) = match self.under_present_kek(find, generation).await {
            Err(error) if error.is_problem("unknown-key") => return Ok(None),
            found => found?,
        };
        match reply {
            Reply::KeyPair(pair) => open_pair(&kek, pair).map(Some),
            _ => Err(wrong_kind().into()),
        }
    }

    /// All key pairs, their private halves wrapped. The order means nothing.
    ///
    /// # Errors
    /// [`UserError::Client`].
    pub async fn key_pairs(&self) -> Result<Vec<KeyPair>, UserError> {
        let mut rows = Rows::default();
        loop {
            let (cursor, limit) = (rows.cursor.clone(), Some(KEY_PAIR_PAGE));
            let list = Operation::ListKeyPairs { pending: false, cursor, limit };
            let Reply::KeyPairs(page) = self.client.ask(list).await? else { return Err(wrong_kind().into()) };
            if !rows.take(page.keypairs, page.next)? {
                return Ok(rows.rows);
            }
        }
    }

    /// Adds a key under the present KEK, and under the next one if that came meanwhile.
    async fn add(
        &self,
        wrapped: impl Fn(&OpenKek) -> Result<Operation, UserError>,
    ) -> Result<Reply, UserError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let kek = self.kek().await?;
            match self.client.ask(wrapped(&kek)?).await {
                Err(error) if error.is_problem("stale-kek") && tries < STALE_MAX => {}
                answered => return Ok(answered?),
            }
        }
    }

    /// Reads a key together with the KEK that wraps it.
    async fn under_present_kek(
        &self,
        get: Operation,
        generation: impl Fn(&Reply) -> Result<u32, ClientError>,
    ) -> Result<(OpenKek, Reply), UserError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let kek = self.kek().await?;
            let reply = self.client.ask(get.clone()).await?;
            if generation(&reply)? == kek.generation {
                return Ok((kek, reply));
            }
            if tries >= STALE_MAX {
                return Err(ClientError::protocol("its keys are of another generation than its KEK").into());
            }
        }
    }
}

fn open_pair(kek: &OpenKek, pair: KeyPair) -> Result<OpenKeyPair, UserError> {
    let pem = decrypt(&kek.key, &pair.wrapped_private_key, Kept::PrivateKey)?;
    let private_key = PrivateKey::from_pem(&read_text(&pem))?;
    let public_key = PublicKey::from_pem(&pair.public_key)?;
    if public_key.fingerprint() != private_key.public_key().fingerprint() {
        return Err(UserError::KeyPair);
    }
    Ok(OpenKeyPair { id: pair.id, private_key, public_pem: pair.public_key })
}

/// Decrypts what the server keeps.
pub(super) fn decrypt(by: &WrappingKey, text: &CryppoString, what: Kept) -> Result<Secret, UserError> {
    let plain = Wrapped::parse(&text.0).and_then(|wrapped| by.decrypt(&wrapped));
    plain.map_err(does_not_open(what))
}

/// Encrypts what the server is to keep.
pub(super) fn encrypt(
    client: &Client,
    by: &WrappingKey,
    plain: &[u8],
    what: Kept,
) -> Result<CryppoString, UserError> {
    let nonce = draw::<NONCE_BYTES>(&*client.options.ports.entropy)?;
    let wrapped = by.encrypt(nonce, plain, Form::Bson);
    let wrapped = wrapped.map_err(|why| UserError::NotEncrypted { what, why })?;
    Ok(CryppoString(wrapped.into_string()))
}
