use std::time::Duration;

use super::*;

/// How many shares of root keys lie there for somebody, good or not.
fn shares(desk: &Desk, who: &Principal) -> usize {
    desk.rows_of(keyspace::escrow_shares(who.account, ShareKind::RootKey.letter()).as_bytes())
}

#[test]
fn a_share_is_handed_back_as_often_as_it_is_asked_for_and_the_owner_is_told() {
    let mut desk = Desk::new();
    let ann = holder(&desk, "ann");
    let with_note = DepositShare { note: b"old name".to_vec(), ..deposit(1) };
    let expires = desk.run(&ann, &with_note).unwrap();
    assert_eq!(expires, desk.now.saturating_add(DAY));
    for _ in 0..2 {
        let held = desk.run(&ann, &fetch(1)).unwrap();
        assert_eq!((held.share.expose(), &held.note[..]), (&[1; 32][..], &b"old name"[..]));
        assert_eq!(held.expires, expires, "reading does not make it live longer");
    }
    let told = [Event::EscrowShareFiled {}, Event::EscrowShareRead {}, Event::EscrowShareRead {}];
    assert_eq!(desk.events, told);
}

/// A-SHR-04: of another account, expired, of the other kind, dropped, and never filed are one answer.
#[test]
fn nobody_learns_whether_a_hash_is_somebody_elses() {
    let mut desk = Desk::new();
    let (ann, bob) = (holder(&desk, "ann"), holder(&desk, "bob"));
    desk.run(&ann, &deposit(1)).unwrap();
    let unknown = EngineError::UnknownEscrowShare;
    assert_eq!(desk.run(&bob, &fetch(1)).unwrap_err(), unknown);
    assert_eq!(desk.run(&ann, &fetch(2)).unwrap_err(), unknown);
    let other_kind = FetchShare { kind: ShareKind::Backup, ..fetch(1) };
    assert_eq!(desk.run(&ann, &other_kind).unwrap_err(), unknown);
    assert_eq!(desk.run(&bob, &drop_it(1)).unwrap_err(), unknown);
    desk.run(&ann, &fetch(1)).unwrap();
    desk.run(&ann, &drop_it(1)).unwrap();
    assert_eq!(desk.run(&ann, &fetch(1)).unwrap_err(), unknown);
    assert_eq!(desk.run(&ann, &drop_it(1)).unwrap_err(), unknown);
    assert_eq!(desk.rows_under(b'U'), 2, "what each of them missed is counted, and nothing else is there");
}

/// The same hash of two accounts is two shares: neither is in the other's way.
#[test]
fn a_repeated_hash_overwrites_nobody_elses_share() {
    let mut desk = Desk::new();
    let (ann, bob) = (holder(&desk, "ann"), holder(&desk, "bob"));
    desk.run(&ann, &deposit(1)).unwrap();
    let same_hash = DepositShare { share: ShareBytes::new(vec![9; 32]), ..deposit(1) };
    desk.run(&bob, &same_hash).unwrap();
    assert_eq!(desk.run(&ann, &fetch(1)).unwrap().share.expose(), [1; 32]);
    assert_eq!(desk.run(&bob, &fetch(1)).unwrap().share.expose(), [9; 32]);
}

/// A-SHR-07: one row, the later value, and its time begins anew.
#[test]
fn a_second_share_under_a_hash_replaces_the_first() {
    let mut desk = Desk::new();
    let ann = holder(&desk, "ann");
    desk.run(&ann, &deposit(1)).unwrap();
    desk.wait(DAY - Duration::from_secs(1));
    desk.run(&ann, &DepositShare { share: ShareBytes::new(vec![9; 20]), ..deposit(1) }).unwrap();
    desk.wait(DAY - Duration::from_secs(1));
    assert_eq!(desk.run(&ann, &fetch(1)).unwrap().share.expose(), [9; 20]);
    assert_eq!(desk.rows_under(b'U'), 1);
}

#[test]
fn a_share_is_good_up_to_its_last_millisecond_and_not_beyond() {
    let mut desk = Desk::new();
    let ann = holder(&desk, "ann");
    desk.run(&ann, &deposit(1)).unwrap();
    desk.wait(DAY);
    desk.run(&ann, &fetch(1)).unwrap();
    desk.wait(Duration::from_millis(1));
    assert_eq!(desk.run(&ann, &fetch(1)).unwrap_err(), EngineError::UnknownEscrowShare);
    assert_eq!(desk.run(&ann, &drop_it(1)).unwrap_err(), EngineError::UnknownEscrowShare);
}

/// At the limit the oldest goes, never the new one; what has expired goes first and is not counted.
#[test]
fn beyond_the_limit_the_oldest_share_makes_room() {
    let mut desk = Desk::new();
    desk.limits.escrow_shares_max = 3;
    let ann = holder(&desk, "ann");
    for number in 1..=4 {
        desk.run(&ann, &deposit(number)).unwrap();
        desk.wait(Duration::from_millis(1));
    }
    let held: Vec<bool> = (1..=4).map(|number| desk.run(&ann, &fetch(number)).is_ok()).collect();
    assert_eq!(held, [false, true, true, true]);
    // Filing the oldest again makes it the youngest.
    desk.run(&ann, &deposit(2)).unwrap();
    desk.wait(Duration::from_millis(1));
    desk.run(&ann, &deposit(5)).unwrap();
    let held: Vec<bool> = (2..=5).map(|number| desk.run(&ann, &fetch(number)).is_ok()).collect();
    assert_eq!(held, [true, false, true, true]);
    let dropped = desk.events.iter().filter(|event| matches!(event, Event::EscrowSharesDropped { .. }));
    assert_eq!(dropped.count(), 2);
    desk.wait(DAY + Duration::from_secs(1));
    desk.run(&ann, &deposit(6)).unwrap();
    assert_eq!(shares(&desk, &ann), 1, "what has expired is gone");
    let mut default = Desk::new();
    let bob = holder(&default, "bob");
    for number in 0..=64 {
        default.run(&bob, &deposit(number)).unwrap();
        default.wait(Duration::from_millis(1));
    }
    assert_eq!(shares(&default, &bob), 64);
    assert!(default.run(&bob, &fetch(0)).is_err() && default.run(&bob, &fetch(1)).is_ok());
}

/// A lowered limit takes its effect with the next share.
#[test]
fn a_lowered_limit_drops_all_that_are_too_many() {
    let mut desk = Desk::new();
    let ann = holder(&desk, "ann");
    for number in 1..=10 {
        desk.run(&ann, &deposit(number)).unwrap();
        desk.wait(Duration::from_millis(1));
    }
    desk.limits.escrow_shares_max = 2;
    desk.run(&ann, &deposit(11)).unwrap();
    assert_eq!(desk.rows_under(b'U'), 2);
    assert!(desk.run(&ann, &fetch(10)).is_ok() && desk.run(&ann, &fetch(9)).is_err());
}

/// Section 9, `share_reads_max`: two tabs get it, a third asks for the password. Filing it again begins anew.
#[test]
fn a_share_that_was_read_so_often_is_gone() {
    let mut desk = Desk::new();
    desk.limits.escrow_share_reads_max = 2;
    let ann = holder(&desk, "ann");
    desk.run(&ann, &deposit(1)).unwrap();
    desk.run(&ann, &deposit(2)).unwrap();
    for _ in 0..2 {
        assert_eq!(desk.run(&ann, &fetch(1)).unwrap().share.expose(), [1; 32]);
    }
    assert_eq!(shares(&desk, &ann), 1, "it is gone, not hidden");
    assert_eq!(desk.events.last(), Some(&Event::EscrowSharesDropped { count: 1 }));
    assert_eq!(desk.run(&ann, &fetch(1)).unwrap_err(), EngineError::UnknownEscrowShare);
    desk.run(&ann, &fetch(2)).unwrap();
    desk.run(&ann, &deposit(2)).unwrap();
    desk.run(&ann, &fetch(2)).unwrap();
    desk.run(&ann, &fetch(2)).unwrap();
    assert_eq!(desk.run(&ann, &fetch(2)).unwrap_err(), EngineError::UnknownEscrowShare);
}

/// Reads are counted without a limit too: one that is set later holds for what is there, and what is read too often
/// makes room like what has expired.
#[test]
fn a_limit_of_reads_holds_for_shares_that_were_read_before_it_was_set() {
    let mut desk = Desk::new();
    let ann = holder(&desk, "ann");
    for number in 1..=3 {
        desk.run(&ann, &deposit(number)).unwrap();
        desk.wait(Duration::from_millis(1));
    }
    for _ in 0..3 {
        desk.run(&ann, &fetch(2)).unwrap();
    }
    desk.limits.escrow_share_reads_max = 3;
    desk.limits.escrow_shares_max = 3;
    assert_eq!(desk.run(&ann, &fetch(2)).unwrap_err(), EngineError::UnknownEscrowShare);
    assert_eq!(desk.run(&ann, &drop_it(2)).unwrap_err(), EngineError::UnknownEscrowShare);
    desk.run(&ann, &deposit(4)).unwrap();
    assert_eq!(shares(&desk, &ann), 3);
    desk.run(&ann, &fetch(1)).unwrap();
}

/// A-SHR-06: the two halves in one place would be the root key.
#[test]
fn a_share_is_not_filed_under_its_own_hash() {
    let mut desk = Desk::new();
    let ann = holder(&desk, "ann");
    let both = DepositShare { hash: sha512(&[7; 32]).to_vec(), ..deposit(7) };
    assert_eq!(desk.run(&ann, &both).unwrap_err(), EngineError::ShareNamesItself);
    assert_eq!(desk.row_count(), 0);
}

#[test]
fn sizes_are_checked_at_the_limit_and_beyond() {
    let mut desk = Desk::new();
    let ann = holder(&desk, "ann");
    let sized = |share: usize, hash: usize| DepositShare {
        share: ShareBytes::new(vec![1; share]),
        hash: vec![2; hash],
        ..deposit(1)
    };
    for (share, hash, good) in [
        (128, 64, true),
        (1, 1, true),
        (129, 64, false),
        (128, 65, false),
        (0, 64, false),
        (32, 0, false),
        (1_280, 640, false),
    ] {
        assert_eq!(desk.run(&ann, &sized(share, hash)).is_ok(), good, "{share} {hash}");
    }
}

/// A-SHR-02: an e-mailed code, a token without an account, and whoever has no such token get nothing.
#[test]
fn a_share_takes_the_password_and_an_account() {
    let mut desk = Desk::new();
    let ann = holder(&desk, "ann");
    desk.run(&ann, &deposit(1)).unwrap();
    let coded = with(&desk, assurance("ident", Some("ann"), 1));
    let low = EngineError::AssuranceTooLow { required: 2 };
    assert_eq!(desk.run(&coded, &fetch(1)).unwrap_err(), low);
    assert_eq!(desk.run(&coded, &deposit(2)).unwrap_err(), low);
    assert_eq!(desk.run(&coded, &DropShares {}).unwrap_err(), low);
    let nobody = with(&desk, assurance("ann", None, 4));
    assert_eq!(desk.run(&nobody, &fetch(1)).unwrap_err(), EngineError::NoEscrowAccount);
    assert_eq!(desk.run(&nobody, &deposit(2)).unwrap_err(), EngineError::NoEscrowAccount);
    let plain = desk.who("ann");
    assert_eq!(desk.run(&plain, &fetch(1)).unwrap_err(), EngineError::CredentialInvalid);
}

/// A share in a stolen store is noise, and sealed for its place: moved or made to live longer it does not open.
#[test]
fn a_share_lies_sealed_for_account_hash_and_expiry() {
    let mut desk = Desk::new();
    let (ann, bob) = (holder(&desk, "ann"), holder(&desk, "bob"));
    desk.run(&ann, &deposit(7)).unwrap();
    let space = desk.space().clone();
    let key = space.escrow_share(ann.account, b'r', &fetch(7).hash);
    let row: StoredShare = desk.row(&key).unwrap();
    assert!(!row.sealed.windows(8).any(|window| window == [7; 8]));
    desk.place(space.escrow_share(bob.account, b'r', &fetch(7).hash), crate::codec::encode(&row));
    assert_eq!(desk.run(&bob, &fetch(7)).unwrap_err(), EngineError::Corrupt);
    desk.place(space.escrow_share(ann.account, b'k', &fetch(7).hash), crate::codec::encode(&row));
    let other_kind = FetchShare { kind: ShareKind::Backup, ..fetch(7) };
    assert_eq!(desk.run(&ann, &other_kind).unwrap_err(), EngineError::Corrupt);
    desk.place(space.escrow_share(ann.account, b'r', &fetch(8).hash), crate::codec::encode(&row));
    assert_eq!(desk.run(&ann, &fetch(8)).unwrap_err(), EngineError::Corrupt);
    let longer = StoredShare { expires: row.expires.saturating_add(DAY), ..row };
    desk.place(key, crate::codec::encode(&longer));
    assert_eq!(desk.run(&ann, &fetch(7)).unwrap_err(), EngineError::Corrupt);
}
