//! Key pairs: a public key as its owner gave it, the private key wrapped by the account's KEK, and what clients say of
//! the pair: external identifiers, by which it is found, and metadata. Source: dialects/meeco.md, sections 3.6 and 5.
//!
//! The private key is a wrapped key like a DEK: it counts among the account's keys, and a rotation rewraps it. That it
//! belongs to the public key, only clients can tell.

mod describe;
mod find;
mod names;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, KeyPairId},
    rsa::PublicKey,
    time::Timestamp,
};

pub use describe::UpdateKeyPair;
pub use find::{FindKeyPair, GetKeyPair, KeyPairPage, ListKeyPairs};
pub use names::{EXTERNAL_IDENTIFIER_CHARS_MAX, EXTERNAL_IDENTIFIERS_MAX, ExternalIdentifier};

use super::{
    KeyHierarchy, StoredKek,
    rows::{StoredKeyPair, Wrapping},
    wrapped,
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// A key pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// Which.
    pub id: KeyPairId,
    /// The public key, SubjectPublicKeyInfo in PEM, exactly as it was given.
    pub public_key: String,
    /// SHA-256 of the SubjectPublicKeyInfo in DER: the same for one key in whatever PEM.
    pub fingerprint: [u8; 32],
    /// The generation of the KEK that wraps the private key.
    pub generation: u32,
    /// The private key, wrapped by that KEK.
    pub wrapped_private_key: Bytes,
    /// What clients call it, in the order given.
    pub external_identifiers: Vec<ExternalIdentifier>,
    /// What clients say of it: the bytes of a JSON object, exactly as they were given.
    pub metadata: Bytes,
    /// Since when it is kept.
    pub created: Timestamp,
}

impl KeyPair {
    fn of(stored: StoredKeyPair, kek: &StoredKek) -> Result<Self, EngineError> {
        let wrapped_private_key = stored.wrapping.under(kek.generation)?.clone();
        let StoredKeyPair { id, created, public_key, fingerprint, external_identifiers, metadata, .. } =
            stored;
        let generation = kek.generation;
        Ok(Self {
            id,
            public_key,
            fingerprint,
            generation,
            wrapped_private_key,
            external_identifiers,
            metadata,
            created,
        })
    }
}

/// The rows of the KEK and of one key pair.
fn reads_of(account: AccountId, id: KeyPairId) -> Reads {
    Reads::one(keyspace::kek(account)).row(keyspace::key_pair(account, id))
}

/// A key pair that has been read. Somebody else's is one that never was (THREATS A-KEY-02).
pub(super) fn stored_key_pair(
    view: &View<'_>,
    account: AccountId,
    id: KeyPairId,
) -> Result<StoredKeyPair, EngineError> {
    view.row(&keyspace::key_pair(account, id))?.ok_or(EngineError::UnknownKey)
}

/// Keeps a new key pair.
#[derive(Debug, Clone, Serialize)]
pub struct CreateKeyPair {
    /// The public key: RSA of 2,048 to 8,192 bits, SubjectPublicKeyInfo in PEM, at most 8 KiB. Kept and returned as it
    /// is, line ends included.
    pub public_key: String,
    /// The private key, wrapped by the present KEK: a cryppo string.
    pub wrapped_private_key: Bytes,
    /// What to call it: at most [`EXTERNAL_IDENTIFIERS_MAX`] texts of 1 to [`EXTERNAL_IDENTIFIER_CHARS_MAX`]
    /// characters that no key pair of the account has.
    pub external_identifiers: Vec<String>,
    /// What to say of it: the bytes of a JSON object, opaque here. How deep it nests, the transport limits.
    pub metadata: Bytes,
    /// The generation of the KEK that wraps the private key. `None` if the caller does not know: then only a session
    /// that was opened under the present KEK is believed to hold it.
    pub generation: Option<u32>,
}

impl Command for CreateKeyPair {
    type Domain = KeyHierarchy;
    type Reply = KeyPair;
    const NAME: &'static str = "create_key_pair";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        names::reads_of(who.account, &self.external_identifiers, space).and(StoredKek::reads_of_holder(who))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<KeyPair>, EngineError> {
        wrapped::check(&self.wrapped_private_key, moment.limits.wrapped_private_key_bytes_max)?;
        let public_key = PublicKey::from_pem(&self.public_key)
            .map_err(|reason| EngineError::PublicKeyInvalid { reason })?;
        describe::check_metadata(&self.metadata, moment)?;
        names::check(&self.external_identifiers)?;
        let mut kek = StoredKek::of(view, who.account)?;
        kek.check_holder(self.generation, view, who)?;
        kek.count_in(moment.limits.account_keys_max)?;
        let mut pair = StoredKeyPair {
            id: KeyPairId::from_bytes(moment.entropy.array()),
            wrapping: Wrapping::new(kek.generation, self.wrapped_private_key.clone()),
            created: moment.now,
            public_key: self.public_key.clone(),
            fingerprint: public_key.fingerprint(),
            external_identifiers: Vec::new(),
            metadata: self.metadata.clone(),
        };
        let renamed = names::rename(&mut pair, &self.external_identifiers, view, who.account, moment)?;
        let decision = Decision::reply(KeyPair::of(pair.clone(), &kek)?);
        let decision = renamed.write(decision.put(keyspace::key_pair(who.account, pair.id), &pair));
        kek.save(who.account, decision).done()
    }
}

/// Forgets a key pair, and frees its external identifiers. What is encrypted for it is lost.
#[derive(Debug, Clone, Serialize)]
pub struct DeleteKeyPair {
    /// Which.
    pub id: KeyPairId,
}

impl Command for DeleteKeyPair {
    type Domain = KeyHierarchy;
    type Reply = ();
    const NAME: &'static str = "delete_key_pair";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        reads_of(who.account, self.id)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let stored = stored_key_pair(view, who.account, self.id)?;
        let mut kek = StoredKek::of(view, who.account)?;
        kek.count_out(&stored.wrapping);
        let decision = delete(Decision::reply(()), &stored, who.account, moment.space);
        kek.save(who.account, decision).done()
    }
}

/// Removes a key pair's row and those of its external identifiers.
pub(super) fn delete<R>(
    decision: Decision<R>,
    pair: &StoredKeyPair,
    account: AccountId,
    space: &Keyspace,
) -> Decision<R> {
    let names = pair.external_identifiers.iter().map(|name| space.external_identifier(account, &name.text));
    names.fold(decision.delete(keyspace::key_pair(account, pair.id)), Decision::delete)
}
