//! Changing the passphrase: a new verifier, and the KEK wrapped anew, in one commit.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::srp::{Salt, Verifier};

use super::{
    SrpProfile,
    proof::{Checked, Claim, Proved},
    register::DERIVATION_BYTES_MAX,
    rows::StoredVerifier,
};
use crate::{
    command::{Command, Cost, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::{
        key_hierarchy::StoredKek,
        sessions::{
            Sessions,
            revoke::{all_but, end_in, reads_of},
        },
    },
    error::EngineError,
    feed::{Event, Ledger},
    keyspace::{self, Keyspace},
};

/// The present KEK, and the one that a rotation is bringing, as the new PDK wraps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KekUnderNewPassphrase {
    /// The generation of the present KEK, as the caller has read it.
    pub generation: u32,
    /// The present KEK.
    pub wrapped: Bytes,
    /// The KEK of a rotation that is under way: its generation, and itself.
    pub target: Option<(u32, Bytes)>,
}

/// Changes the caller's passphrase. It takes a proof of the present one: a stolen session does not do it.
///
/// Verifier and KEK change in one commit, so there is no moment at which one opens and the other does not. DEKs and
/// key pairs stay as they are. All sessions but the caller's end (THREATS A-DEV-01).
#[derive(Clone, Serialize)]
pub struct ChangePassphrase {
    /// Of the present verifier.
    pub profile: SrpProfile,
    /// A, big-endian, as the challenge was asked for.
    pub client_public: Vec<u8>,
    /// M1: 32 bytes, by the present passphrase.
    pub proof: Vec<u8>,
    /// The network that the caller comes from; empty if there is none.
    pub network: Vec<u8>,
    /// Which group and proofs from now on.
    pub new_profile: SrpProfile,
    /// 16 to 64 random bytes.
    pub salt: Vec<u8>,
    /// `v = g^x`, big-endian.
    pub verifier: Vec<u8>,
    /// How the client makes the password out of passphrase and Secret Key, in its own words.
    pub derivation: String,
    /// The KEK; given exactly if the account has one.
    pub kek: Option<KekUnderNewPassphrase>,
}

impl std::fmt::Debug for ChangePassphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChangePassphrase({:?} to {:?})", self.profile, self.new_profile)
    }
}

/// The passphrase is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassphraseChanged {
    /// M2, by which the server shows that it knew the former verifier: 32 bytes.
    pub server_proof: Vec<u8>,
    /// Sessions that ended.
    pub ended: u64,
}

impl ChangePassphrase {
    fn claim<'a>(&'a self, who: &'a Principal) -> Result<Claim<'a>, EngineError> {
        let identity = who.identity()?;
        Ok(Claim {
            realm: &identity.realm,
            username: identity.subject.as_str(),
            profile: self.profile,
            client_public: &self.client_public,
            proof: &self.proof,
            network: &self.network,
        })
    }

    fn new_verifier(&self, old: &StoredVerifier, moment: &Moment<'_>) -> Result<StoredVerifier, EngineError> {
        let salt = Salt::new(&self.salt).map_err(EngineError::SrpInvalid)?;
        let verifier =
            Verifier::new(self.new_profile.profile(), &self.verifier).map_err(EngineError::SrpInvalid)?;
        if self.derivation.len() > DERIVATION_BYTES_MAX {
            return Err(EngineError::TooLarge);
        }
        Ok(StoredVerifier {
            profile: self.new_profile,
            salt: salt.as_bytes().to_vec(),
            verifier: verifier.expose().to_vec(),
            derivation: self.derivation.clone(),
            generation: old.generation.saturating_add(1),
            since: moment.now,
        })
    }
}

impl Command for ChangePassphrase {
    type Domain = Sessions;
    type Reply = PassphraseChanged;
    const NAME: &'static str = "change_passphrase";
    const KIND: Kind = Kind::Write;
    const COST: Cost = Cost::Heavy;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let reads = reads_of(who.account).row(keyspace::kek(who.account));
        match self.claim(who) {
            Ok(claim) => reads.and(claim.reads(space)),
            Err(_) => reads,
        }
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<PassphraseChanged>, EngineError> {
        let kek: Option<StoredKek> = view.row(&keyspace::kek(who.account))?;
        let kek = kek.map(|kek| kek.under_new_passphrase(self.kek.as_ref(), moment)).transpose()?;
        if kek.is_none() && self.kek.is_some() {
            return Err(EngineError::UnknownKey);
        }
        let proved = match self.claim(who)?.check(view, moment)? {
            Checked::Wrong(marks) => return marks.on(Decision::refuse(EngineError::LoginRefused)).done(),
            Checked::Good(proved) => *proved,
        };
        let Proved { verifier: old, server_proof, marks, .. } = proved;
        let new = self.new_verifier(&old, moment)?;
        let ending = all_but(view, who.account, who.session)?;
        let ended = ending.len() as u64;
        let ledger_key = keyspace::ledger(who.account);
        let mut ledger: Ledger = view.row(&ledger_key)?.unwrap_or_default();
        let decision = Decision::reply(PassphraseChanged { server_proof, ended });
        let decision = marks.on(end_in(decision, &mut ledger, who.account, ending, moment.now));
        let decision = kek.iter().fold(decision, |decision, kek| kek.save(who.account, decision));
        decision
            .put(ledger_key, &ledger)
            .put(keyspace::verifier(who.account), &new)
            .tell(who.account, Event::PassphraseChanged {})
            .done()
    }
}
