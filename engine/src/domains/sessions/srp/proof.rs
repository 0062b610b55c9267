//! Checking a proof against the challenge that it answers, for whatever it is to permit.

use strongroom_primitives::{
    hash,
    id::{AccountId, RealmId},
    srp::{self, ClientPublic, Ephemeral, Proof, ServerPublic, Transcript},
};
use strongroom_storage::Key;
use subtle::ConstantTimeEq;

use super::{
    SrpProfile, StoredGuesses, StoredHandshake, account_of, identity_of,
    rows::{Held, StoredVerifier},
};
use crate::{
    command::{Decision, Moment, Reads, View},
    credential::Identity,
    domains::accounts::{AccountState, StoredAccount},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// What somebody says to prove that they know a passphrase.
pub(super) struct Claim<'a> {
    pub(super) realm: &'a RealmId,
    pub(super) username: &'a str,
    pub(super) profile: SrpProfile,
    /// A, big-endian.
    pub(super) client_public: &'a [u8],
    /// M1.
    pub(super) proof: &'a [u8],
    /// Where they say it from.
    pub(super) network: &'a [u8],
}

/// What a claim turned out to be worth.
pub(super) enum Checked {
    /// Nothing. The marks say so.
    Wrong(Marks),
    /// It was true.
    Good(Box<Proved>),
}

/// The challenge that is spent, and the count of failures, after a claim.
pub(super) struct Marks {
    handshake: Key,
    account: AccountId,
    /// The count, if it is another than before.
    guesses: Option<StoredGuesses>,
}

impl Marks {
    /// Writes them with a decision.
    pub(super) fn on<R>(&self, decision: Decision<R>) -> Decision<R> {
        let decision = decision.delete(self.handshake.clone());
        match &self.guesses {
            Some(guesses) => decision.put(keyspace::guesses(self.account), guesses),
            None => decision,
        }
    }
}

/// Somebody knew the passphrase.
pub(super) struct Proved {
    pub(super) identity: Identity,
    pub(super) account: StoredAccount,
    pub(super) verifier: StoredVerifier,
    /// M2.
    pub(super) server_proof: Vec<u8>,
    /// Claims of this account that failed since the last one that did not.
    pub(super) failures: u64,
    pub(super) marks: Marks,
}

impl Claim<'_> {
    /// The rows that [`Claim::check`] looks at.
    pub(super) fn reads(&self, space: &Keyspace) -> Reads {
        let account = account_of(self.realm, self.username, space);
        let reads = Reads::one(keyspace::verifier(account))
            .row(keyspace::account(account))
            .row(keyspace::guesses(account));
        match ClientPublic::new(self.profile.profile(), self.client_public) {
            Ok(client_public) => {
                self.places(account, &client_public, space).into_iter().fold(reads, Reads::row)
            }
            Err(_) => reads,
        }
    }

    /// Where the challenge may lie.
    fn places(&self, account: AccountId, client_public: &ClientPublic, space: &Keyspace) -> [Key; 4] {
        space.handshakes(account, client_public.as_bytes(), self.profile.handshakes().0)
    }

    /// Checks it. Every challenge is spent by the first claim that answers it, whatever comes of it.
    ///
    /// # Errors
    /// [`EngineError::UsernameInvalid`], [`EngineError::SrpInvalid`]; [`EngineError::TooManyAttempts`];
    /// [`EngineError::LoginRefused`] if there is no such challenge. None of them spends anything.
    pub(super) fn check(&self, view: &View<'_>, moment: &mut Moment<'_>) -> Result<Checked, EngineError> {
        let identity = identity_of(self.realm, self.username)?;
        let account = moment.space.account_of(&identity.realm, &identity.subject);
        let client_public =
            ClientPublic::new(self.profile.profile(), self.client_public).map_err(EngineError::SrpInvalid)?;
        let proof = Proof::new(self.proof).map_err(EngineError::SrpInvalid)?;
        let mut guesses: StoredGuesses = view.row(&keyspace::guesses(account))?.unwrap_or_default();
        let network = moment.space.network(self.network);
        guesses.check(&network, moment)?;

        let digest = hash::sha256(client_public.as_bytes());
        let answers = |handshake: &StoredHandshake| {
            handshake.account == account
                && handshake.profile == self.profile
                && bool::from(digest.ct_eq(&handshake.client_public))
                && moment.now <= handshake.expires
        };
        let mut found = None;
        for key in self.places(account, &client_public, moment.space) {
            let handshake: Option<StoredHandshake> = view.row(&key)?;
            found = found.or(handshake.filter(answers).map(|handshake| (key, handshake)));
        }
        let (key, handshake) = found.ok_or(EngineError::LoginRefused)?;
        moment.relies_on(handshake.expires);

        let stored: Option<StoredVerifier> = view.row(&keyspace::verifier(account))?;
        let accepted = self.prove(&handshake, stored.as_ref(), &client_public, &proof, moment)?;
        let active = view
            .row::<StoredAccount>(&keyspace::account(account))?
            .filter(|stored| stored.state == AccountState::Active);
        let (Some(accepted), Some(verifier), Some(stored_account)) = (accepted, stored, active) else {
            guesses.failed(network, moment);
            return Ok(Checked::Wrong(Marks { handshake: key, account, guesses: Some(guesses) }));
        };
        let before = guesses.clone();
        let failures = guesses.succeeded(network);
        let guesses = Some(guesses).filter(|guesses| *guesses != before);
        Ok(Checked::Good(Box::new(Proved {
            identity,
            account: stored_account,
            verifier,
            server_proof: accepted.m2.expose().to_vec(),
            failures,
            marks: Marks { handshake: key, account, guesses },
        })))
    }

    /// The two exponentiations. A name without an account costs what one with an account costs (THREATS A-SRP-05).
    fn prove(
        &self,
        handshake: &StoredHandshake,
        stored: Option<&StoredVerifier>,
        client_public: &ClientPublic,
        proof: &Proof,
        moment: &Moment<'_>,
    ) -> Result<Option<srp::Accepted>, EngineError> {
        let profile = self.profile.profile();
        let held = Held::of(self.username, self.profile, stored, moment)?;
        let server_public =
            ServerPublic::new(profile, &handshake.server_public).map_err(|_| EngineError::Corrupt)?;
        let transcript = Transcript {
            profile,
            name: self.username,
            salt: &held.salt,
            client_public,
            server_public: &server_public,
        };
        let accepted = srp::answer(&transcript, &held.verifier, &Ephemeral::new(handshake.ephemeral), proof);
        // A challenge that was made with an older verifier says nothing about this one (THREATS A-SRP-09).
        let current = held.generation == handshake.generation && held.generation > 0;
        Ok(accepted.ok().filter(|_| current))
    }
}
