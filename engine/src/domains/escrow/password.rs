//! The password of an account, as far as the engine sees it: what a client derives from it to show.
//!
//! A client derives two things from a password: the key that wraps the root key, which never leaves it, and a hash to
//! show here. The wrapped root key is no proof of the password, and is never taken for one.

use std::fmt;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    hash::{derive_key, keyed_hash16},
    id::{AccountId, RealmId, Subject},
};
use subtle::ConstantTimeEq;

use super::{
    Escrow, account_of, check_size, drop_all, drop_reads,
    rows::{StoredStorage, WrappedRoot},
    shares::ShareBytes,
};
use crate::{
    codec::Stored,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::sessions::{
        revoke::{self, end_others},
        srp::StoredGuesses,
    },
    error::EngineError,
    feed::Event,
    keyspace::{self, Keyspace},
};

/// A salt, and what is derived from a password, in bytes.
const SALT_BYTES_MAX: usize = 64;
const HASH_BYTES_MAX: usize = 128;

/// What Argon2 is told, as a client has chosen it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordParams {
    /// KiB.
    pub memory: u32,
    /// Passes.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
    /// At most 64 bytes.
    pub salt: Vec<u8>,
}

impl PasswordParams {
    fn check(&self) -> Result<(), EngineError> {
        check_size("salt", self.salt.len(), SALT_BYTES_MAX)?;
        let numbers = [self.memory, self.iterations, self.parallelism];
        if numbers.into_iter().all(|number| number > 0) { Ok(()) } else { Err(EngineError::HashingWeak) }
    }

    /// What is told of an account that has no password: what clients use, and a salt that never changes.
    fn decoy(account: AccountId, moment: &Moment<'_>) -> Self {
        let key = derive_key("strongroom escrow salts v1", moment.secrets.decoys().expose());
        let salt = keyed_hash16(&key, "salt", &[account.as_bytes()]).to_vec();
        Self { memory: 1_024, iterations: 1, parallelism: 1, salt }
    }
}

/// What a client derives from a password, to show that it knows it.
#[derive(Clone, Serialize)]
pub struct Prehash {
    /// How.
    pub params: PasswordParams,
    /// What, at most 128 bytes.
    pub hash: ShareBytes,
}

impl fmt::Debug for Prehash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prehash({:?})", self.params)
    }
}

impl Prehash {
    fn check(&self) -> Result<(), EngineError> {
        self.params.check()?;
        check_size("hash", self.hash.expose().len(), HASH_BYTES_MAX)
    }

    /// What is kept of it: Argon2's work is in it already, so a keyed hash is enough.
    fn kept(&self, account: AccountId, moment: &Moment<'_>) -> [u8; 16] {
        let parts: [&[u8]; 2] = [account.as_bytes(), self.hash.expose()];
        keyed_hash16(moment.secrets.people(), "escrow password", &parts)
    }
}

/// What is kept of a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredPassword {
    params: PasswordParams,
    kept: [u8; 16],
}

impl Stored for StoredPassword {}

/// Changes the password of the caller's account, and with it the wrap of the root key, which stays the same key. In the
/// same commit all shares of that key are dropped and every other session of the account ends, those of sign-ins that
/// are under way included: a browser that was left behind has to sign in with the new password. Source of the first:
/// dialects/misakey.md, section 9; of the second: THREATS.md, A-DEV-01.
///
/// An account that has no password yet takes the new one at the word of whoever has signed in to it; what is shown as
/// its old one is not looked at. Whoever may do that may also set the storage up anew, so nothing is gained by it.
#[derive(Debug, Clone, Serialize)]
pub struct ChangeEscrowPassword {
    /// Of the present password.
    pub old: Prehash,
    /// Of the new one.
    pub new: Prehash,
    /// The root key under the new password's key.
    pub encrypted_root_key: String,
    /// The network that the caller comes from, for counting wrong passwords; empty if there is none.
    pub network: Vec<u8>,
}

impl Command for ChangeEscrowPassword {
    type Domain = Escrow;
    type Reply = ();
    const NAME: &'static str = "change_escrow_password";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Assured
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        drop_reads(who.account)
            .and(revoke::reads_of(who.account))
            .row(keyspace::escrow_password(who.account))
            .row(keyspace::escrow_storage(who.account))
            .row(keyspace::guesses(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let account = account_of(who)?;
        self.old.check()?;
        self.new.check()?;
        let guesses_key = keyspace::guesses(account);
        let mut guesses: StoredGuesses = view.row(&guesses_key)?.unwrap_or_default();
        let network = moment.space.network(&self.network);
        guesses.check(&network, moment)?;
        let password_key = keyspace::escrow_password(account);
        let stored: Option<StoredPassword> = view.row(&password_key)?;
        let shown = self.old.kept(account, moment);
        if stored.is_some_and(|stored| !bool::from(stored.kept.ct_eq(&shown))) {
            guesses.failed(network, moment);
            return Decision::refuse(EngineError::PasswordWrong).put(guesses_key, &guesses).done();
        }
        let storage = StoredStorage::of(view, account)?;
        let root = WrappedRoot { encrypted: self.encrypted_root_key.clone(), ..storage.root.clone() };
        root.check(moment.limits)?;
        let kept = self.new.kept(account, moment);
        drop_all(end_others(view, who, moment.now)?.answer(()), view, account)?
            .put(password_key, &StoredPassword { params: self.new.params.clone(), kept })
            .put(keyspace::escrow_storage(account), &StoredStorage { root, ..storage })
            .tell(account, Event::PassphraseChanged {})
            .done()
    }
}

/// Asks how a client derives what it shows of an account's password. Anybody may ask; an account that has none, or
/// that there is not, is answered like one that has.
#[derive(Debug, Clone, Serialize)]
pub struct ShowPasswordParams {
    /// Where.
    pub realm: RealmId,
    /// Whose.
    pub account: Subject,
}

impl Command for ShowPasswordParams {
    type Domain = Escrow;
    type Reply = PasswordParams;
    const NAME: &'static str = "show_password_params";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        Reads::one(keyspace::escrow_password(space.account_of(&self.realm, &self.account)))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<PasswordParams>, EngineError> {
        let account = moment.space.account_of(&self.realm, &self.account);
        let decoy = PasswordParams::decoy(account, moment);
        let stored: Option<StoredPassword> = view.row(&keyspace::escrow_password(account))?;
        Decision::reply(stored.map_or(decoy, |stored| stored.params)).done()
    }
}
