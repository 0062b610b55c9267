//! Deleting and replacing, and the owner's veto.

use super::{
    super::{
        RecoveryTenant,
        owner::{OwnShareStatus, Owners},
        veto::VetoErasure,
    },
    *,
};

impl Table {
    fn veto(&mut self, who: &str) -> Result<(), EngineError> {
        let veto = VetoErasure { owners: Owners::of(&self.realm(), Some(TENANT)) };
        let who = self.desk.who(who);
        self.desk.run(&who, &veto).map(|_: Marked<()>| ())
    }
}

const GRACE: Duration = Duration::from_secs(72 * 3_600);

/// RECOVERY.md, section 3.6: whoever has a token can delete a record; its owner gets it back, with the count it had.
#[test]
fn what_was_deleted_comes_back_by_its_owners_veto() {
    let mut table = Table::new();
    let kept = table.register(5);
    table.used(kept.version);
    table.delete();
    assert!(matches!(table.find(), Found::Nothing));
    assert!(!table.has_key());
    assert_eq!(table.status().pending_destruction_at, Some(table.desk.now.saturating_add(GRACE)));
    assert_eq!(table.veto("alice"), Err(EngineError::UnknownErasure));
    assert_eq!(table.veto("bob"), Ok(()));
    assert_eq!(table.used(kept.version), 2);
    assert_eq!(table.veto("bob"), Err(EngineError::UnknownErasure), "there is nothing any more to take back");
    assert!(matches!(table.show(kept.version, &kept.unlock_key_tag), Found::There(Shown::Right(_))));
}

#[test]
fn a_copy_is_gone_when_its_time_is_over() {
    let mut table = Table::new();
    let kept = table.register(5);
    table.delete();
    table.desk.wait(GRACE);
    assert_eq!(table.veto("bob"), Ok(()), "the last instant is good");
    table.delete();
    table.desk.wait(GRACE + Duration::from_millis(1));
    assert_eq!(table.status().pending_destruction_at, None);
    assert_eq!(table.veto("bob"), Err(EngineError::UnknownErasure));
    assert!(matches!(table.count(kept.version), Ok(Found::Nothing)));
}

/// A thief who registers over a record and deletes that again does not push out the owner's copy.
#[test]
fn the_first_copy_stays() {
    let mut table = Table::new();
    let owners = table.register(5);
    let thiefs = table.register(9);
    assert!(table.status().pending_destruction_at.is_some(), "a record is not replaced without a copy");
    table.delete();
    drop(table.register(9));
    assert_eq!(table.veto("bob"), Ok(()));
    assert_eq!(table.used(owners.version), 1);
    assert!(matches!(table.count(thiefs.version), Ok(Found::Other)));
    // Once its time is over, another takes its place.
    table.delete();
    table.desk.wait(GRACE + LONG);
    let later = table.register(4);
    table.delete();
    assert_eq!(table.veto("bob"), Ok(()));
    assert_eq!(table.used(later.version), 1);
}

#[test]
fn whoever_has_just_shown_the_pin_replaces_without_a_copy() {
    let mut table = Table::new();
    let kept = table.register(5);
    drop(table.show(kept.version, &kept.unlock_key_tag));
    table.desk.wait(Duration::from_secs(600));
    drop(table.register(5));
    assert_eq!(table.desk.rows_of(b"OG"), 0);
    // To register is not to show it.
    drop(table.register(5));
    assert_eq!(table.desk.rows_of(b"OG"), 1);
}

#[test]
fn a_count_keeps_that_the_pin_was_shown_and_not_for_long() {
    let mut table = Table::new();
    let kept = table.register(5);
    drop(table.show(kept.version, &kept.unlock_key_tag));
    table.used(kept.version);
    table.desk.wait(Duration::from_millis(600_001));
    drop(table.register(5));
    assert_eq!(table.desk.rows_of(b"OG"), 1);
}

#[test]
fn what_has_no_guesses_leaves_no_copy() {
    let mut table = Table::new();
    let kept = table.register(0);
    assert!(matches!(table.count(kept.version), Ok(Found::NoGuesses)));
    table.delete();
    assert_eq!((table.desk.rows_of(b"OG"), table.desk.rows_of(b"OR")), (0, 0));
    assert!(matches!(table.find(), Found::Nothing));
}

#[test]
fn without_grace_there_are_no_copies() {
    let mut table = Table::with(PinPolicy { grace: Duration::ZERO, ..PinPolicy::default() });
    drop(table.register(5));
    table.delete();
    assert_eq!(table.desk.rows_of(b"OG"), 0);
}

/// A copy that comes back after a restore has one guess left, as every record has.
#[test]
fn a_restore_counts_for_copies_too() {
    let mut table = Table::new();
    let kept = table.register(5);
    table.delete();
    let row = StoredPinRealm { generation: 3, ..table.stored_realm() };
    table.desk.place(table.keys().realm, codec::encode(&row));
    table.veto("bob").unwrap();
    assert_eq!(table.used(kept.version), 5);
}

#[test]
fn only_tenants_with_accounts_have_owners_who_veto() {
    let mut table = Table::new();
    drop(table.register(5));
    table.delete();
    let mut veto_of = |who: &crate::credential::Principal, realm: &RecoveryRealm, tenant| {
        let owners = Owners::of(realm, tenant);
        let status = OwnShareStatus { owners: owners.clone() };
        let seen = table.desk.run(who, &status).map(|status| status.pending_destruction_at.is_some());
        let vetoed = table.desk.run(who, &VetoErasure { owners }).map(drop);
        (seen, vetoed)
    };
    let refused = (Err(EngineError::UnknownRecoveryRealm), Err(EngineError::UnknownErasure));
    let (bob, elsewhere) = (Desk::new().who("bob"), Desk::new().who_of("elsewhere", "bob"));
    let known = realm_of_accounts(7, PinPolicy::default(), "test");
    assert_eq!(veto_of(&bob, &realm(7, PinPolicy::default()), Some(TENANT)), refused);
    assert_eq!(veto_of(&bob, &known, Some("other")), refused);
    assert_eq!(veto_of(&elsewhere, &known, Some(TENANT)), refused);
    let accounts = known.tenants[TENANT].accounts.clone();
    let tenants = [TENANT, "other"].map(|name| {
        (name.to_owned(), RecoveryTenant { accounts: accounts.clone(), ..RecoveryTenant::default() })
    });
    let both = RecoveryRealm {
        id: known.id,
        operator: String::new(),
        tenants: tenants.into(),
        policy: PinPolicy::default(),
    };
    assert_eq!(veto_of(&bob, &both, None), refused, "of two tenants one has to be named");
    assert_eq!(veto_of(&bob, &both, Some("other")), (Ok(false), Err(EngineError::UnknownErasure)));
    assert_eq!(veto_of(&bob, &known, None), (Ok(true), Ok(())));
}
