//! Refreshes, holders who leave, and escrows that end.

use super::*;
use crate::{
    domains::accounts::{EraseAccount, PurgeAccount},
    testing::escrows::SECRET,
};

#[test]
fn a_refresh_keeps_the_secret_and_ends_the_epoch_before() {
    let mut scene = Scene::new();
    let before = scene.open();
    let (ann, bob) = (scene.ann.clone(), scene.bob.clone());
    scene.approve(&bob, before, 1).unwrap();
    let old_approval = scene.approval(before, 1);
    let refresh = scene.dealer.refresh(2, &three());
    assert_eq!(scene.desk.run(&ann, &refresh).unwrap().epoch, 2);
    scene.deal = refresh.deal.clone();

    assert_eq!(scene.state(before), RequestState::Lapsed);
    assert_eq!(scene.desk.run(&bob, &old_approval).unwrap_err(), EngineError::StaleEpoch { epoch: 2 });
    assert_eq!(scene.desk.run(&ann, &refresh), Err(EngineError::StaleEpoch { epoch: 2 }), "once");
    assert_eq!(scene.collect(&ann, before), closed(RequestState::Lapsed));

    let request = scene.open();
    assert_eq!(
        scene.desk.run(&bob, &ApproveRequest { request, ..old_approval }).unwrap_err(),
        EngineError::StaleEpoch { epoch: 2 },
        "a share of the old epoch is refused"
    );
    scene.approve_twice(request);
    scene.wait_until_due();
    let release = scene.collect(&ann, request).unwrap();
    assert_eq!(scene.dealer.recover(request, &release, &[]).unwrap(), SECRET);
}

/// What was released for an epoch that is over is not given out any more.
#[test]
fn a_release_ends_with_its_epoch() {
    let mut scene = Scene::new();
    let request = scene.open();
    scene.approve_twice(request);
    scene.wait_until_due();
    let ann = scene.ann.clone();
    scene.collect(&ann, request).unwrap();
    let refresh = scene.dealer.refresh(2, &three());
    scene.desk.run(&ann, &refresh).unwrap();
    assert_eq!(scene.collect(&ann, request), closed(RequestState::Expired));
}

/// Shares of two epochs are worth nothing together.
#[test]
fn old_and_new_shares_do_not_mix() {
    let mut scene = Scene::new();
    let old = scene.dealer.plain(2, 3, 1);
    let ann = scene.ann.clone();
    let refresh = scene.dealer.refresh(2, &three());
    scene.desk.run(&ann, &refresh).unwrap();
    scene.deal = refresh.deal;
    let request = scene.open();
    scene.approve_twice(request);
    scene.wait_until_due();
    let mut release = scene.collect(&ann, request).unwrap();
    release.shares.retain(|(index, _)| *index == 2);
    let refused = scene.dealer.recover(request, &release, &[old]).unwrap_err();
    assert_eq!(refused, strongroom_primitives::sharing::SharingError::BadShare { index: 1 });
}

/// Of the epoch before not one seal is left in the store, also where there are fewer holders now, and no holding of who left.
#[test]
fn a_refresh_deletes_what_was_sealed_before() {
    let mut scene = Scene::new();
    let (ann, before) = (scene.ann.clone(), scene.deal.clone());
    let refresh = scene.dealer.refresh(2, &[account("bob"), account("cyd")]);
    scene.desk.run(&ann, &refresh).unwrap();
    let lies = |scene: &Scene, deal: &Deal| {
        let rows = scene.desk.values_under(b'2');
        let texts = deal.holders.iter().filter_map(|holder| holder.share.as_ref()).map(|share| &share.text);
        texts.filter(|text| rows.iter().any(|row| row.windows(81).any(|part| *part == text[..]))).count()
    };
    assert_eq!((lies(&scene, &before), lies(&scene, &refresh.deal)), (0, 2));
    assert_eq!(scene.desk.rows_under(b'4'), 2, "dan holds nothing any more");
}

/// Requests that a refresh has ended take up no room.
#[test]
fn after_a_refresh_there_is_room_for_requests() {
    let mut scene = Scene::of(&three(), ReleasePolicy { open_requests_max: 1, ..policy() });
    let ann = scene.ann.clone();
    scene.open();
    assert!(scene.try_open(&ann).is_err());
    let refresh = scene.dealer.refresh(2, &three());
    scene.desk.run(&ann, &refresh).unwrap();
    scene.desk.wait(Duration::from_millis(1));
    scene.open();
}

/// A-DEV-07: a holder who was replaced is a stranger.
#[test]
fn a_holder_who_leaves_keeps_nothing() {
    let mut scene = Scene::new();
    let (ann, dan, escrow) = (scene.ann.clone(), scene.dan.clone(), scene.escrow());
    let held = ListHeldEscrows { from: None, limit: 10 };
    assert_eq!(scene.desk.run(&dan, &held).unwrap().escrows.len(), 1);
    let refresh = scene.dealer.refresh(2, &[account("bob"), account("cyd"), account("eve")]);
    scene.desk.events.clear();
    scene.desk.run(&ann, &refresh).unwrap();
    assert_eq!(scene.desk.events.len(), 5, "who leaves is told too");
    assert!(scene.desk.run(&dan, &held).unwrap().escrows.is_empty());
    assert_eq!(scene.desk.run(&dan, &GetEscrow { id: escrow }), Err(EngineError::UnknownEscrow));
    assert_eq!(scene.try_open(&dan).unwrap_err(), EngineError::UnknownEscrow);
    let eve = scene.desk.who("eve");
    let shown = scene.desk.run(&eve, &GetEscrow { id: escrow }).unwrap();
    let own: Vec<u8> = shown.holders.iter().filter(|one| one.share.is_some()).map(|one| one.index).collect();
    assert_eq!((own, shown.payload), (vec![3], None), "their own share, and not the payload");
}

#[test]
fn another_secret_takes_another_payload() {
    let mut scene = Scene::new();
    let (ann, escrow) = (scene.ann.clone(), scene.escrow());
    let mut other = Dealer::new(2, scene.desk.recovery_key());
    other.escrow = escrow;
    let refresh = other.refresh(2, &three());
    let refused = EngineError::EscrowInvalid(EscrowFault::OtherSecret);
    assert_eq!(scene.desk.run(&ann, &refresh).unwrap_err(), refused);
    let with_payload = RefreshEscrow { payload: Some(other.payload()), ..refresh };
    scene.desk.run(&ann, &with_payload).unwrap();
    let shown = scene.desk.run(&ann, &GetEscrow { id: escrow }).unwrap();
    assert_eq!(shown.payload, with_payload.payload);
}

#[test]
fn the_quorum_stays_within_the_holders() {
    let mut scene = Scene::new();
    let ann = scene.ann.clone();
    let refresh = scene.dealer.refresh(2, &[account("bob"), HolderKind::Paper]);
    let refused = EngineError::EscrowInvalid(EscrowFault::Policy { field: "quorum" });
    assert_eq!(scene.desk.run(&ann, &refresh).unwrap_err(), refused);
}

#[test]
fn only_the_owner_refreshes_and_deletes() {
    let mut scene = Scene::new();
    let (ann, bob, id) = (scene.ann.clone(), scene.bob.clone(), scene.escrow());
    let refresh = scene.dealer.refresh(2, &three());
    assert_eq!(scene.desk.run(&bob, &refresh).unwrap_err(), EngineError::UnknownEscrow);
    assert_eq!(scene.desk.run(&bob, &DeleteEscrow { id }).unwrap_err(), EngineError::UnknownEscrow);
    assert_eq!(scene.desk.run(&ann, &GetEscrow { id }).unwrap().summary.epoch, 1);
}

#[test]
fn nothing_is_left_of_an_escrow_that_is_deleted() {
    let mut scene = Scene::new();
    let (ann, id) = (scene.ann.clone(), scene.escrow());
    let request = scene.open();
    scene.approve_twice(request);
    scene.desk.run(&ann, &DeleteEscrow { id }).unwrap();
    assert_eq!(b"01234".map(|prefix| scene.desk.rows_under(prefix)), [0; 5]);
    assert_eq!(scene.collect(&ann, request), Err(EngineError::UnknownEscrow));
}

#[test]
fn an_account_that_is_erased_takes_its_escrows_along() {
    let mut scene = Scene::new();
    scene.open();
    let (ann, node) = (scene.ann.clone(), scene.desk.node());
    scene.desk.open_account(&ann);
    scene.desk.run(&ann, &EraseAccount { identity: None }).unwrap();
    while scene.desk.run(&node, &PurgeAccount { account: ann.account }).unwrap().more {}
    assert_eq!(b"01234".map(|prefix| scene.desk.rows_under(prefix)), [0; 5]);
}
