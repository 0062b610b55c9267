//! Making realms and keys known, and revoking keys.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{id::RealmId, sign};

use super::{LANE, Realms, SignUp, Source, StoredGeneration, StoredRealm, StoredRealmKey};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal, Rights},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// The most realms and keys that one synchronisation handles.
const SYNC_ROWS: usize = 4_096;

pub(super) fn next_generation(view: &View<'_>) -> Result<StoredGeneration, EngineError> {
    let generation: StoredGeneration = view.row(&keyspace::realms_generation())?.unwrap_or_default();
    Ok(StoredGeneration(generation.0 + 1))
}

/// Makes a realm known, or changes what a gateway's identities may do in it.
#[derive(Debug, Clone, Serialize)]
pub struct PutRealm {
    /// Which.
    pub realm: RealmId,
    /// What identities that a gateway vouches for may do.
    pub rights: Rights,
}

impl Command for PutRealm {
    type Domain = Realms;
    type Reply = ();
    const NAME: &'static str = "put_realm";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        LANE
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        Reads::one(keyspace::realms_generation()).row(space.realm(&self.realm))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let key = moment.space.realm(&self.realm);
        let stored: Option<StoredRealm> = view.row(&key)?;
        let realm = StoredRealm {
            realm: self.realm.clone(),
            rights: self.rights,
            sign_up: stored.as_ref().map(|stored| stored.sign_up).unwrap_or_default(),
            source: Source::Admin,
            since: stored.map_or(moment.now, |stored| stored.since),
        };
        Decision::reply(())
            .put(key, &realm)
            .put(keyspace::realms_generation(), &next_generation(view)?)
            .wake(moment.space.realm_topic(&self.realm))
            .done()
    }
}

/// A key that signs a realm's tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealmKey {
    /// Which of the realm's keys: 1 to 256 bytes of text.
    pub key_id: String,
    /// Ed25519.
    pub public_key: [u8; 32],
    /// What tokens signed with it may do at most.
    pub rights: Rights,
}

impl RealmKey {
    fn check(&self) -> Result<(), EngineError> {
        if self.key_id.is_empty() || self.key_id.len() > 256 {
            return Err(EngineError::KeyInvalid);
        }
        sign::VerifyingKey::from_bytes(&self.public_key).map(drop).map_err(|_| EngineError::KeyInvalid)
    }

    fn stored(&self, realm: &RealmId, source: Source, moment: &Moment<'_>) -> StoredRealmKey {
        StoredRealmKey {
            realm: realm.clone(),
            key_id: self.key_id.clone(),
            public_key: self.public_key,
            rights: self.rights,
            source,
            since: moment.now,
        }
    }
}

/// Adds a key to a realm, or replaces the one with the same id. Makes the realm known if it is not.
#[derive(Debug, Clone, Serialize)]
pub struct PutRealmKey {
    /// Whose.
    pub realm: RealmId,
    /// Which.
    pub key: RealmKey,
}

impl Command for PutRealmKey {
    type Domain = Realms;
    type Reply = ();
    const NAME: &'static str = "put_realm_key";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        LANE
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        Reads::one(keyspace::realms_generation())
            .row(space.realm(&self.realm))
            .row(space.realm_key(&self.realm, &self.key.key_id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        self.key.check()?;
        let realm_key = moment.space.realm(&self.realm);
        let realm = view.row::<StoredRealm>(&realm_key)?.unwrap_or_else(|| StoredRealm {
            realm: self.realm.clone(),
            rights: Rights::ALL,
            sign_up: SignUp::Closed,
            source: Source::Admin,
            since: moment.now,
        });
        let stored = self.key.stored(&self.realm, Source::Admin, moment);
        Decision::reply(())
            .put(realm_key, &realm)
            .put(moment.space.realm_key(&self.realm, &self.key.key_id), &stored)
            .put(keyspace::realms_generation(), &next_generation(view)?)
            .wake(moment.space.realm_topic(&self.realm))
            .done()
    }
}

/// Revokes a key. Its tokens are refused from the next commit on, and their sockets close. A key that stands in the
/// configuration comes back at the next start, as long as it stands there.
#[derive(Debug, Clone, Serialize)]
pub struct RevokeRealmKey {
    /// Whose.
    pub realm: RealmId,
    /// Which.
    pub key_id: String,
}

impl Command for RevokeRealmKey {
    type Domain = Realms;
    type Reply = Source;
    const NAME: &'static str = "revoke_realm_key";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        LANE
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        Reads::one(keyspace::realms_generation()).row(space.realm_key(&self.realm, &self.key_id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Source>, EngineError> {
        let key = moment.space.realm_key(&self.realm, &self.key_id);
        let stored: StoredRealmKey = view.row(&key)?.ok_or(EngineError::UnknownRealmKey)?;
        Decision::reply(stored.source)
            .delete(key)
            .put(keyspace::realms_generation(), &next_generation(view)?)
            .wake(moment.space.realm_topic(&self.realm))
            .done()
    }
}

/// A realm as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfiguredRealm {
    /// Which.
    pub realm: RealmId,
    /// What identities that a gateway vouches for may do.
    pub rights: Rights,
    /// Whether people can make themselves an account in it.
    pub sign_up: SignUp,
    /// Its keys.
    pub keys: Vec<RealmKey>,
}

/// Makes the stored realms and keys agree with the configuration, at start. Touches nothing that the operator added.
#[derive(Debug, Clone, Serialize)]
pub struct SyncConfiguredRealms {
    /// All realms that stand in the configuration.
    pub realms: Vec<ConfiguredRealm>,
}

impl Command for SyncConfiguredRealms {
    type Domain = Realms;
    type Reply = ();
    const NAME: &'static str = "sync_configured_realms";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        LANE
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        let generation = keyspace::realms_generation();
        let mut reads = Reads::none().range(keyspace::realms(), None, SYNC_ROWS, generation.clone()).range(
            keyspace::all_realm_keys(),
            None,
            SYNC_ROWS,
            generation,
        );
        for realm in &self.realms {
            reads = reads.row(space.realm(&realm.realm));
            for key in &realm.keys {
                reads = reads.row(space.realm_key(&realm.realm, &key.key_id));
            }
        }
        reads
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let mut decision = Decision::reply(());
        let mut wanted = Vec::new();
        for realm in &self.realms {
            let key = moment.space.realm(&realm.realm);
            wanted.push(key.clone());
            let stored: Option<StoredRealm> = view.row(&key)?;
            let same =
                |stored: &StoredRealm| (stored.rights, stored.sign_up) == (realm.rights, realm.sign_up);
            if !stored.as_ref().is_some_and(same) {
                let row = StoredRealm {
                    realm: realm.realm.clone(),
                    rights: realm.rights,
                    sign_up: realm.sign_up,
                    source: stored.as_ref().map_or(Source::Config, |stored| stored.source),
                    since: stored.map_or(moment.now, |stored| stored.since),
                };
                decision = decision.put(key, &row);
            }
            for realm_key in &realm.keys {
                realm_key.check()?;
                let key = moment.space.realm_key(&realm.realm, &realm_key.key_id);
                wanted.push(key.clone());
                let stored: Option<StoredRealmKey> = view.row(&key)?;
                let fresh = realm_key.stored(&realm.realm, Source::Config, moment);
                let same = |stored: &StoredRealmKey| {
                    stored.public_key == fresh.public_key && stored.rights == fresh.rights
                };
                if !stored.as_ref().is_some_and(same) {
                    decision = decision.put(key, &fresh);
                }
            }
        }
        wanted.sort();
        let (realms, _) = view.range::<StoredRealm>(&keyspace::realms())?;
        let (keys, _) = view.range::<StoredRealmKey>(&keyspace::all_realm_keys())?;
        let configured_realms = realms
            .into_iter()
            .filter(|(_, row)| row.source == Source::Config)
            .map(|(key, row)| (key, row.realm));
        let configured_keys = keys
            .into_iter()
            .filter(|(_, row)| row.source == Source::Config)
            .map(|(key, row)| (key, row.realm));
        for (key, realm) in configured_realms.chain(configured_keys) {
            if wanted.binary_search(&key).is_err() {
                decision = decision.delete(key).wake(moment.space.realm_topic(&realm));
            }
        }
        if decision.is_silent() {
            return decision.done();
        }
        decision.put(keyspace::realms_generation(), &next_generation(view)?).done()
    }
}
