//! Reading key pairs: by id, by an external identifier, and page by page.

use serde::{Deserialize, Serialize};
use strongroom_primitives::id::KeyPairId;
use strongroom_storage::Key;

use super::{KeyHierarchy, KeyPair, reads_of, stored_key_pair};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::key_hierarchy::{
        StoredKek,
        rows::{StoredExternalIdentifier, StoredKeyPair},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Reads a key pair.
#[derive(Debug, Clone, Serialize)]
pub struct GetKeyPair {
    /// Which.
    pub id: KeyPairId,
}

impl Command for GetKeyPair {
    type Domain = KeyHierarchy;
    type Reply = KeyPair;
    const NAME: &'static str = "get_key_pair";
    const KIND: Kind = Kind::Read;

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
        _: &mut Moment<'_>,
    ) -> Result<Step<KeyPair>, EngineError> {
        let stored = stored_key_pair(view, who.account, self.id)?;
        Decision::reply(KeyPair::of(stored, &StoredKek::of(view, who.account)?)?).done()
    }
}

/// Reads the key pair that goes by this name.
#[derive(Debug, Clone, Serialize)]
pub struct FindKeyPair {
    /// The text, exactly as it was given.
    pub external_identifier: String,
}

impl Command for FindKeyPair {
    type Domain = KeyHierarchy;
    type Reply = KeyPair;
    const NAME: &'static str = "find_key_pair";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        Reads::one(keyspace::kek(who.account))
            .row(space.external_identifier(who.account, &self.external_identifier))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<KeyPair>, EngineError> {
        let key = moment.space.external_identifier(who.account, &self.external_identifier);
        let holder: StoredExternalIdentifier = view.row(&key)?.ok_or(EngineError::UnknownKey)?;
        let key = keyspace::key_pair(who.account, holder.key_pair);
        if !view.has(&key) {
            return Ok(Step::Need(Reads::one(key)));
        }
        let stored: StoredKeyPair = view.row(&key)?.ok_or(EngineError::Corrupt)?;
        Decision::reply(KeyPair::of(stored, &StoredKek::of(view, who.account)?)?).done()
    }
}

/// Lists the caller's key pairs. The order means nothing.
#[derive(Debug, Clone, Serialize)]
pub struct ListKeyPairs {
    /// Whether only those are listed that the rotation under way has yet to rewrap.
    pub pending: bool,
    /// Where to go on: the `next` of the page before.
    pub from: Option<Vec<u8>>,
    /// At most so many are looked at; clamped to 1 to 64, which is 4 MiB if all are as large as they may be.
    pub limit: usize,
}

/// The most key pairs of a page.
const PAGE_MAX: usize = 64;

/// A page of key pairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPairPage {
    /// The key pairs.
    pub key_pairs: Vec<KeyPair>,
    /// Where to go on, if there may be more.
    pub next: Option<Vec<u8>>,
}

impl Command for ListKeyPairs {
    type Domain = KeyHierarchy;
    type Reply = KeyPairPage;
    const NAME: &'static str = "list_key_pairs";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        let from = self.from.as_ref().map(|bytes| Key::new(bytes.clone()));
        let kek = keyspace::kek(who.account);
        Reads::none().range(keyspace::key_pairs(who.account), from, self.limit.clamp(1, PAGE_MAX), kek)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<KeyPairPage>, EngineError> {
        let kek = StoredKek::of(view, who.account)?;
        let (rows, next) = view.range::<StoredKeyPair>(&keyspace::key_pairs(who.account))?;
        let wanted = rows.into_iter().map(|(_, stored)| stored);
        let key_pairs = wanted
            .filter(|stored| !self.pending || kek.is_pending(&stored.wrapping))
            .map(|stored| KeyPair::of(stored, &kek))
            .collect::<Result<_, _>>()?;
        Decision::reply(KeyPairPage { key_pairs, next: next.map(|key| key.as_bytes().to_vec()) }).done()
    }
}
