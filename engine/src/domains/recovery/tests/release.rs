//! From a request to the secret, and all that stands between.

use super::*;
use crate::testing::escrows::SECRET;

#[test]
fn two_of_three_give_the_secret_back_after_the_delay() {
    let mut scene = Scene::new();
    let request = scene.open();
    assert_eq!(scene.state(request), RequestState::Open);
    let RequestState::Waiting { due } = scene.approve_twice(request) else { panic!("not waiting") };
    let ann = scene.ann.clone();
    assert_eq!(scene.collect(&ann, request), Err(EngineError::NotReleased { due: Some(due) }));
    scene.wait_until_due();
    assert_eq!(scene.desk.now, due);
    let release = scene.collect(&ann, request).unwrap();
    assert_eq!(scene.dealer.recover(request, &release, &[]).unwrap(), SECRET);
    assert_eq!(scene.state(request), RequestState::Released { until: release.until });
    assert_eq!(scene.collect(&ann, request), Ok(release), "again, the same");
}

/// A request that nobody, or too few, have approved gives nothing, however long one waits.
#[test]
fn fewer_than_the_quorum_release_nothing() {
    let mut scene = Scene::new();
    let request = scene.open();
    let (ann, bob) = (scene.ann.clone(), scene.bob.clone());
    assert_eq!(scene.collect(&ann, request), Err(EngineError::NotReleased { due: None }));
    scene.approve(&bob, request, 1).unwrap();
    scene.desk.wait(policy().window);
    assert_eq!(scene.collect(&ann, request), Err(EngineError::NotReleased { due: None }));
    scene.desk.wait(Duration::from_millis(1));
    assert_eq!(scene.collect(&ann, request), closed(RequestState::Lapsed));
}

/// The delay begins with the last approval that is needed, and a further one does not begin it again.
#[test]
fn the_delay_begins_with_the_last_needed_approval() {
    let mut scene = Scene::new();
    let request = scene.open();
    let (bob, cyd, dan) = (scene.bob.clone(), scene.cyd.clone(), scene.dan.clone());
    scene.approve(&bob, request, 1).unwrap();
    scene.desk.wait(Duration::from_secs(5_000));
    let waiting = scene.approve(&cyd, request, 2).unwrap();
    let begins = scene.desk.now.saturating_add(scene.desk.limits.deadline_default);
    assert_eq!(waiting, RequestState::Waiting { due: begins.saturating_add(policy().delay) });
    scene.desk.wait(Duration::from_secs(100));
    assert_eq!(scene.approve(&dan, request, 3), Ok(waiting));
}

/// A holder's lie is seen by the requester, who knows whose it was; the engine has nothing to open it with.
#[test]
fn a_bad_share_is_named_by_the_requester() {
    let mut scene = Scene::new();
    let request = scene.open();
    let (ann, bob, cyd) = (scene.ann.clone(), scene.bob.clone(), scene.cyd.clone());
    scene.approve(&bob, request, 1).unwrap();
    let other = Dealer::new(7, [0; 32]).plain(2, 3, 2);
    let lie = scene.dealer.approve_with(request, 2, &*other.expose());
    scene.desk.run(&cyd, &lie).unwrap();
    scene.wait_until_due();
    let release = scene.collect(&ann, request).unwrap();
    let refused = scene.dealer.recover(request, &release, &[]).unwrap_err();
    assert_eq!(refused, strongroom_primitives::sharing::SharingError::BadShare { index: 2 });
}

/// A-DEV-06: the owner's no holds at every moment before what was released is collected, the last one included.
#[test]
fn the_owner_vetoes_up_to_the_last_moment() {
    for steps in 0..4 {
        let mut scene = Scene::new();
        let request = scene.open();
        let (ann, bob, cyd) = (scene.ann.clone(), scene.bob.clone(), scene.cyd.clone());
        if steps > 0 {
            scene.approve(&bob, request, 1).unwrap();
        }
        if steps > 1 {
            scene.approve(&cyd, request, 2).unwrap();
        }
        if steps > 2 {
            scene.wait_until_due();
        }
        scene.veto(&ann, request).unwrap();
        assert_eq!(scene.state(request), RequestState::Vetoed);
        assert_eq!(scene.veto(&ann, request), Ok(()), "again is no error");
        scene.wait_until_due();
        assert_eq!(scene.collect(&ann, request), closed(RequestState::Vetoed));
        assert_eq!(scene.approve(&cyd, request, 2), closed(RequestState::Vetoed));
    }
}

/// What was collected cannot be taken back.
#[test]
fn a_veto_after_the_release_comes_too_late() {
    let mut scene = Scene::new();
    let request = scene.open();
    scene.approve_twice(request);
    scene.wait_until_due();
    let ann = scene.ann.clone();
    let until = scene.collect(&ann, request).unwrap().until;
    assert_eq!(scene.veto(&ann, request), closed(RequestState::Released { until }));
}

/// A-DEV-06: only the owner cancels.
#[test]
fn nobody_else_vetoes() {
    let mut scene = Scene::new();
    let request = scene.open();
    let (bob, eve) = (scene.bob.clone(), scene.desk.who("eve"));
    for who in [&bob, &eve] {
        assert_eq!(scene.veto(who, request), Err(EngineError::UnknownEscrow));
    }
    assert_eq!(scene.state(request), RequestState::Open);
}

#[test]
fn what_is_released_is_the_requesters_and_expires() {
    let mut scene = Scene::new();
    let bob = scene.bob.clone();
    let request = scene.try_open(&bob).unwrap().id;
    let (ann, cyd, dan) = (scene.ann.clone(), scene.cyd.clone(), scene.dan.clone());
    scene.approve(&cyd, request, 2).unwrap();
    scene.approve(&dan, request, 3).unwrap();
    scene.wait_until_due();
    for who in [&ann, &cyd] {
        assert_eq!(scene.collect(who, request), Err(EngineError::UnknownRecoveryRequest));
    }
    let release = scene.collect(&bob, request).unwrap();
    assert_eq!(scene.dealer.recover(request, &release, &[]).unwrap(), SECRET);
    scene.desk.wait(policy().collect);
    assert!(scene.collect(&bob, request).is_ok(), "at its last instant");
    scene.desk.wait(Duration::from_millis(1));
    assert_eq!(scene.collect(&bob, request), closed(RequestState::Expired));
    assert_eq!(scene.state(request), RequestState::Expired);
}

#[test]
fn what_is_not_collected_in_time_lapses() {
    let mut scene = Scene::new();
    let request = scene.open();
    scene.approve_twice(request);
    scene.wait_until_due();
    scene.desk.wait(policy().collect + Duration::from_millis(1));
    let ann = scene.ann.clone();
    assert_eq!(scene.collect(&ann, request), closed(RequestState::Lapsed));
}

/// The share of the server comes with every release, sealed to the requester, and counts for no approval.
#[test]
fn the_server_and_paper_make_the_secret_without_anybody_after_the_delay() {
    let kinds = [HolderKind::Server, HolderKind::Paper, account("bob")];
    let mut scene = Scene::of(&kinds, ReleasePolicy { quorum: 0, ..policy() });
    let request = scene.open();
    let ann = scene.ann.clone();
    assert!(matches!(scene.collect(&ann, request), Err(EngineError::NotReleased { due: Some(_) })));
    scene.wait_until_due();
    let release = scene.collect(&ann, request).unwrap();
    assert_eq!(release.shares.iter().map(|(index, _)| *index).collect::<Vec<u8>>(), [1]);
    let few = scene.dealer.recover(request, &release, &[]).unwrap_err();
    let threshold = 2;
    assert_eq!(few, strongroom_primitives::sharing::SharingError::TooFew { given: 1, threshold });
    let paper = scene.dealer.plain(2, 3, 2);
    assert_eq!(scene.dealer.recover(request, &release, &[paper]).unwrap(), SECRET);
    assert_eq!(scene.collect(&ann, request), Ok(release), "sealed once, not again");
}

/// A-DEV-01: the owner's own device goes on living while a thief asks: with this policy that is a veto.
#[test]
fn an_owner_who_is_seen_vetoes_by_that() {
    use strongroom_primitives::id::SessionId;

    use crate::{codec::encode, domains::sessions::StoredSeen, keyspace};

    let seen_by = |other: bool, before: bool, vetoes: bool| {
        let mut scene = Scene::of(&three(), ReleasePolicy { activity_vetoes: vetoes, ..policy() });
        let session = |number| SessionId::from_bytes([number; 16]);
        let thief = Principal { session: Some(session(1)), ..scene.ann.clone() };
        let request = scene.try_open(&thief).unwrap().id;
        let seen = session(if other { 2 } else { 1 });
        scene.desk.wait(Duration::from_secs(1));
        let at = if before { scene.desk.now.saturating_sub(Duration::from_secs(1)) } else { scene.desk.now };
        let key = keyspace::session_seen(thief.account, seen);
        scene.desk.place(key, encode(&StoredSeen { at }));
        scene.approve_twice(request);
        scene.wait_until_due();
        let collected = scene.collect(&thief, request).map(drop);
        assert_eq!(collected.is_err(), scene.state(request) == RequestState::Vetoed);
        collected
    };
    assert_eq!(seen_by(true, false, true), closed(RequestState::Vetoed));
    assert_eq!(seen_by(true, false, false), Ok(()), "where the policy says so");
    assert_eq!(seen_by(false, false, true), Ok(()), "the requester's own session");
    assert_eq!(seen_by(true, true, true), Ok(()), "before the request");
}

/// A-DEV-01: an owner with more sessions than may be opened by hand, those of API keys among them, is seen in each.
#[test]
fn an_owner_is_seen_in_the_last_of_many_sessions() {
    use strongroom_primitives::id::SessionId;

    use crate::{codec::encode, domains::sessions::StoredSeen, keyspace};

    let mut scene = Scene::of(&three(), ReleasePolicy { activity_vetoes: true, ..policy() });
    scene.desk.limits.sessions_max = 2;
    let session = |number: u8| SessionId::from_bytes([number; 16]);
    let thief = Principal { session: Some(session(1)), ..scene.ann.clone() };
    let before = scene.desk.now;
    let request = scene.try_open(&thief).unwrap().id;
    scene.desk.wait(Duration::from_secs(1));
    for number in 1..=8 {
        let at = if number == 8 { scene.desk.now } else { before };
        scene.desk.place(keyspace::session_seen(thief.account, session(number)), encode(&StoredSeen { at }));
    }
    scene.approve_twice(request);
    scene.wait_until_due();
    assert_eq!(scene.collect(&thief, request).map(drop), closed(RequestState::Vetoed));
}

/// A-DEV-01, A-DEV-06: an owner who signed in and out again was seen, and a thief who ends the owner's sessions hides
/// nothing by that.
#[test]
fn a_session_that_has_ended_was_seen() {
    use strongroom_primitives::id::SessionId;

    use crate::domains::sessions::{ExpireSession, IssueBearer, RevokeSession, RevokeSessions, TouchSession};

    /// What the thief gets if this happens to the owner's session while the request is under way.
    fn collected(happens: fn(&mut Scene, &Principal, SessionId)) -> Result<(), EngineError> {
        let mut scene = Scene::of(&three(), ReleasePolicy { activity_vetoes: true, ..policy() });
        let ann = scene.ann.clone();
        let [thief, owner] = [1_000_000, 3_000].map(|life| {
            let (identity, label) = (ann.identity().unwrap().clone(), String::new());
            let life = Some(Duration::from_secs(life));
            let issue = IssueBearer { identity, rights: crate::Rights::ALL, life, label };
            scene.desk.run(&ann, &issue).unwrap().session
        });
        let thief = Principal { session: Some(thief), ..ann };
        scene.desk.wait(Duration::from_secs(1));
        let request = scene.try_open(&thief).unwrap().id;
        scene.desk.wait(Duration::from_secs(1));
        happens(&mut scene, &thief, owner);
        scene.approve_twice(request);
        scene.wait_until_due();
        scene.collect(&thief, request).map(drop)
    }
    fn touch(scene: &mut Scene, who: &Principal, session: SessionId) {
        let node = scene.desk.node();
        scene.desk.run(&node, &TouchSession { account: who.account, session }).unwrap();
    }
    fn expire(scene: &mut Scene, who: &Principal, session: SessionId) {
        let node = scene.desk.node();
        scene.desk.wait(Duration::from_secs(3_000));
        scene.desk.run(&node, &ExpireSession { account: who.account, session }).unwrap();
        assert_eq!(scene.desk.rows_under(b'S'), 1, "it is gone");
    }

    let vetoed = closed(RequestState::Vetoed);
    assert_eq!(collected(|_, _, _| ()), Ok(()), "nobody used it");
    assert_eq!(collected(expire), Ok(()), "nor when it ended by itself");
    let signed_out = collected(|scene, thief, session| {
        let owner = Principal { session: Some(session), ..thief.clone() };
        scene.desk.run(&owner, &RevokeSession { identity: None, session: None }).unwrap();
    });
    assert_eq!(signed_out, vetoed);
    let hidden = collected(|scene, thief, session| {
        touch(scene, thief, session);
        let others = RevokeSessions { identity: None, keep_current: true };
        assert_eq!(scene.desk.run(thief, &others), Ok(1));
    });
    assert_eq!(hidden, vetoed);
    let used_and_expired = collected(|scene, thief, session| {
        touch(scene, thief, session);
        expire(scene, thief, session);
    });
    assert_eq!(used_and_expired, vetoed);
}

/// A-DEV-06: every step is told to the owner and to every holder, five of them each time there are three holders and one
/// owner; here four.
#[test]
fn every_step_is_told_to_everybody() {
    let mut scene = Scene::new();
    let request = scene.open();
    scene.approve_twice(request);
    scene.wait_until_due();
    let ann = scene.ann.clone();
    scene.collect(&ann, request).unwrap();
    let until = scene.desk.now.saturating_add(policy().collect);
    let mut told = scene.desk.events.iter().map(|event| match event {
        Event::EscrowPut { epoch, .. } => (None, u8::try_from(*epoch).unwrap()),
        Event::RecoveryChanged { state, approvals, .. } => (Some(*state), *approvals),
        other => panic!("{other:?}"),
    });
    let due = scene.desk.now;
    let steps = [
        (None, 1),
        (Some(RequestState::Open), 0),
        (Some(RequestState::Approved), 1),
        (Some(RequestState::Waiting { due }), 2),
        (Some(RequestState::Released { until }), 2),
    ];
    for step in steps {
        for _ in 0..4 {
            assert_eq!(told.next(), Some(step));
        }
    }
    assert_eq!(told.next(), None);
}
