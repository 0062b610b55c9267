use std::time::Duration;

use super::*;
use crate::domains::sharing::{
    secrets::{DeleteSecretLink, MoveSecretLink, ReadSecret, UpdateSecret},
    shares::{
        DeleteShareLink, GetShare, ListShareRights, MoveShareLink, PlaceShareLink, RevokeShareRight,
        SaveShare,
    },
};
use crate::error::Quota;

mod properties;

fn place(n: u8, share: ShareId, parent: ShareId) -> PlaceShareLink {
    PlaceShareLink { link: link(n), share, parent: Parent::Share(parent) }
}

fn rights_on(desk: &mut Desk, who: &Principal, id: ShareId) -> ShareRights {
    desk.run(who, &GetShare { id }).map_or(ShareRights::NONE, |share| share.rights)
}

/// Ann with a chain of shares, each below the one before.
fn chain(length: u8) -> (Desk, Principal, Principal, Vec<ShareId>) {
    let mut desk = Desk::new();
    let (ann, bob) = (desk.who("ann"), desk.who("bob"));
    desk.open_account(&ann);
    desk.open_account(&bob);
    let mut parent = Parent::Datastore(create(&mut desk, &ann, "password", ""));
    let mut shares = Vec::new();
    for n in 1..=length {
        let share = new_share(&mut desk, &ann, n, parent);
        parent = Parent::Share(share);
        shares.push(share);
    }
    (desk, ann, bob, shares)
}

#[test]
fn a_right_reaches_down_until_another_one_takes_its_place() {
    let (mut desk, ann, bob, shares) = chain(4);
    let secret = new_secret(&mut desk, &ann, 9, Parent::Share(shares[3]));
    share_with(&mut desk, &ann, &bob, shares[0], READ.or(WRITE));
    assert_eq!(rights_on(&mut desk, &bob, shares[3]), READ.or(WRITE));
    assert!(desk.run(&bob, &ReadSecret { id: secret }).is_ok());
    // One that waits for an answer changes nothing, and one that gives less takes away.
    let less = desk.run(&ann, &offer(shares[2], &bob, WRITE)).unwrap();
    assert_eq!(rights_on(&mut desk, &bob, shares[3]), READ.or(WRITE));
    desk.run(&bob, &accept(less)).unwrap();
    assert_eq!(rights_on(&mut desk, &bob, shares[1]), READ.or(WRITE));
    assert_eq!(rights_on(&mut desk, &bob, shares[3]), ShareRights::NONE, "to write alone is not to read");
    assert_eq!(desk.run(&bob, &ReadSecret { id: secret }), Err(EngineError::UnknownSecret));
    desk.run(&ann, &RevokeShareRight { right: less }).unwrap();
    assert!(desk.run(&bob, &ReadSecret { id: secret }).is_ok());
    desk.run(&ann, &DeleteShareLink { link: link(2) }).unwrap();
    assert_eq!(desk.run(&bob, &ReadSecret { id: secret }), Err(EngineError::UnknownSecret));
}

/// Each way up counts for itself: a right nearby on one does not hide one further up on the other.
#[test]
fn the_nearest_rights_of_every_way_up_count_together() {
    let (mut desk, ann, bob, shares) = chain(3);
    let store = create(&mut desk, &ann, "password", "other");
    let other = new_share(&mut desk, &ann, 10, Parent::Datastore(store));
    desk.run(&ann, &place(11, shares[2], other)).unwrap();
    share_with(&mut desk, &ann, &bob, shares[0], READ);
    share_with(&mut desk, &ann, &bob, other, WRITE);
    assert_eq!(rights_on(&mut desk, &bob, shares[2]), READ.or(WRITE));
    share_with(&mut desk, &ann, &bob, shares[1], ShareRights::NONE);
    assert_eq!(rights_on(&mut desk, &bob, shares[2]), ShareRights::NONE);
    assert!(desk.run(&bob, &SaveShare { id: shares[2], data: sealed(40, 7), previous: None }).is_ok());
}

#[test]
fn a_share_never_hangs_below_itself() {
    let (mut desk, ann, _, shares) = chain(4);
    for (share, parent) in [(0, 0), (0, 1), (0, 3), (2, 3)] {
        let circle = place(20, shares[share], shares[parent]);
        assert_eq!(desk.run(&ann, &circle), Err(EngineError::ShareCycle));
    }
    let moved = MoveShareLink { link: link(2), parent: Parent::Share(shares[3]) };
    assert_eq!(desk.run(&ann, &moved), Err(EngineError::ShareCycle));
    let again = PlaceShareLink { link: link(1), share: shares[3], parent: Parent::Share(shares[0]) };
    assert_eq!(desk.run(&ann, &again), Err(EngineError::LinkTaken));
    desk.run(&ann, &place(20, shares[3], shares[0])).unwrap();
}

/// Depth has an end, and every command comes to its answer at that end.
#[test]
fn shares_hang_sixteen_deep_and_rights_reach_as_far() {
    let (mut desk, ann, bob, shares) = chain(16);
    let deepest = shares[15];
    let create = CreateShare {
        data: sealed(40, 1),
        key: sealed(80, 1),
        link: link(50),
        parent: Parent::Share(deepest),
    };
    assert_eq!(desk.run(&ann, &create), Err(EngineError::ShareTooDeep { max: 16 }));
    let secret = new_secret(&mut desk, &ann, 60, Parent::Share(deepest));
    share_with(&mut desk, &ann, &bob, shares[0], ShareRights::ALL);
    assert_eq!(rights_on(&mut desk, &bob, deepest), ShareRights::ALL);
    assert!(desk.run(&bob, &ReadSecret { id: secret }).is_ok());
    assert!(desk.run(&bob, &ListShareRights { share: deepest }).is_ok());
    let below = Parent::Share(shares[14]);
    desk.run(&bob, &PlaceShareLink { link: link(51), share: shares[15], parent: below }).unwrap();
    desk.run(&bob, &MoveShareLink { link: link(51), parent: Parent::Share(shares[13]) }).unwrap();
    desk.run(&bob, &MoveSecretLink { link: link(60), parent: below }).unwrap();
    let list = ListChildren { parent: Parent::Share(deepest), from: None, limit: 9 };
    assert!(desk.run(&bob, &list).is_ok());
    // Whoever moves a tall branch deeper loses what reached it from far above, and nothing else happens.
    let store = super::create(&mut desk, &ann, "password", "other");
    let top = new_share(&mut desk, &ann, 52, Parent::Datastore(store));
    desk.run(&ann, &place(53, shares[0], top)).unwrap();
    let cyd = desk.who("cyd");
    desk.open_account(&cyd);
    share_with(&mut desk, &ann, &cyd, top, ShareRights::ALL);
    assert_eq!(rights_on(&mut desk, &cyd, shares[14]), ShareRights::ALL);
    let mut one_way = desk;
    one_way.run(&ann, &DeleteShareLink { link: link(51) }).unwrap();
    assert_eq!(rights_on(&mut one_way, &cyd, shares[15]), ShareRights::NONE);
    let circle = place(54, top, shares[15]);
    let refused = one_way.run(&ann, &circle).unwrap_err();
    assert!(matches!(refused, EngineError::ShareCycle | EngineError::ShareTooDeep { .. }), "{refused:?}");
}

#[test]
fn something_hangs_in_so_many_places_at_most() {
    let (mut desk, ann, _, shares) = chain(2);
    for n in 10..41 {
        desk.run(&ann, &place(n, shares[1], shares[0])).unwrap();
    }
    let one_more = place(60, shares[1], shares[0]);
    assert_eq!(desk.run(&ann, &one_more), Err(EngineError::TooManyLinks { max: LINKS_MAX }));
    desk.run(&ann, &MoveShareLink { link: link(10), parent: Parent::Share(shares[0]) }).unwrap();
}

/// A move takes the right to read: who may only write cannot carry a secret to where they read it.
#[test]
fn who_may_not_read_a_secret_does_not_move_it_home() {
    let (mut desk, ann, bob, shares) = chain(1);
    let secret = new_secret(&mut desk, &ann, 9, Parent::Share(shares[0]));
    share_with(&mut desk, &ann, &bob, shares[0], WRITE);
    let home = create(&mut desk, &bob, "password", "");
    let moved = MoveSecretLink { link: link(9), parent: Parent::Datastore(home) };
    assert_eq!(desk.run(&bob, &moved), Err(EngineError::UnknownLink));
    assert_eq!(desk.run(&bob, &ReadSecret { id: secret }), Err(EngineError::UnknownSecret));
}

/// Whoever hangs a share elsewhere lets others have it, so it takes the right to grant; to take it down it does not.
#[test]
fn who_may_not_grant_a_share_does_not_move_it() {
    let (mut desk, ann, bob, shares) = chain(2);
    share_with(&mut desk, &ann, &bob, shares[0], READ.or(WRITE));
    let home = create(&mut desk, &bob, "password", "");
    let moved = MoveShareLink { link: link(2), parent: Parent::Datastore(home) };
    assert_eq!(desk.run(&bob, &moved), Err(EngineError::UnknownLink));
    let placed = PlaceShareLink { link: link(7), share: shares[1], parent: Parent::Datastore(home) };
    assert_eq!(desk.run(&bob, &placed), Err(EngineError::UnknownShare));
    desk.run(&bob, &DeleteShareLink { link: link(2) }).unwrap();
}

/// A share is not a secret, and its links are not moved as if it were one.
#[test]
fn links_of_shares_and_of_secrets_are_kept_apart() {
    let (mut desk, ann, _, shares) = chain(2);
    new_secret(&mut desk, &ann, 9, Parent::Share(shares[0]));
    let parent = Parent::Share(shares[1]);
    let unknown = EngineError::UnknownLink;
    assert_eq!(desk.run(&ann, &MoveSecretLink { link: link(1), parent }), Err(unknown.clone()));
    assert_eq!(desk.run(&ann, &DeleteSecretLink { link: link(1) }), Err(unknown.clone()));
    assert_eq!(desk.run(&ann, &MoveShareLink { link: link(9), parent }), Err(unknown.clone()));
    assert_eq!(desk.run(&ann, &DeleteShareLink { link: link(9) }), Err(unknown));
    let id = SecretId::from_bytes(*shares[0].as_bytes());
    assert_eq!(desk.run(&ann, &ReadSecret { id }), Err(EngineError::UnknownSecret));
}

#[test]
fn what_nobody_can_reach_goes_after_a_day() {
    let (mut desk, ann, bob, shares) = chain(1);
    let node = desk.node();
    let secret = new_secret(&mut desk, &ann, 9, Parent::Share(shares[0]));
    let child = Child::Secret(secret);
    let right = share_with(&mut desk, &ann, &bob, shares[0], READ);
    desk.wait(Duration::from_secs(2 * 24 * 60 * 60));
    desk.run(&node, &DropLoose { child }).unwrap();
    assert!(desk.run(&bob, &ReadSecret { id: secret }).is_ok(), "one that hangs somewhere stays");
    desk.run(&ann, &DeleteSecretLink { link: link(9) }).unwrap();
    desk.run(&node, &DropLoose { child }).unwrap();
    assert_eq!(desk.rows_of(b"yS"), 1, "for a day");
    desk.wait(Duration::from_millis(24 * 60 * 60 * 1_000 + 1));
    desk.run(&node, &DropLoose { child }).unwrap();
    for gone in [b"yS", b"yT", b"yR", b"yH", b"yV"] {
        assert_eq!(desk.rows_of(gone), 0);
    }
    assert_eq!(desk.rows_of(b"yU"), 1, "its nonce stays used");

    let child = Child::Share(shares[0]);
    desk.run(&ann, &DeleteShareLink { link: link(1) }).unwrap();
    desk.wait(Duration::from_millis(24 * 60 * 60 * 1_000 + 1));
    desk.run(&node, &DropLoose { child }).unwrap();
    assert_eq!(rights_on(&mut desk, &bob, shares[0]), READ, "who has a right on a share reaches it");
    desk.run(&ann, &RevokeShareRight { right }).unwrap();
    let own = desk.run(&ann, &ListShareRights { share: shares[0] }).unwrap()[0].id;
    desk.run(&ann, &RevokeShareRight { right: own }).unwrap();
    desk.run(&node, &DropLoose { child }).unwrap();
    assert_eq!(desk.rows_of(b"y"), 1, "nothing is left but the nonce");
}

/// What an account has created is counted wherever it hangs, and no more once it has gone.
#[test]
fn an_account_creates_as_many_secrets_and_shares_as_it_may() {
    let (mut desk, ann, bob, shares) = chain(1);
    (desk.limits.account_secrets_max, desk.limits.account_shares_max) = (3, 2);
    share_with(&mut desk, &ann, &bob, shares[0], ShareRights::ALL);
    let parent = Parent::Share(shares[0]);
    let refused = |what, max| EngineError::QuotaExceeded { what, max };
    let many = |numbers: &[u8]| {
        let secrets = numbers.iter().map(|n| a_secret(*n)).collect();
        CreateSecrets { secrets, parent }
    };
    let made = desk.run(&ann, &many(&[10, 11])).unwrap();
    assert_eq!(desk.run(&ann, &many(&[12, 13])), Err(refused(Quota::Secrets, 3)));
    assert!(desk.rows_of(b"yS") == 2, "all of a command's or none");
    desk.run(&ann, &many(&[12])).unwrap();
    assert_eq!(desk.run(&ann, &many(&[13])), Err(refused(Quota::Secrets, 3)));
    desk.run(&bob, &many(&[13])).expect("everybody is counted for themselves");
    let share = |n| CreateShare { data: sealed(40, n), key: sealed(80, n), link: link(n), parent };
    desk.run(&ann, &share(20)).unwrap();
    assert_eq!(desk.run(&ann, &share(21)), Err(refused(Quota::Shares, 2)));

    let change = UpdateSecret {
        id: made[0].id,
        data: Some(sealed(40, 30)),
        callback: Callback::default(),
        previous: None,
    };
    desk.run(&bob, &change).expect("whoever writes it last, it is ann's to count");
    desk.run(&ann, &DeleteSecretLink { link: link(10) }).unwrap();
    assert_eq!(desk.run(&ann, &many(&[14])), Err(refused(Quota::Secrets, 3)), "it is still kept");
    desk.wait(Duration::from_secs(2 * 24 * 60 * 60));
    let node = desk.node();
    desk.run(&node, &DropLoose { child: Child::Secret(made[0].id) }).unwrap();
    desk.run(&node, &DropLoose { child: Child::Secret(made[0].id) }).unwrap();
    desk.run(&ann, &many(&[14])).unwrap();
    assert_eq!(desk.run(&ann, &many(&[15])), Err(refused(Quota::Secrets, 3)), "once");
}

#[test]
fn what_hung_in_a_datastore_is_taken_down_once_that_is_gone() {
    let mut desk = Desk::new();
    let ann = person(&mut desk, "ann.lee@example.org");
    let store = create(&mut desk, &ann, "password", "old");
    create(&mut desk, &ann, "password", "new");
    let secret = new_secret(&mut desk, &ann, 1, Parent::Datastore(store));
    let node = desk.node();
    desk.run(&node, &DropLink { link: link(1) }).unwrap();
    assert!(desk.run(&ann, &ReadSecret { id: secret }).is_ok(), "its parent stands");
    desk.run(&ann, &DeleteDatastore { id: store, authkey: Some(authkey()), network: Vec::new() }).unwrap();
    desk.run(&node, &DropLink { link: link(1) }).unwrap();
    assert_eq!((desk.rows_of(b"yL"), desk.rows_of(b"yC")), (0, 0));
    desk.wait(Duration::from_secs(2 * 24 * 60 * 60));
    desk.run(&node, &DropLoose { child: Child::Secret(secret) }).unwrap();
    assert_eq!(desk.rows_of(b"yS"), 0);
}
