//! Delays that no clock shortens (THREATS F-10, F-11).

use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// F-10: a node whose clock is a day ahead gives nothing out that the store has not been told it is time for.
#[test]
fn a_clock_that_jumps_ahead_releases_nothing() {
    let mut scene = Scene::new();
    let request = scene.open();
    let RequestState::Waiting { due } = scene.approve_twice(request) else { panic!("not waiting") };
    let ann = scene.ann.clone();
    scene.desk.store_time = Some(due.saturating_sub(Duration::from_millis(1)));
    scene.desk.now = due;
    assert_eq!(scene.collect(&ann, request), Err(EngineError::NotReleased { due: Some(due) }));
    scene.desk.store_time = Some(due);
    scene.collect(&ann, request).unwrap();
}

/// A store that nobody writes to is told the time by whoever asks in vain.
#[test]
fn asking_in_vain_tells_the_store_the_time() {
    let mut scene = Scene::new();
    let request = scene.open();
    let RequestState::Waiting { due } = scene.approve_twice(request) else { panic!("not waiting") };
    let (ann, key) =
        (scene.ann.clone(), crate::keyspace::recovery_request(scene.ann.account, scene.escrow(), request));
    let row = scene.desk.raw(&key);
    scene.desk.store_time = Some(scene.desk.now);
    let writes = |scene: &mut Scene| {
        let before = scene.desk.writes();
        assert_eq!(scene.collect(&ann, request), Err(EngineError::NotReleased { due: Some(due) }));
        scene.desk.writes() - before
    };
    assert_eq!(writes(&mut scene), 0, "by our own clock it is too early as well");
    scene.desk.now = due;
    assert!(writes(&mut scene) > 0);
    assert_eq!(scene.desk.raw(&key), row, "and nothing changes");
}

/// F-11: a clock that is ahead while a request is approved does not put its release off for as long.
#[test]
fn a_clock_that_was_ahead_delays_by_little() {
    let mut scene = Scene::new();
    let request = scene.open();
    let told = scene.desk.now;
    scene.desk.store_time = Some(told);
    // Within the window, or the node would take the request for over.
    scene.desk.wait(policy().window);
    let RequestState::Waiting { due } = scene.approve_twice(request) else { panic!("not waiting") };
    let slack = Duration::from_secs(62) + scene.desk.limits.deadline_default;
    assert_eq!(due, told.saturating_add(slack + policy().delay));
}

/// F-11: a clock that is behind does not begin a delay in the past.
#[test]
fn a_clock_that_is_behind_shortens_nothing() {
    let mut scene = Scene::new();
    let request = scene.open();
    let told = scene.desk.now.saturating_add(Duration::from_secs(600));
    scene.desk.store_time = Some(told);
    let RequestState::Waiting { due } = scene.approve_twice(request) else { panic!("not waiting") };
    assert!(due >= told.saturating_add(policy().delay));
}

/// F-10: a cooldown runs by the time of the store as well.
#[test]
fn a_clock_that_jumps_ahead_ends_no_cooldown() {
    let mut scene = Scene::of(&three(), ReleasePolicy { cooldown: DAY, ..policy() });
    let request = scene.open();
    let ann = scene.ann.clone();
    scene.veto(&ann, request).unwrap();
    scene.desk.store_time = Some(scene.desk.now);
    scene.desk.wait(DAY * 2);
    assert!(matches!(scene.try_open(&ann), Err(EngineError::CoolingDown { .. })));
}

/// F-10: a node whose clock is ahead ends no request that the store knows to be under way.
#[test]
fn a_clock_that_jumps_ahead_ends_no_request() {
    let mut scene = Scene::new();
    let request = scene.open();
    let (node, end) = (scene.desk.node(), EndRequest { escrow: scene.escrow(), request });
    let opened = scene.desk.now;
    scene.desk.store_time = Some(opened);
    scene.desk.wait(DAY);
    scene.desk.run(&node, &end).unwrap();
    scene.desk.now = opened;
    assert_eq!(scene.state(request), RequestState::Open);
}

/// F-11: what is decided holds only if the store takes it in time: soon, and while the request is under way.
#[test]
fn a_decision_that_the_store_takes_late_is_none() {
    let mut scene = Scene::new();
    let (ann, bob, cyd) = (scene.ann.clone(), scene.bob.clone(), scene.cyd.clone());
    let request = scene.open();
    let soon = |scene: &Scene| scene.desk.now.saturating_add(scene.desk.limits.deadline_default);
    assert_eq!(scene.desk.not_after, Some(soon(&scene)));
    let ends = scene.desk.now.saturating_add(policy().window);
    scene.desk.now = ends.saturating_sub(Duration::from_secs(1));
    scene.approve(&bob, request, 1).unwrap();
    assert_eq!(scene.desk.not_after, Some(ends), "while it gathers approvals");
    let RequestState::Waiting { due } = scene.approve(&cyd, request, 2).unwrap() else {
        panic!("not waiting")
    };
    let ends = due.saturating_add(policy().collect);
    scene.desk.now = ends.saturating_sub(Duration::from_secs(1));
    scene.collect(&ann, request).unwrap();
    assert_eq!(scene.desk.not_after, Some(ends), "while it can be collected");
}
