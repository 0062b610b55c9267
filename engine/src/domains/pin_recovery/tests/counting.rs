//! Guesses: what counts, what is free, what is wiped, and when.

use proptest::prelude::*;

use super::*;

fn is_version(found: Found<[u8; 16]>, version: [u8; 16]) -> bool {
    matches!(found, Found::There(there) if there == version)
}

#[test]
fn a_right_guess_gives_the_share_and_all_guesses_back() {
    let mut table = Table::new();
    assert!(matches!(table.find(), Found::Nothing));
    let kept = table.register(3);
    assert!(is_version(table.find(), kept.version));
    assert_eq!(table.used(kept.version), 1);
    assert_eq!(table.used(kept.version), 2);
    let Found::There(Shown::Right(given)) = table.show(kept.version, &kept.unlock_key_tag) else {
        panic!("the tag is right")
    };
    assert_eq!(given.0.encrypted_secret, kept.encrypted_secret);
    assert_eq!(table.status().guesses_used, 0);
    assert_eq!(table.used(kept.version), 1);
}

/// A-SHR-10: at the limit the share is destroyed, and stays so until something is registered again.
#[test]
fn the_guess_after_the_last_erases_the_key() {
    let mut table = Table::with(no_wait());
    let kept = table.register(2);
    assert_eq!((table.used(kept.version), table.used(kept.version)), (1, 2));
    assert!(table.has_key(), "the last guess may have been right");
    assert!(matches!(table.count(kept.version), Ok(Found::NoGuesses)));
    assert!(!table.has_key());
    assert_eq!(table.stored(), StoredPinRecord::NoGuesses);
    assert!(matches!(table.find(), Found::NoGuesses));
    assert!(matches!(table.count(kept.version), Ok(Found::NoGuesses)));
    assert!(matches!(table.show(kept.version, &kept.unlock_key_tag), Found::NoGuesses));
    assert!(table.status().no_guesses);
    let again = table.register(2);
    assert_eq!(table.used(again.version), 1);
}

#[test]
fn finding_wipes_what_has_no_guess_left_and_a_right_tag_still_opens_before() {
    let mut table = Table::with(no_wait());
    let kept = table.register(1);
    assert_eq!(table.used(kept.version), 1);
    assert!(matches!(table.show(kept.version, &kept.unlock_key_tag), Found::There(Shown::Right(_))));
    assert_eq!(table.used(kept.version), 1);
    assert!(matches!(table.find(), Found::NoGuesses));
    assert!(!table.has_key());
}

#[test]
fn a_wrong_tag_costs_nothing_until_nothing_is_left() {
    let mut table = Table::with(no_wait());
    let kept = table.register(2);
    for left in [1, 1] {
        if left == 1 && table.status().guesses_used == 0 {
            table.used(kept.version);
        }
        assert!(matches!(table.show(kept.version, &wrong()), Found::There(Shown::Wrong { left: 1 })));
    }
    table.used(kept.version);
    assert!(matches!(table.show(kept.version, &wrong()), Found::There(Shown::Wrong { left: 0 })));
    assert!(!table.has_key());
    assert!(matches!(table.show(kept.version, &kept.unlock_key_tag), Found::NoGuesses));
}

#[test]
fn another_version_costs_nothing() {
    let mut table = Table::new();
    let kept = table.register(1);
    for _ in 0..3 {
        assert!(matches!(table.count([0; 16]), Ok(Found::Other)));
        assert!(matches!(table.show([0; 16], &kept.unlock_key_tag), Found::Other));
    }
    assert_eq!(table.status().guesses_used, 0);
}

#[test]
fn no_guess_at_all_may_be_registered() {
    let mut table = Table::new();
    let kept = table.register(0);
    assert!(table.has_key());
    assert!(matches!(table.count(kept.version), Ok(Found::NoGuesses)));
    assert!(!table.has_key());
}

#[test]
fn a_realm_says_how_many_guesses_there_may_be() {
    let mut table = Table::new();
    let kept = |table: &Table, allowed| table.client.registration("1", b"", allowed);
    assert_eq!(table.keep(kept(&table, 10)), Ok(()));
    assert_eq!(table.keep(kept(&table, 11)), Err(EngineError::TooManyGuessesAllowed { max: 10 }));
    table.desk.sealed_at_rest = false;
    assert_eq!(table.keep(kept(&table, 1)), Err(EngineError::StoreNotEncrypted));
}

/// RECOVERY.md, section 4.2, rule 3: 0 s, 0 s, 30 s, 5 min, 1 h and so on, and a guess that has to wait is not counted.
#[test]
fn each_guess_waits_longer_than_the_one_before() {
    let mut table = Table::new();
    let kept = table.register(7);
    for (guess, wait_s) in [0, 0, 30, 300, 3_600, 3_600, 3_600].into_iter().enumerate() {
        if wait_s > 0 {
            table.desk.wait(Duration::from_millis(wait_s * 1_000 - 1));
            let retry_after = Duration::from_millis(1);
            let soon = table.count(kept.version).map(drop);
            assert_eq!(soon, Err(EngineError::GuessTooSoon { retry_after }));
            table.desk.wait(retry_after);
        }
        assert_eq!(usize::from(table.used(kept.version)), guess + 1);
    }
    assert!(matches!(table.count(kept.version), Ok(Found::NoGuesses)), "what is lost is not waited for");
}

#[test]
fn a_right_guess_ends_the_waiting() {
    let mut table = Table::new();
    let kept = table.register(5);
    (0..2).for_each(|_| assert!(table.used(kept.version) > 0));
    assert!(table.count(kept.version).is_err());
    drop(table.show(kept.version, &kept.unlock_key_tag));
    assert_eq!(table.used(kept.version), 1);
}

/// A-SHR-11; RECOVERY.md, section 4.3 a.
#[test]
fn after_a_restore_one_guess_is_left() {
    let mut table = Table::with(no_wait());
    let kept = table.register(5);
    let restored = StoredPinRealm { generation: 1, ..table.stored_realm() };
    table.desk.place(table.keys().realm, codec::encode(&restored));
    let status = table.status();
    assert_eq!((status.guesses_used, status.guesses_allowed, status.restored), (4, 5, true));
    assert_eq!(table.used(kept.version), 5);
    assert!(!table.status().restored);
    assert!(matches!(table.count(kept.version), Ok(Found::NoGuesses)));

    let mut table = Table::with(no_wait());
    let kept = table.register(5);
    let restored = StoredPinRealm { generation: 1, ..table.stored_realm() };
    table.desk.place(table.keys().realm, codec::encode(&restored));
    assert_eq!(table.used(kept.version), 5);
    drop(table.show(kept.version, &kept.unlock_key_tag));
    assert_eq!(table.used(kept.version), 1, "whoever knows the PIN has all guesses back");
    let locked = table.register(0);
    table
        .desk
        .place(table.keys().realm, codec::encode(&StoredPinRealm { generation: 2, ..table.stored_realm() }));
    assert!(matches!(table.count(locked.version), Ok(Found::NoGuesses)));
}

/// RECOVERY.md, section 4.4: an edited counter makes a record that nobody can read.
#[test]
fn an_edited_head_opens_nothing() {
    type Edit = fn(&mut super::super::rows::PinHead);
    let edits: [Edit; 6] = [
        |head| head.count = 0,
        |head| head.allowed = 20,
        |head| head.version[0] ^= 1,
        |head| head.mark -= 1,
        |head| head.generation = 9,
        |head| head.guessed = None,
    ];
    for edit in edits {
        let mut table = Table::with(no_wait());
        let kept = table.register(3);
        table.used(kept.version);
        let StoredPinRecord::Registered(mut record) = table.stored() else { panic!("registered") };
        edit(&mut record.head);
        let version = record.head.version;
        table.desk.place(table.keys().record, codec::encode(&StoredPinRecord::Registered(record)));
        assert_eq!(table.count(version).map(drop), Err(EngineError::Corrupt));
    }
}

/// The key of a count that is over opens nothing any more, and the count that was does not open under the new key.
#[test]
fn an_older_record_does_not_open_beside_the_present_key() {
    let mut table = Table::with(no_wait());
    let kept = table.register(3);
    let older = table.desk.raw(&table.keys().record);
    table.used(kept.version);
    table.desk.place(table.keys().record, older);
    assert_eq!(table.count(kept.version).map(drop), Err(EngineError::Corrupt));
}

/// A record moved to another user's place does not open there.
#[test]
fn a_record_opens_in_its_place_only() {
    let mut table = Table::with(no_wait());
    let kept = table.register(3);
    let (record, key) = (table.desk.raw(&table.keys().record), table.desk.raw(&table.keys().key));
    table.user = table.realm().user(TENANT, "eve");
    table.desk.place(table.keys().record, record);
    table.desk.place(table.keys().key, key);
    assert_eq!(table.count(kept.version).map(drop), Err(EngineError::Corrupt));
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Register(u16),
    Find,
    Guess,
    Right,
    Wrong,
    Delete,
    Restore,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        1 => (0_u16..5).prop_map(Deed::Register),
        2 => Just(Deed::Find),
        8 => Just(Deed::Guess),
        1 => Just(Deed::Right),
        2 => Just(Deed::Wrong),
        1 => Just(Deed::Delete),
        1 => Just(Deed::Restore),
    ];
    proptest::collection::vec(deed, 1..60)
}

proptest! {
    /// A-SHR-10: whatever is done in whatever order, no more guesses are counted between two right ones than were
    /// allowed, and once they are used up nothing is left but by registering.
    #[test]
    fn no_order_of_deeds_gives_a_guess_back(deeds in deeds()) {
        let mut table = Table::with(no_wait());
        let mut registered: Option<Registration> = None;
        let (mut used, mut lost) = (0_u16, false);
        for deed in deeds {
            let version = registered.as_ref().map_or([0; 16], |kept| kept.version);
            match deed {
                Deed::Register(allowed) => {
                    registered = Some(table.register(allowed));
                    (used, lost) = (0, false);
                }
                Deed::Find => lost |= matches!(table.find(), Found::NoGuesses),
                Deed::Guess => match table.count(version).unwrap() {
                    Found::There(counted) => {
                        used += 1;
                        let allowed = registered.as_ref().unwrap().policy.num_guesses;
                        prop_assert!(!lost && used <= counted.used && counted.used <= allowed);
                    }
                    Found::NoGuesses => lost = true,
                    Found::Nothing => prop_assert!(registered.is_none()),
                    Found::Other => prop_assert!(false, "there is one version"),
                },
                Deed::Right => if let Some(kept) = &registered {
                    match table.show(version, &kept.unlock_key_tag.clone()) {
                        Found::There(Shown::Right(_)) => { prop_assert!(!lost); used = 0; }
                        Found::NoGuesses => lost = true,
                        _ => prop_assert!(false, "the tag is right"),
                    }
                },
                Deed::Wrong => lost |= matches!(
                    table.show(version, &wrong()),
                    Found::NoGuesses | Found::There(Shown::Wrong { left: 0 })
                ),
                Deed::Delete => {
                    table.delete();
                    registered = None;
                    (used, lost) = (0, false);
                }
                Deed::Restore => {
                    let row = table.stored_realm();
                    let row = StoredPinRealm { generation: row.generation + 1, ..row };
                    table.desk.place(table.keys().realm, codec::encode(&row));
                }
            }
            prop_assert_eq!(table.has_key(), registered.is_some() && !lost);
        }
    }
}
