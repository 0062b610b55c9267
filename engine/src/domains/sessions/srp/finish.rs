//! The answer to a challenge: a proof, and for a good one a session.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    hash,
    id::{AccountId, RealmId},
    srp::{self, ClientPublic, Ephemeral, Proof, ServerPublic, Transcript},
};
use subtle::ConstantTimeEq;

use super::{
    SrpProfile, StoredHandshake, account_of,
    guesses::StoredGuesses,
    identity_of,
    rows::{Held, StoredVerifier},
};
use crate::{
    command::{Command, Cost, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal, Rights},
    domains::{
        accounts::{AccountState, StoredAccount},
        sessions::{BearerIssued, Opening, Sessions, TokenForm},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Answers a challenge, and signs in.
#[derive(Clone, Serialize)]
pub struct FinishSrp {
    /// Where.
    pub realm: RealmId,
    /// Who.
    pub username: String,
    /// Which group and proofs.
    pub profile: SrpProfile,
    /// A, big-endian, as the challenge was asked for.
    pub client_public: Vec<u8>,
    /// M1: 32 bytes.
    pub proof: Vec<u8>,
    /// How long the session is to be good; at most, and `None` for, the longest.
    pub life: Option<Duration>,
    /// What its holder calls it; at most 128 bytes are kept.
    pub label: String,
    /// What its token is to look like.
    pub form: TokenForm,
    /// The network that the caller comes from, for counting failed attempts; empty if there is none.
    pub network: Vec<u8>,
}

impl std::fmt::Debug for FinishSrp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FinishSrp({:?}, {:?})", self.realm, self.profile)
    }
}

/// Somebody has signed in.
#[derive(Debug, Serialize, Deserialize)]
pub struct SignedIn {
    /// The session and its token.
    pub session: BearerIssued,
    /// M2, by which the server shows that it knows the verifier: 32 bytes.
    pub server_proof: Vec<u8>,
    /// Attempts to sign in to this account that failed since the last one that did not.
    pub failures: u64,
}

/// What a proof is checked with.
struct Attempt<'a> {
    account: AccountId,
    username: &'a str,
    profile: SrpProfile,
    client_public: ClientPublic,
    proof: Proof,
}

impl Attempt<'_> {
    /// Checks the proof against a challenge that is open. The caller deletes the challenge in any case.
    ///
    /// A name without an account costs what one with an account costs: two exponentiations (THREATS A-SRP-05).
    fn check(
        &self,
        handshake: &StoredHandshake,
        stored: Option<&StoredVerifier>,
        moment: &Moment<'_>,
    ) -> Result<srp::Accepted, EngineError> {
        let held = Held::of(self.username, self.profile, stored, moment)?;
        let server_public = ServerPublic::new(self.profile.profile(), &handshake.server_public)
            .map_err(|_| EngineError::Corrupt)?;
        let transcript = Transcript {
            profile: self.profile.profile(),
            name: self.username,
            salt: &held.salt,
            client_public: &self.client_public,
            server_public: &server_public,
        };
        let ephemeral = Ephemeral::new(handshake.ephemeral);
        let accepted = srp::answer(&transcript, &held.verifier, &ephemeral, &self.proof);
        let current = held.generation == handshake.generation && held.generation > 0;
        accepted.ok().filter(|_| current).ok_or(EngineError::LoginRefused)
    }

    /// Whether this row is the challenge that is being answered.
    fn answers(&self, handshake: &StoredHandshake, moment: &Moment<'_>) -> bool {
        let same = hash::sha256(self.client_public.as_bytes()).ct_eq(&handshake.client_public);
        handshake.account == self.account
            && handshake.profile == self.profile
            && bool::from(same)
            && moment.now <= handshake.expires
    }
}

impl FinishSrp {
    fn handshake_key(&self, space: &Keyspace) -> Option<strongroom_storage::Key> {
        let client_public = ClientPublic::new(self.profile.profile(), &self.client_public).ok()?;
        let account = account_of(&self.realm, &self.username, space);
        Some(space.handshake(account, client_public.as_bytes(), self.profile.handshakes().0))
    }
}

impl Command for FinishSrp {
    type Domain = Sessions;
    type Reply = SignedIn;
    const NAME: &'static str = "finish_srp";
    const KIND: Kind = Kind::Write;
    const COST: Cost = Cost::Heavy;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        Lane::of_account(account_of(&self.realm, &self.username, space))
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        let account = account_of(&self.realm, &self.username, space);
        let reads = Reads::one(keyspace::verifier(account))
            .row(keyspace::account(account))
            .row(keyspace::guesses(account));
        self.handshake_key(space).into_iter().fold(reads, Reads::row)
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<SignedIn>, EngineError> {
        let identity = identity_of(&self.realm, &self.username)?;
        let account = moment.space.account_of(&identity.realm, &identity.subject);
        let attempt = Attempt {
            account,
            username: &self.username,
            profile: self.profile,
            client_public: ClientPublic::new(self.profile.profile(), &self.client_public)
                .map_err(EngineError::SrpInvalid)?,
            proof: Proof::new(&self.proof).map_err(EngineError::SrpInvalid)?,
        };
        let guesses_key = keyspace::guesses(account);
        let mut guesses: StoredGuesses = view.row(&guesses_key)?.unwrap_or_default();
        let network = moment.space.network(&self.network);
        guesses.check(&network, moment)?;
        let handshake_key = self.handshake_key(moment.space).ok_or(EngineError::LoginRefused)?;
        let handshake: Option<StoredHandshake> = view.row(&handshake_key)?;
        let Some(handshake) = handshake.filter(|handshake| attempt.answers(handshake, moment)) else {
            return Err(EngineError::LoginRefused);
        };
        if !view.has(&keyspace::ledger(account)) {
            return Ok(Step::Need(Opening::reads(account)));
        }
        moment.relies_on(handshake.expires);
        let stored: Option<StoredVerifier> = view.row(&keyspace::verifier(account))?;
        let active = view
            .row::<StoredAccount>(&keyspace::account(account))?
            .filter(|stored| stored.state == AccountState::Active);
        let (Ok(accepted), Some(active)) = (attempt.check(&handshake, stored.as_ref(), moment), active)
        else {
            guesses.failed(network, moment);
            return Decision::refuse(EngineError::LoginRefused)
                .delete(handshake_key)
                .put(guesses_key, &guesses)
                .done();
        };
        let longest = moment.limits.session_life_max;
        let opening = Opening {
            account,
            identity,
            rights: Rights::ALL.and(active.rights),
            expires: Some(moment.now.saturating_add(self.life.map_or(longest, |life| life.min(longest)))),
            label: &self.label,
            parent: None,
            form: self.form,
            prove_by: None,
        };
        let failures = guesses.succeeded(network);
        opening
            .decide_making_room(view, moment)?
            .map(|session| SignedIn { session, server_proof: accepted.m2.expose().to_vec(), failures })
            .delete(handshake_key)
            .put(guesses_key, &guesses)
            .done()
    }
}
