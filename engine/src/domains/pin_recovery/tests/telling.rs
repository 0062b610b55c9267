//! What owners and tenants are told.

use super::{
    super::{
        LoggedEvent, LoggedKind, PinStep,
        log::{AckLog, ReadLog},
        owner::Owners,
        restored::TellRestored,
        veto::VetoErasure,
    },
    *,
};
use crate::{
    domains::accounts::EraseAccount,
    feed::{Event, Ledger},
    keyspace,
};

impl Table {
    fn log(&mut self, limit: usize) -> Vec<LoggedEvent> {
        self.desk.run(&self.desk.nobody(), &ReadLog { user: self.user.clone(), limit }).unwrap()
    }

    fn ack(&mut self, events: Vec<u64>) {
        self.desk.run(&self.desk.nobody(), &AckLog { user: self.user.clone(), events }).unwrap();
    }
}

#[test]
fn a_tenant_hears_of_everything_that_happens_to_its_users() {
    let mut table = Table::new();
    let kept = table.register(3);
    table.used(kept.version);
    drop(table.show(kept.version, &wrong()));
    drop(table.show(kept.version, &kept.unlock_key_tag));
    table.delete();
    table.delete();
    assert!(matches!(table.find(), Found::Nothing));
    let log = table.log(200);
    let told: Vec<_> = log.iter().map(|event| (event.kind, event.num_guesses, event.guess_count)).collect();
    assert_eq!(
        told,
        [
            (LoggedKind::Registered, Some(3), Some(0)),
            (LoggedKind::GuessUsed, Some(3), Some(1)),
            (LoggedKind::ShareRecovered, Some(3), Some(0)),
            (LoggedKind::Deleted, None, None),
        ]
    );
    let user = strongroom_primitives::pin_recovery::names::logged_user(TENANT, "bob");
    assert!(log.iter().all(|event| event.user == user && event.at == table.desk.now));
}

#[test]
fn what_was_heard_of_is_not_told_again_and_nobody_hears_of_others() {
    let mut table = Table::with(no_wait());
    let kept = table.register(9);
    (0..4).for_each(|_| assert!(table.used(kept.version) > 0));
    let ids = |events: Vec<LoggedEvent>| events.iter().map(|event| event.id).collect::<Vec<_>>();
    assert_eq!(ids(table.log(2)), [0, 1]);
    table.ack(vec![1, 0, 77]);
    assert_eq!(ids(table.log(200)), [2, 3, 4]);
    let other = table.realm().user("other", "bob");
    let own = std::mem::replace(&mut table.user, other);
    assert!(table.log(200).is_empty());
    table.ack(vec![2]);
    table.user = own;
    assert_eq!(ids(table.log(1)), [2]);
}

#[test]
fn a_log_that_nobody_reads_has_an_end() {
    let mut table = Table::with(no_wait());
    table.desk.limits.recovery_log_events_max = 3;
    let kept = table.register(9);
    (0..4).for_each(|_| assert!(table.used(kept.version) > 0));
    let ids: Vec<u64> = table.log(200).iter().map(|event| event.id).collect();
    assert_eq!(ids, [2, 3, 4]);
}

#[test]
fn an_owner_sees_when_the_next_guess_counts() {
    let mut table = Table::new();
    assert_eq!(table.status(), RecoveryStatus::default());
    let kept = table.register(5);
    assert_eq!(table.status().next_guess_at, None);
    (0..2).for_each(|_| assert!(table.used(kept.version) > 0));
    let status = table.status();
    assert_eq!(status.next_guess_at, Some(table.desk.now.saturating_add(Duration::from_secs(30))));
    assert_eq!((status.registered, status.guesses_used, status.guesses_allowed), (true, 2, 5));
    table.desk.wait(LONG);
    assert_eq!(table.status().next_guess_at, None);
}

/// RECOVERY.md, section 4.2, rule 7: an answer reads the same rows whatever it turns out to be.
#[test]
fn every_command_looks_at_the_same_rows_in_one_look() {
    let table = Table::new();
    let user = || table.user.clone();
    let (space, nobody) = (table.desk.space(), table.desk.nobody());
    let rows = |reads: crate::command::Reads| reads.rows;
    use crate::Command;
    let find = rows(FindShare { user: user() }.reads(&nobody, space));
    assert_eq!(find.len(), 7);
    assert_eq!(rows(CountGuess { user: user(), version: [0; 16] }.reads(&nobody, space)), find);
    assert_eq!(
        rows(ReleaseShare { user: user(), version: [0; 16], tag: wrong() }.reads(&nobody, space)),
        find
    );
    assert_eq!(rows(DeleteShare { user: user() }.reads(&nobody, space)), find);
    assert_eq!(rows(ShareStatus { user: user() }.reads(&nobody, space)), find);
}

#[test]
fn a_realm_that_never_began_here_is_unknown() {
    let mut table = Table::new();
    table.user = realm(8, PinPolicy::default()).user(TENANT, "bob");
    assert_eq!(table.count([0; 16]).map(drop), Err(EngineError::UnknownRecoveryRealm));
}

impl Table {
    /// What was told to anybody since the last time, if it is about the realm.
    fn told(&mut self) -> Vec<PinStep> {
        let of_realm = |event| match event {
            Event::PinRecovery { realm, tenant, step } if realm == self.user.realm() && tenant == TENANT => {
                step
            }
            other => panic!("told of {other:?}"),
        };
        std::mem::take(&mut self.desk.events).into_iter().map(of_realm).collect()
    }

    /// How much an account was ever told.
    fn heard(&self, who: &str) -> u64 {
        let key = keyspace::ledger(self.desk.who(who).account);
        self.desk.row(&key).map_or(0, |ledger: Ledger| ledger.feed)
    }
}

/// THREATS A-DEV-06: whoever has a token can do nothing to a record that its owner is not told of.
#[test]
fn an_owner_is_told_of_every_step() {
    let mut table = Table::with(no_wait());
    let bob = table.desk.who("bob");
    drop(table.register(2));
    assert_eq!(table.told(), [], "an account that is not there is not told");
    table.delete();
    table.desk.wait(LONG * 100);
    table.desk.open_account(&bob);
    let kept = table.register(2);
    table.used(kept.version);
    drop(table.show(kept.version, &kept.unlock_key_tag));
    drop(table.register(3));
    let kept = table.register(2);
    let until = table.desk.now.saturating_add(table.user.policy.grace);
    table.used(kept.version);
    table.used(kept.version);
    assert!(matches!(table.find(), Found::NoGuesses));
    drop(table.register(4));
    table.delete();
    let veto = VetoErasure { owners: Owners::of(&table.realm(), None) };
    table.desk.run(&bob, &veto).unwrap();
    let veto_until = Some(until);
    assert_eq!(table.heard("bob"), 11);
    assert_eq!(
        table.told(),
        [
            PinStep::Registered { guesses_allowed: 2 },
            PinStep::GuessUsed { guesses_used: 1, guesses_allowed: 2 },
            PinStep::Recovered {},
            PinStep::Replaced { guesses_allowed: 3, veto_until: None },
            PinStep::Replaced { guesses_allowed: 2, veto_until },
            PinStep::GuessUsed { guesses_used: 1, guesses_allowed: 2 },
            PinStep::GuessUsed { guesses_used: 2, guesses_allowed: 2 },
            PinStep::NoGuesses {},
            PinStep::Registered { guesses_allowed: 4 },
            PinStep::Deleted { veto_until },
            PinStep::BroughtBack { guesses_used: 0, guesses_allowed: 3 },
        ]
    );
    table.desk.run(&bob, &EraseAccount { identity: None }).unwrap();
    table.delete();
    assert_eq!(table.told(), [], "an erased account is not told");
}

/// THREATS A-SHR-11: owners are told of a restore, each once, page by page.
#[test]
fn owners_are_told_of_a_restored_store() {
    let mut table = Table::new();
    let names: Vec<String> = (0..150).map(|n| format!("user-{n}")).collect();
    for name in &names {
        let who = table.desk.who(name);
        table.desk.open_account(&who);
        table.user = table.realm().user(TENANT, name);
        drop(table.register(5));
    }
    table.user = table.realm().user("other", "stranger");
    drop(table.register(5));
    table.user = table.realm().user(TENANT, "nobody");
    drop(table.register(5));
    table.desk.events.clear();
    let tell = TellRestored { owners: Owners::of(&table.realm(), None) };
    let node = table.desk.node();
    assert_eq!(table.desk.run(&node, &tell), Ok(false));
    assert!(table.desk.events.is_empty(), "nothing was restored");
    let row = StoredPinRealm { generation: 1, untold: Some([0; 16]), ..table.stored_realm() };
    table.desk.place(table.keys().realm, codec::encode(&row));
    // One registered anew since, and knows.
    table.user = table.realm().user(TENANT, "user-7");
    drop(table.register(5));
    table.desk.events.clear();
    let mut pages = 1;
    while table.desk.run(&node, &tell).unwrap() {
        pages += 1;
    }
    assert_eq!(pages, 3);
    assert_eq!(table.desk.run(&node, &tell), Ok(false));
    assert_eq!(table.told(), vec![PinStep::Restored {}; 149]);
    for name in &names {
        // It was registered, and then restored or registered anew.
        assert_eq!(table.heard(name), 2, "{name}");
    }
}
