//! The rows that every command about a record looks at, and what it makes of them. All commands look at the same rows
//! in one look, whatever they turn out to be about: how long an answer takes does not say what is there.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{id::AccountId, pin_recovery::RecoveryRealmId, time::Timestamp};

use super::{
    LoggedEvent, LoggedKind, PinStep,
    rows::{
        PinHead, Sealed, StoredPinEvent, StoredPinGrace, StoredPinKey, StoredPinLog, StoredPinRealm,
        StoredPinRecord,
    },
    seal::{Kept, Of},
    user::PinUser,
};
use crate::{
    command::{Decision, Moment, Reads, View},
    domains::accounts::{AccountState, StoredAccount},
    error::EngineError,
    feed::Event,
    keyspace::{self, Keyspace, PinKeys},
    ports::AnchorMark,
};

/// What came of a command, and the mark that has to lie outside the store before anybody hears of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Marked<T> {
    pub(super) outcome: T,
    pub(super) mark: Option<AnchorMark>,
}

impl<T> Marked<T> {
    /// An outcome that changes nothing.
    pub(super) fn still(outcome: T) -> Decision<Self> {
        Decision::reply(Self { outcome, mark: None })
    }
}

/// The keys of what a user has at a realm.
pub(super) fn keys_of(user: &PinUser, space: &Keyspace) -> PinKeys {
    space.pin_recovery(&user.realm(), &user.tenant, &user.record())
}

/// The rows that every command about a record looks at.
pub(super) fn reads(user: &PinUser, space: &Keyspace) -> Reads {
    let PinKeys { realm, record, key, grace, log, .. } = keys_of(user, space);
    let reads = Reads::one(realm).row(record).row(key).row(grace).row(log);
    // The ledger is what telling writes.
    let account = user.account(space);
    account
        .map_or(reads.clone(), |account| reads.row(keyspace::account(account)).row(keyspace::ledger(account)))
}

/// A user's rows.
pub(super) struct Seen<'a> {
    user: &'a PinUser,
    realm_id: RecoveryRealmId,
    record_id: [u8; 32],
    keys: PinKeys,
    realm: StoredPinRealm,
    /// The account that the user is, if it is there.
    owner: Option<AccountId>,
    pub(super) record: Option<StoredPinRecord>,
    pub(super) key: Option<StoredPinKey>,
    grace: Option<StoredPinGrace>,
    log: StoredPinLog,
}

impl<'a> Seen<'a> {
    /// # Errors
    /// [`EngineError::UnknownRecoveryRealm`] if the realm has never begun in this store; [`EngineError::Corrupt`].
    pub(super) fn look(user: &'a PinUser, view: &View<'_>, space: &Keyspace) -> Result<Self, EngineError> {
        let keys = keys_of(user, space);
        let owner = match user.account(space) {
            Some(account) => view
                .row::<StoredAccount>(&keyspace::account(account))?
                .filter(|stored| stored.state != AccountState::Erased)
                .map(|_| account),
            None => None,
        };
        Ok(Self {
            user,
            owner,
            realm_id: user.realm(),
            record_id: user.record(),
            realm: view.row(&keys.realm)?.ok_or(EngineError::UnknownRecoveryRealm)?,
            record: view.row(&keys.record)?,
            key: view.row(&keys.key)?,
            grace: view.row(&keys.grace)?,
            log: view.row(&keys.log)?.unwrap_or_default(),
            keys,
        })
    }

    fn of(&self) -> Of<'_> {
        Of { realm: &self.realm_id, record: &self.record_id }
    }

    /// Guesses used, as they count: after a restore, all but one. Source: RECOVERY.md, section 4.3.
    pub(super) fn used(&self, head: &PinHead) -> u16 {
        if head.generation < self.realm.generation {
            head.count.max(head.allowed.saturating_sub(1))
        } else {
            head.count
        }
    }

    /// Whether the record is of before a restore.
    pub(super) fn is_lowered(&self, head: &PinHead) -> bool {
        head.generation < self.realm.generation
    }

    /// The first instant at which a guess is counted.
    pub(super) fn next_guess(&self, head: &PinHead) -> Timestamp {
        let wait = self.user.policy.wait_after(self.used(head));
        head.guessed.map_or(Timestamp::from_ms(0), |guessed| guessed.saturating_add(wait))
    }

    /// The grace copy, as long as it may be taken back.
    pub(super) fn grace_at(&self, now: Timestamp) -> Option<&StoredPinGrace> {
        self.grace.as_ref().filter(|grace| now <= grace.until)
    }

    /// What a registration keeps.
    ///
    /// # Errors
    /// [`EngineError::Corrupt`].
    pub(super) fn open(&self, record: &Sealed, moment: &Moment<'_>) -> Result<Kept, EngineError> {
        let key = self.key.as_ref().ok_or(EngineError::Corrupt)?;
        moment.secrets.pin_recovery().open(self.of(), record, key)
    }

    /// The head of a registration of these guesses at this moment.
    pub(super) fn head(&self, version: [u8; 16], allowed: u16) -> PinHead {
        PinHead {
            version,
            allowed,
            count: 0,
            mark: self.realm.mark + 1,
            generation: self.realm.generation,
            guessed: None,
            opened: None,
            owner: self.owner,
        }
    }

    /// Begins a change.
    pub(super) fn change(&self) -> Change<'_> {
        Change { seen: self, decision: Decision::reply(()), log: self.log.clone(), spared: None }
    }
}

/// What is written by one command. Its rows and the realm's mark go into one commit.
pub(super) struct Change<'a> {
    seen: &'a Seen<'a>,
    decision: Decision<()>,
    log: StoredPinLog,
    /// The last instant at which the grace copy that this leaves may be taken back.
    spared: Option<Timestamp>,
}

impl Change<'_> {
    /// Keeps `kept` under a new key.
    pub(super) fn keep(mut self, head: PinHead, kept: &Kept, moment: &Moment<'_>) -> Self {
        let (record, key) = moment.secrets.pin_recovery().seal(self.seen.of(), head, kept, moment.entropy);
        let keys = &self.seen.keys;
        self.decision = self.decision.put(keys.record.clone(), &StoredPinRecord::Registered(record));
        self.decision = self.decision.put(keys.key.clone(), &key);
        self
    }

    /// Erases the key of what is kept, and leaves a record that says so.
    pub(super) fn wipe(mut self) -> Self {
        let keys = &self.seen.keys;
        self.decision = self.decision.put(keys.record.clone(), &StoredPinRecord::NoGuesses);
        self.decision = self.decision.delete(keys.key.clone());
        self
    }

    /// Removes the record and its key.
    pub(super) fn remove(mut self) -> Self {
        let keys = &self.seen.keys;
        self.decision = self.decision.delete(keys.record.clone()).delete(keys.key.clone());
        self
    }

    /// Keeps the registration that there is as a grace copy, unless there is one that may still be taken back: what
    /// came first is the owner's, what came after it may be a thief's.
    pub(super) fn spare(mut self, now: Timestamp) -> Self {
        let Seen { record, key, user, keys, .. } = self.seen;
        let grace = user.policy.grace;
        if let (Some(StoredPinRecord::Registered(record)), Some(key)) = (record, key)
            && !grace.is_zero()
            && self.seen.grace_at(now).is_none()
        {
            let until = now.saturating_add(grace);
            let spared = StoredPinGrace { until, record: record.clone(), key: key.clone() };
            self.decision = self.decision.put(keys.grace.clone(), &spared);
            self.spared = Some(until);
        }
        self
    }

    /// Until when there is something to take back after this.
    pub(super) fn veto_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.spared.or_else(|| self.seen.grace_at(now).map(|grace| grace.until))
    }

    /// Puts the grace copy back where it was, as it was.
    pub(super) fn restore(mut self, grace: &StoredPinGrace) -> Self {
        let keys = &self.seen.keys;
        let record = StoredPinRecord::Registered(grace.record.clone());
        self.decision = self.decision.put(keys.record.clone(), &record).put(keys.key.clone(), &grace.key);
        self.decision = self.decision.delete(keys.grace.clone());
        self
    }

    /// Tells the owner, if the user is an account (THREATS A-DEV-06).
    pub(super) fn tell(mut self, step: PinStep) -> Self {
        if let Some(owner) = self.seen.owner {
            let user = self.seen.user;
            let event = Event::PinRecovery { realm: user.realm(), tenant: user.tenant.clone(), step };
            self.decision = self.decision.tell(owner, event);
        }
        self
    }

    /// Tells the tenant.
    pub(super) fn log(mut self, kind: LoggedKind, guesses: Option<(u16, u16)>, moment: &Moment<'_>) -> Self {
        let (num_guesses, guess_count) = guesses.unzip();
        let user = self.seen.user.logged();
        let event = LoggedEvent { id: self.log.events, at: moment.now, user, kind, num_guesses, guess_count };
        let keys = &self.seen.keys;
        self.decision = self.decision.put(keys.event(self.log.events), &StoredPinEvent { event });
        if let Some(old) = self.log.events.checked_sub(moment.limits.recovery_log_events_max) {
            self.decision = self.decision.delete(keys.event(old));
        }
        self.log.events += 1;
        self
    }

    /// The decision, with the realm's next mark.
    pub(super) fn done<T>(self, outcome: T) -> Decision<Marked<T>> {
        let Self { seen, decision, log, .. } = self;
        let realm = StoredPinRealm { mark: seen.realm.mark + 1, ..seen.realm.clone() };
        let mark = Some(AnchorMark { epoch: realm.epoch, mark: realm.mark });
        let mut decision = decision.put(seen.keys.realm.clone(), &realm);
        if log != seen.log {
            decision = decision.put(seen.keys.log.clone(), &log);
        }
        decision.map(|()| Marked { outcome, mark })
    }
}
