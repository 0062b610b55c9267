//! The answer to a challenge: a proof, and for a good one a session.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_primitives::id::RealmId;

use super::{
    SrpProfile, account_of,
    proof::{Checked, Claim, Proved},
};
use crate::{
    command::{Command, Cost, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal, Rights},
    domains::sessions::{BearerIssued, Opening, Sessions, TokenForm},
    error::EngineError,
    keyspace::Keyspace,
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

impl FinishSrp {
    fn claim(&self) -> Claim<'_> {
        Claim {
            realm: &self.realm,
            username: &self.username,
            profile: self.profile,
            client_public: &self.client_public,
            proof: &self.proof,
            network: &self.network,
        }
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
        self.claim().reads(space).and(Opening::first_reads(account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<SignedIn>, EngineError> {
        let account = account_of(&self.realm, &self.username, moment.space);
        if let Some(reads) = Opening::more_reads(account, view, moment)? {
            return Ok(Step::Need(reads));
        }
        let proved = match self.claim().check(view, moment)? {
            Checked::Wrong(marks) => return marks.on(Decision::refuse(EngineError::LoginRefused)).done(),
            Checked::Good(proved) => *proved,
        };
        let Proved { identity, account: stored, server_proof, failures, marks, .. } = proved;
        let longest = moment.limits.session_life_max;
        let opening = Opening {
            account,
            identity,
            rights: Rights::ALL.and(stored.rights),
            expires: Some(moment.now.saturating_add(self.life.map_or(longest, |life| life.min(longest)))),
            label: &self.label,
            parent: None,
            form: self.form,
            prove_by: None,
            api_key: None,
            seal: None,
            assurance: None,
        };
        let opened = opening.decide_making_room(view, moment)?;
        marks.on(opened.map(|session| SignedIn { session, server_proof, failures })).done()
    }
}
