//! A desk to run decisions on: rows in a map, no runtime, no storage, microseconds.

#[cfg(test)]
pub(crate) mod bench;
pub mod escrows;
pub mod keys;
pub mod messages;
pub mod people;
pub mod recovery;
pub mod replay;
pub mod signing;

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use strongroom_primitives::{
    id::{IssuerName, RealmId, Subject},
    time::Timestamp,
};
use strongroom_storage::{Key, Range, Revision, Row};

use crate::{
    codec,
    command::{Command, Moment, Rows, Step, StoreTime, View},
    credential::{Identity, Principal, Rights, Role},
    domains::{
        accounts::StoredAccount,
        admission::{Issuers, TrustedIssuer},
    },
    error::EngineError,
    feed::{Event, Ledger},
    keyspace::{self, Keyspace},
    limits::Limits,
    ports::SeededEntropy,
    runtime::NEED_ROUNDS_MAX,
    secrets::{EngineSecrets, StoredSecrets},
};

/// Rows, a clock that stands still until told otherwise, and the limits.
pub struct Desk {
    rows: BTreeMap<Key, Row>,
    revision: u64,
    /// Wall time.
    pub now: Timestamp,
    /// What the store was told of the time, if it is not that of the desk.
    pub store_time: Option<Timestamp>,
    /// The limits in force.
    pub limits: Limits,
    /// Whether the desk's rows count as sealed.
    pub sealed_at_rest: bool,
    /// What the decisions told, in order.
    pub events: Vec<Event>,
    /// The last instant at which a store may take what was decided last, if that matters.
    pub not_after: Option<Timestamp>,
    entropy: SeededEntropy,
    secrets: EngineSecrets,
    issuers: Issuers,
    space: Keyspace,
}

impl Default for Desk {
    fn default() -> Self {
        Self::new()
    }
}

impl Desk {
    /// An empty desk in the spring of 2026.
    pub fn new() -> Self {
        Self::of_store(1)
    }

    /// The same, with the secrets of another store.
    pub fn of_store(seed: u64) -> Self {
        let entropy = SeededEntropy::new(seed);
        let stored = StoredSecrets::generate(&entropy);
        Self {
            rows: BTreeMap::new(),
            revision: 0,
            now: Timestamp::from_ms(1_780_000_000_000),
            store_time: None,
            limits: Limits::default(),
            sealed_at_rest: true,
            events: Vec::new(),
            not_after: None,
            secrets: stored.secrets(),
            issuers: Issuers::default(),
            space: Keyspace::new(stored.naming_key()),
            entropy,
        }
    }

    /// An account of the realm `test` with every right.
    pub fn who(&self, subject: &str) -> Principal {
        self.who_of("test", subject)
    }

    /// The same of another realm.
    ///
    /// # Panics
    /// If these are no names.
    pub fn who_of(&self, realm: &str, subject: &str) -> Principal {
        let identity = Identity {
            realm: RealmId::new(realm).expect("a good realm"),
            subject: Subject::new(subject).expect("a good subject"),
        };
        Principal {
            account: self.space.account_of(&identity.realm, &identity.subject),
            identity: Some(identity),
            rights: Rights::ALL,
            ..Principal::of_role(Role::Account)
        }
    }

    /// Writes the row of an account, as its first write does in an engine.
    ///
    /// # Panics
    /// If `who` is no account.
    pub fn open_account(&mut self, who: &Principal) {
        let identity = who.identity().expect("an account").clone();
        let account = StoredAccount::new(identity, self.now);
        self.write(keyspace::account(who.account), Some(codec::encode(&account)));
    }

    /// Somebody without a credential.
    pub fn nobody(&self) -> Principal {
        Principal::of_role(Role::Nobody)
    }

    /// The engine itself.
    pub fn node(&self) -> Principal {
        Principal::of_role(Role::Node)
    }

    /// The desk's engine as another one trusts it, under this name.
    ///
    /// # Panics
    /// If that is no name for an issuer.
    pub fn as_issuer(&self, name: &str) -> TrustedIssuer {
        let name = IssuerName::new(name).expect("a good name");
        TrustedIssuer { name, public_key: self.secrets.admission_key() }
    }

    /// What a share is sealed to that the desk's engine is to hold itself.
    pub fn recovery_key(&self) -> [u8; 32] {
        *self.secrets.recovery().public().as_bytes()
    }

    /// Accepts the admission tokens of another engine.
    pub fn trust(&mut self, issuer: TrustedIssuer) {
        self.issuers.trust(issuer);
    }

    /// Lets time pass.
    pub fn wait(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
    }

    /// Spells keys as the desk's rows have them.
    pub fn space(&self) -> &Keyspace {
        &self.space
    }

    /// Decides `command` and keeps what it writes.
    ///
    /// # Errors
    /// What the command answers.
    ///
    /// # Panics
    /// If the command asks for rows more often than an engine would look.
    pub fn run<C: Command>(&mut self, who: &Principal, command: &C) -> Result<C::Reply, EngineError> {
        let mut rows = Rows::default();
        let mut moment =
            Moment::new(self.now, &self.entropy, &self.limits, &self.secrets, &self.issuers, &self.space)
                .sealed_at_rest(self.sealed_at_rest)
                .told_by(StoreTime::At(self.store_time.unwrap_or(self.now)));
        let mut reads = command.reads(who, &self.space);
        let mut rounds = 0;
        let decision = loop {
            for (key, hold) in reads.rows {
                let row = self.rows.get(&key).cloned();
                rows.load(key.clone(), row, hold);
                rows.hold(&key, hold);
            }
            for read in reads.ranges {
                let mut range = Range::prefix(&read.prefix, read.limit);
                if let Some(from) = &read.from {
                    range = range.from(from.clone());
                }
                let mut within =
                    self.rows.range(range.start.clone()..).filter(|(key, _)| range.contains(key));
                let found: Vec<_> =
                    within.by_ref().take(read.limit).map(|(key, row)| (key.clone(), row.clone())).collect();
                let next = within.next().map(|(key, _)| key.clone());
                rows.load_range(read, found, next);
            }
            match command.decide(&View::new(&rows), who, &mut moment)? {
                Step::Need(more) => reads = more,
                Step::Done(decision) => break decision,
            }
            rounds += 1;
            assert!(rounds <= NEED_ROUNDS_MAX, "{} never has enough rows", C::NAME);
        };
        self.not_after = moment.not_after();
        for (key, value) in decision.writes {
            self.write(key, value);
        }
        for (account, event) in decision.events {
            let key = keyspace::ledger(account);
            let mut ledger: Ledger =
                self.rows.get(&key).map_or(Ok(Ledger::default()), |row| codec::decode(&row.value))?;
            ledger.feed += 1;
            self.write(key, Some(codec::encode(&ledger)));
            self.events.push(event);
        }
        decision.answer
    }

    fn write(&mut self, key: Key, value: Option<Bytes>) {
        self.revision += 1;
        match value {
            Some(value) => drop(self.rows.insert(key, Row { revision: Revision(self.revision), value })),
            None => drop(self.rows.remove(&key)),
        }
    }

    /// The rows whose keys begin with `prefix`, in the order of their keys.
    #[cfg(test)]
    pub(crate) fn values_under(&self, prefix: u8) -> Vec<Bytes> {
        let under = self.rows.iter().filter(|(key, _)| key.as_bytes().first() == Some(&prefix));
        under.map(|(_, row)| row.value.clone()).collect()
    }

    /// The bytes of a row that is known to be there.
    #[cfg(test)]
    pub(crate) fn raw(&self, key: &Key) -> Bytes {
        self.rows[key].value.clone()
    }

    /// A row that is known to be there.
    #[cfg(test)]
    pub(crate) fn row<T: codec::Stored>(&self, key: &Key) -> Result<T, EngineError> {
        codec::decode(&self.raw(key))
    }

    /// How often a row was written or removed.
    #[cfg(test)]
    pub(crate) fn writes(&self) -> u64 {
        self.revision
    }

    /// Keys of the desk's engine.
    #[cfg(test)]
    pub(crate) fn secrets(&self) -> &EngineSecrets {
        &self.secrets
    }

    /// Lays down a row that another domain would have written.
    #[cfg(test)]
    pub(crate) fn place(&mut self, key: Key, row: Bytes) {
        self.write(key, Some(row));
    }

    /// How many rows lie on the desk whose keys begin with `prefix`; see the keyspace.
    #[cfg(test)]
    pub(crate) fn rows_under(&self, prefix: u8) -> usize {
        self.rows.keys().filter(|key| key.as_bytes().first() == Some(&prefix)).count()
    }

    /// The same for longer beginnings.
    #[cfg(test)]
    pub(crate) fn rows_of(&self, beginning: &[u8]) -> usize {
        self.rows.keys().filter(|key| key.as_bytes().starts_with(beginning)).count()
    }

    /// How many rows lie on the desk.
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }
}
