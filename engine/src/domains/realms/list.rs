//! Looking at realms and their keys.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{id::RealmId, time::Timestamp};

use super::{Realms, SignUp, Source, StoredRealm, StoredRealmKey};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal, Rights},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// The most realms and keys that are listed.
const LIST_ROWS: usize = 4_096;

/// Lists all realms and their keys, for the operator.
#[derive(Debug, Clone, Serialize)]
pub struct ListRealms;

/// A realm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealmInfo {
    /// Which.
    pub realm: RealmId,
    /// What identities that a gateway vouches for may do.
    pub rights: Rights,
    /// Whether people can make themselves an account in it.
    pub sign_up: SignUp,
    /// Where it came from.
    pub source: Source,
    /// Since when it is known.
    pub since: Timestamp,
    /// Its keys.
    pub keys: Vec<RealmKeyInfo>,
}

/// A realm's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealmKeyInfo {
    /// Which.
    pub key_id: String,
    /// Ed25519.
    pub public_key: [u8; 32],
    /// What tokens signed with it may do at most.
    pub rights: Rights,
    /// Where it came from.
    pub source: Source,
    /// Since when it is known.
    pub since: Timestamp,
}

impl Command for ListRealms {
    type Domain = Realms;
    type Reply = Vec<RealmInfo>;
    const NAME: &'static str = "list_realms";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        let generation = keyspace::realms_generation();
        Reads::none().range(keyspace::realms(), None, LIST_ROWS, generation.clone()).range(
            keyspace::all_realm_keys(),
            None,
            LIST_ROWS,
            generation,
        )
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<Vec<RealmInfo>>, EngineError> {
        let (realms, _) = view.range::<StoredRealm>(&keyspace::realms())?;
        let (keys, _) = view.range::<StoredRealmKey>(&keyspace::all_realm_keys())?;
        let mut list: Vec<RealmInfo> = realms
            .into_iter()
            .map(|(_, StoredRealm { realm, rights, sign_up, source, since })| RealmInfo {
                keys: keys
                    .iter()
                    .filter(|(_, key)| key.realm == realm)
                    .map(|(_, key)| RealmKeyInfo {
                        key_id: key.key_id.clone(),
                        public_key: key.public_key,
                        rights: key.rights,
                        source: key.source,
                        since: key.since,
                    })
                    .collect(),
                realm,
                rights,
                sign_up,
                source,
                since,
            })
            .collect();
        list.sort_by(|a, b| a.realm.cmp(&b.realm));
        Decision::reply(list).done()
    }
}
