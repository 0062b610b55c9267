//! The challenge: salt and B for a name, whether it has an account or not.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    hash,
    id::{AccountId, RealmId},
    srp::{self, ClientPublic, Ephemeral, SrpError},
    time::Timestamp,
};
use strongroom_storage::Key;

use super::{
    SrpProfile, StoredHandshake, account_of, identity_of,
    rows::{Held, StoredVerifier},
};
use crate::{
    command::{Command, Cost, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::sessions::Sessions,
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Ephemeral secrets that are drawn before something must be wrong: one fails with a chance below 2^-2000.
const DRAWS_MAX: usize = 4;

/// Begins to sign in.
#[derive(Debug, Clone, Serialize)]
pub struct BeginSrp {
    /// Where.
    pub realm: RealmId,
    /// Who.
    pub username: String,
    /// Which group and proofs.
    pub profile: SrpProfile,
    /// A, big-endian.
    pub client_public: Vec<u8>,
}

/// What a password is to be proved against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SrpChallenge {
    /// The salt.
    pub salt: Vec<u8>,
    /// B, big-endian, as long as the group's values.
    pub server_public: Vec<u8>,
    /// How the account's client makes the password, in its own words. Empty where it said nothing.
    pub derivation: String,
    /// The last instant at which an answer is taken.
    pub expires: Timestamp,
}

impl BeginSrp {
    fn places(&self, account: AccountId, client_public: &ClientPublic, space: &Keyspace) -> [Key; 4] {
        space.handshakes(account, client_public.as_bytes(), self.profile.handshakes().0)
    }

    /// Where the challenge goes: where the same one was, where nothing of use is, or where the oldest is.
    fn place(
        &self,
        new: &StoredHandshake,
        client_public: &ClientPublic,
        view: &View<'_>,
        moment: &Moment<'_>,
    ) -> Result<Key, EngineError> {
        let mut best: Option<(Timestamp, Key)> = None;
        for key in self.places(new.account, client_public, moment.space) {
            let age = match view.row::<StoredHandshake>(&key)? {
                Some(old) if (old.account, old.client_public) == (new.account, new.client_public) => {
                    return Ok(key);
                }
                Some(old) if moment.now <= old.expires => old.expires,
                _ => Timestamp::default(),
            };
            if best.as_ref().is_none_or(|(oldest, _)| age < *oldest) {
                best = Some((age, key));
            }
        }
        best.map(|(_, key)| key).ok_or(EngineError::Fault)
    }
}

impl Command for BeginSrp {
    type Domain = Sessions;
    type Reply = SrpChallenge;
    const NAME: &'static str = "begin_srp";
    const KIND: Kind = Kind::Write;
    const COST: Cost = Cost::Heavy;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        space.handshake_lane(account_of(&self.realm, &self.username, space))
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        let account = account_of(&self.realm, &self.username, space);
        let reads = Reads::one(keyspace::verifier(account));
        match ClientPublic::new(self.profile.profile(), &self.client_public) {
            Ok(client_public) => {
                self.places(account, &client_public, space).into_iter().fold(reads, Reads::row)
            }
            Err(_) => reads,
        }
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<SrpChallenge>, EngineError> {
        let profile = self.profile.profile();
        let identity = identity_of(&self.realm, &self.username)?;
        let client_public =
            ClientPublic::new(profile, &self.client_public).map_err(EngineError::SrpInvalid)?;
        let account = moment.space.account_of(&identity.realm, &identity.subject);
        let stored: Option<StoredVerifier> = view.row(&keyspace::verifier(account))?;
        let held = Held::of(&self.username, self.profile, stored.as_ref(), moment)?;
        let mut drawn = Err(SrpError::Redraw);
        let mut secret = [0; 32];
        for _ in 0..DRAWS_MAX {
            secret = moment.entropy.array();
            drawn = srp::challenge(profile, &held.verifier, &Ephemeral::new(secret));
            if !matches!(drawn, Err(SrpError::Redraw)) {
                break;
            }
        }
        let server_public = drawn.map_err(|_| EngineError::Fault)?.as_bytes().to_vec();
        let (_, life) = self.profile.handshakes();
        let expires = moment.now.saturating_add(life);
        let handshake = StoredHandshake {
            account,
            profile: self.profile,
            client_public: hash::sha256(client_public.as_bytes()),
            ephemeral: secret,
            server_public: server_public.clone(),
            generation: held.generation,
            expires,
        };
        let key = self.place(&handshake, &client_public, view, moment)?;
        let Held { salt, derivation, .. } = held;
        let challenge = SrpChallenge { salt: salt.as_bytes().to_vec(), server_public, derivation, expires };
        Decision::reply(challenge).put(key, &handshake).done()
    }
}
