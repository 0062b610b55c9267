//! Who may ask, who may approve, how often and how many.

use bytes::Bytes;

use super::*;
use crate::testing::escrows::signer;

/// A-KEY-02: to strangers there is no escrow.
#[test]
fn strangers_are_told_that_there_is_nothing() {
    let mut scene = Scene::new();
    let request = scene.open();
    let (eve, escrow) = (scene.desk.who("eve"), scene.escrow());
    let nothing = EngineError::UnknownEscrow;
    assert_eq!(scene.try_open(&eve).unwrap_err(), nothing);
    assert_eq!(scene.approve(&eve, request, 1).unwrap_err(), nothing);
    assert_eq!(scene.collect(&eve, request).unwrap_err(), nothing);
    assert_eq!(scene.desk.run(&eve, &GetEscrow { id: escrow }).unwrap_err(), nothing);
    assert_eq!(scene.desk.run(&eve, &GetRequest { escrow, request }).unwrap_err(), nothing);
    assert_eq!(scene.desk.run(&eve, &ListRequests { escrow }).unwrap_err(), nothing);
    assert_eq!(scene.desk.run(&eve, &DeleteEscrow { id: escrow }).unwrap_err(), nothing);
    // The same name in another realm is somebody else.
    let bob = scene.desk.who_of("other", "bob");
    assert_eq!(scene.desk.run(&bob, &GetEscrow { id: escrow }).unwrap_err(), nothing);
}

/// A-DEV-02: who approves is who is signed in.
#[test]
fn a_holder_gives_their_own_share_only_and_once() {
    let mut scene = Scene::new();
    let request = scene.open();
    let (ann, bob, cyd) = (scene.ann.clone(), scene.bob.clone(), scene.cyd.clone());
    for (who, index) in [(&cyd, 1), (&ann, 1), (&bob, 2)] {
        assert_eq!(scene.approve(who, request, index), Err(EngineError::NotYourShare { index }));
    }
    for index in [0, 4, 255] {
        let wrong = ApproveRequest { index, ..scene.approval(request, 1) };
        assert_eq!(scene.desk.run(&bob, &wrong), Err(EngineError::NotYourShare { index }));
    }
    assert_eq!(scene.approve(&bob, request, 1), Ok(RequestState::Approved));
    assert_eq!(scene.approve(&bob, request, 1), Err(EngineError::AlreadyApproved { index: 1 }));
    assert_eq!(scene.state(request), RequestState::Approved, "a replay counts for nothing");
}

#[test]
fn nobody_approves_their_own_request() {
    let mut scene = Scene::new();
    let bob = scene.bob.clone();
    let request = scene.try_open(&bob).unwrap().id;
    assert_eq!(scene.approve(&bob, request, 1), Err(EngineError::NotYourShare { index: 1 }));
}

#[test]
fn an_approval_has_the_size_of_a_sealed_share() {
    let mut scene = Scene::new();
    let request = scene.open();
    let bob = scene.bob.clone();
    for bytes in [0, 80, 82, 810] {
        let wrong = ApproveRequest { sealed: vec![1; bytes].into(), ..scene.approval(request, 1) };
        let refused = EngineError::FieldSize { field: "sealed", bytes, max: 81 };
        assert_eq!(scene.desk.run(&bob, &wrong), Err(refused));
    }
}

/// A session of the owner's proves no device: a signature does, and only over this very approval.
#[test]
fn a_device_approves_by_its_signature() {
    let kinds = [device(1), account("cyd"), device(3)];
    let mut scene = Scene::of(&kinds, policy());
    let request = scene.open();
    let (ann, cyd) = (scene.ann.clone(), scene.cyd.clone());
    let refused = Err(EngineError::NotYourShare { index: 1 });
    let good = signed(scene.approval(request, 1));
    let unsigned = ApproveRequest { signature: None, ..good.clone() };
    let empty = ApproveRequest { signature: Some(Bytes::new()), ..good.clone() };
    let other_text = ApproveRequest { sealed: vec![1; 81].into(), ..good.clone() };
    let of_another = ApproveRequest {
        signature: signed(ApproveRequest { index: 3, ..good.clone() }).signature,
        ..good.clone()
    };
    for wrong in [unsigned, empty, other_text, of_another] {
        assert_eq!(scene.desk.run(&ann, &wrong).map(drop), refused);
    }
    assert_eq!(scene.desk.run(&cyd, &good).map(drop), refused, "through the owner's sign-in only");
    scene.desk.run(&ann, &good).unwrap();
    // For another request the same signature is worth nothing.
    let another = scene.open();
    assert_eq!(scene.desk.run(&ann, &ApproveRequest { request: another, ..good }).map(drop), refused);
    assert!(signer(1).verifying_key() != signer(3).verifying_key());
}

#[test]
fn paper_and_the_server_approve_nothing() {
    let kinds = [HolderKind::Server, HolderKind::Paper, account("bob"), account("cyd")];
    let mut scene = Scene::of(&kinds, policy());
    let request = scene.open();
    let ann = scene.ann.clone();
    for index in [1, 2] {
        let approval = scene.dealer.approve_with(request, index, &[1; 33]);
        for approval in [approval.clone(), signed(approval)] {
            assert_eq!(scene.desk.run(&ann, &approval).map(drop), Err(EngineError::NotYourShare { index }));
        }
    }
}

#[test]
fn as_many_requests_are_under_way_as_the_policy_says() {
    let mut scene = Scene::of(&three(), ReleasePolicy { open_requests_max: 2, ..policy() });
    let (ann, bob) = (scene.ann.clone(), scene.bob.clone());
    let first = scene.open();
    scene.try_open(&bob).unwrap();
    let full = EngineError::QuotaExceeded { what: Quota::RecoveryRequests, max: 2 };
    assert_eq!(scene.try_open(&ann).unwrap_err(), full);
    scene.veto(&ann, first).unwrap();
    scene.desk.wait(Duration::from_millis(1));
    scene.try_open(&ann).unwrap();
    assert_eq!(scene.try_open(&ann).unwrap_err(), full);
    scene.desk.wait(policy().window + Duration::from_millis(1));
    scene.try_open(&ann).unwrap();
}

#[test]
fn who_has_asked_waits_before_they_ask_again() {
    let cooldown = Duration::from_secs(600);
    let mut scene = Scene::of(&three(), ReleasePolicy { cooldown, ..policy() });
    let (ann, bob) = (scene.ann.clone(), scene.bob.clone());
    let request = scene.open();
    scene.veto(&ann, request).unwrap();
    scene.desk.wait(Duration::from_secs(599));
    let retry_after = Duration::from_secs(1);
    assert_eq!(scene.try_open(&ann).unwrap_err(), EngineError::CoolingDown { retry_after });
    scene.try_open(&bob).unwrap();
    scene.desk.wait(retry_after);
    scene.try_open(&ann).unwrap();
}

/// A cooldown that is longer than requests are kept is kept all the same, also when others ask meanwhile.
#[test]
fn a_cooldown_outlives_its_request() {
    let month = Duration::from_secs(30 * 24 * 60 * 60);
    let mut scene = Scene::of(&three(), ReleasePolicy { cooldown: month, ..policy() });
    assert!(scene.desk.limits.recovery_request_retention * 10 < month);
    let (ann, bob) = (scene.ann.clone(), scene.bob.clone());
    let request = scene.open();
    scene.veto(&ann, request).unwrap();
    scene.desk.wait(month / 2);
    scene.try_open(&bob).unwrap();
    assert!(matches!(scene.try_open(&ann), Err(EngineError::CoolingDown { .. })));
    scene.desk.wait(month / 2);
    scene.try_open(&ann).unwrap();
}

/// Requests that are opened and vetoed without end take up no room without end.
#[test]
fn so_many_requests_are_kept_and_no_more() {
    let mut scene = Scene::new();
    scene.desk.limits.recovery_requests_kept_max = 5;
    let (ann, escrow) = (scene.ann.clone(), scene.escrow());
    for _ in 0..5 {
        let request = scene.open();
        scene.veto(&ann, request).unwrap();
        scene.desk.wait(Duration::from_millis(1));
    }
    let full = EngineError::QuotaExceeded { what: Quota::RecoveryRequests, max: 5 };
    assert_eq!(scene.try_open(&ann).unwrap_err(), full);
    assert_eq!(scene.desk.run(&ann, &ListRequests { escrow }).unwrap().len(), 5);
    scene.desk.wait(scene.desk.limits.recovery_request_retention);
    scene.open();
    assert_eq!(scene.desk.rows_under(b'3'), 1, "those before are gone");
    assert_eq!(scene.desk.run(&ann, &ListRequests { escrow }).unwrap().len(), 1);
}

#[test]
fn a_requesters_key_is_usable_and_their_reason_short() {
    let mut scene = Scene::new();
    let (ann, escrow) = (scene.ann.clone(), scene.escrow());
    let open = |public_key, reason: usize| OpenRequest { escrow, public_key, reason: "r".repeat(reason) };
    let key = *requester_secret().public().as_bytes();
    let refused = EngineError::EscrowInvalid(EscrowFault::RequesterKey);
    assert_eq!(scene.desk.run(&ann, &open([0; 32], 1)).unwrap_err(), refused);
    let max = REASON_BYTES_MAX;
    let long = EngineError::FieldSize { field: "reason", bytes: max + 1, max };
    assert_eq!(scene.desk.run(&ann, &open(key, max + 1)).unwrap_err(), long);
    assert!(scene.desk.run(&ann, &open(key, max)).is_ok());
}

/// The sweeper says what time has done, and throws away what was sealed.
#[test]
fn the_end_of_a_request_is_told_once() {
    let mut scene = Scene::new();
    let request = scene.open();
    scene.approve_twice(request);
    let (node, end) = (scene.desk.node(), EndRequest { escrow: scene.escrow(), request });
    scene.desk.events.clear();
    scene.desk.run(&node, &end).unwrap();
    assert!(scene.desk.events.is_empty(), "its time is not over");
    scene.wait_until_due();
    scene.desk.wait(policy().collect + Duration::from_millis(1));
    for _ in 0..2 {
        scene.desk.run(&node, &end).unwrap();
    }
    let lapsed = |event: &Event| {
        matches!(event, Event::RecoveryChanged { state: RequestState::Lapsed, approvals: 2, .. })
    };
    assert!(scene.desk.events.len() == 4 && scene.desk.events.iter().all(lapsed));
    assert_eq!(scene.state(request), RequestState::Lapsed);
    let unknown = RecoveryRequestId::from_bytes([9; 16]);
    assert_eq!(scene.desk.run(&node, &EndRequest { request: unknown, ..end }), Ok(()));
}
