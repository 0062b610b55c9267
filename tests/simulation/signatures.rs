//! A signature is taken once: across crashes, restarts and nodes, whatever the clocks say (A-MAC-02, F-10).

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use strongroom_engine::{
    Credential, EngineError, ErrorKind,
    domains::service_keys::{
        CheckServiceKey, CreateChain, Dc1Facts, KeyInUse, SignatureFault, SignedRequest, UpdateServiceKey,
    },
    testing::signing::Signer,
};
use strongroom_primitives::{dc1::permissions::Endpoint, time::Timestamp};
use strongroom_testkit::{Client, Dice, Plan, START_MS, World, seeds, simulate};

use crate::crash::gremlin;

const CHECK: CheckServiceKey = CheckServiceKey { endpoint: Endpoint::GET_STATUS };

/// One arrival of a request.
fn arrival(facts: &Dc1Facts) -> Credential {
    Credential::Signed(SignedRequest::dc1(facts.clone()))
}

/// Whether one arrival was answered; every other end of it is a refusal that may be.
fn was_taken<R>(answer: Option<Result<R, EngineError>>) -> bool {
    match answer {
        None => false,
        Some(Ok(_)) => true,
        Some(Err(EngineError::SignatureRefused { fault })) => {
            assert!(matches!(fault, SignatureFault::Replayed | SignatureFault::BeforeStart), "{fault:?}");
            false
        }
        Some(Err(error)) => {
            assert!(
                matches!(error.kind(), ErrorKind::Busy | ErrorKind::Fault) && error != EngineError::Fault
            );
            false
        }
    }
}

async fn root(world: &World) -> Signer {
    Signer::root(&world.insist(0, Credential::Operator, CreateChain::default()).await)
}

fn true_time(world: &World) -> Timestamp {
    Timestamp::from_ms(START_MS).saturating_add(world.now())
}

/// The time of a client whose clock may be off.
fn client_time(world: &World, dice: &Dice) -> Timestamp {
    let now = true_time(world);
    match dice.below(4) {
        0 => now,
        1 => now.saturating_add(dice.ms(0..=3_000)),
        2 => now.saturating_add(dice.ms(0..=500_000)),
        _ => now.saturating_sub(dice.ms(0..=500_000)),
    }
}

/// Asks a node in calm until it is not too busy, with a new arrival each time.
async fn shown(world: &World, node: usize, facts: &Dc1Facts) -> Result<KeyInUse, EngineError> {
    loop {
        match world.up(node).ask(arrival(facts), CHECK.clone()).await {
            Err(error) if matches!(error.kind(), ErrorKind::Busy | ErrorKind::Fault) => {
                world.wait(Duration::from_millis(50)).await;
            }
            answer => return answer,
        }
    }
}

/// Many show copies of the same requests, some of which only look and some of which write, while nodes die; then all of
/// them start anew, and everything is shown again.
async fn everybody_shows_everything(world: &World, taken: &Cell<usize>) {
    const REQUESTS: usize = 4;
    let root = root(world).await;
    let dice = world.dice("client clocks");
    let facts: Vec<Dc1Facts> =
        (0..).take(REQUESTS).map(|number| root.facts(client_time(world, &dice), number)).collect();
    let counts = RefCell::new([0_usize; REQUESTS]);
    let done = Cell::new(false);
    let showing = async {
        let clients: Vec<Client<'_>> = (0..6).map(|_| world.client_with(Credential::Anonymous)).collect();
        futures_util::future::join_all(clients.iter().map(async |client| {
            for _ in 0..5 {
                world.wait(client.dice().ms(0..=400)).await;
                let number = client.dice().index(REQUESTS);
                let by = world.client_with(arrival(&facts[number]));
                let node = client.any_node();
                let was_taken = if client.dice().chance(50) {
                    was_taken(by.ask(node, None, CHECK.clone()).await)
                } else {
                    let name = Some(number.to_string());
                    let rename = UpdateServiceKey { nickname: name, ..UpdateServiceKey::of(root.id.clone()) };
                    was_taken(by.ask(node, None, rename).await)
                };
                counts.borrow_mut()[number] += usize::from(was_taken);
            }
        }))
        .await;
        done.set(true);
    };
    futures_util::future::join(showing, gremlin(world, &done)).await;
    taken.set(taken.get() + counts.borrow().iter().sum::<usize>());

    world.calm();
    for node in 0..world.node_count() {
        world.restart(node).await;
    }
    for _ in 0..2 {
        for (number, facts) in facts.iter().enumerate() {
            for node in 0..world.node_count() {
                let answer = shown(world, node, facts).await;
                counts.borrow_mut()[number] += usize::from(was_taken(Some(answer)));
            }
        }
        world.wait(Duration::from_secs(2)).await;
    }
    for (number, count) in counts.borrow().iter().enumerate() {
        assert!(*count <= 1, "request {number} was taken {count} times");
    }
    // Nobody is shut out: a few seconds after the start a new signature is good on every node.
    for (chance, node) in (100..).zip(0..world.node_count()) {
        let new = root.facts(true_time(world), chance);
        assert_eq!(shown(world, node, &new).await.map(|key| key.id), Ok(root.id.clone()));
    }
}

/// A-MAC-02: nodes that share a store take a signature once, on whichever of them it is shown.
#[test]
fn nodes_that_share_a_store_take_a_signature_once() {
    let shared = |dice: &Dice| {
        let mut plan = Plan::rough(dice);
        plan.encrypted = true;
        plan.limits.signatures_shared = true;
        plan
    };
    let taken = Cell::new(0);
    simulate(seeds(0..2_000), shared, async |world| everybody_shows_everything(world, &taken).await);
    assert!(taken.get() > 1_000, "the bad days left nothing to take");
}

/// A-MAC-02: an engine that has its store to itself takes a signature once, however often it dies and starts again.
#[test]
fn an_engine_alone_takes_a_signature_once() {
    let alone = |dice: &Dice| {
        let mut plan = Plan::rough(dice);
        plan.encrypted = true;
        plan.clocks_off_by_ms.truncate(1);
        plan
    };
    let taken = Cell::new(0);
    simulate(seeds(100_000..102_000), alone, async |world| everybody_shows_everything(world, &taken).await);
    assert!(taken.get() > 1_000, "the bad days left nothing to take");
}

/// A-MAC-02, A-MAC-03, F-10: clocks that are apart or step, starts and the sweeper: no signature is forgotten while its
/// time could be the present one.
#[test]
fn no_signature_is_forgotten_while_it_could_be_used() {
    let apart = |dice: &Dice| {
        let mut plan = Plan::calm(if dice.chance(50) { 1 } else { 3 }).with_latency_ms(0..=20);
        let nodes = plan.clocks_off_by_ms.len();
        plan.clocks_off_by_ms = vec![0, 60_000, -60_000][..nodes].to_vec();
        plan.encrypted = true;
        plan.limits.signatures_shared = nodes > 1;
        plan.limits.sweep_interval = dice.ms(500..=5_000);
        plan
    };
    simulate(seeds(200_000..200_060), apart, async |world| {
        let dice = world.dice("steps");
        let root = root(world).await;
        let nodes = world.node_count();
        world.wait(Duration::from_secs(5)).await;
        let ahead = dice.ms(0..=500_000);
        let facts = root.facts(true_time(world).saturating_add(ahead), 0);
        shown(world, 0, &facts).await.expect("its time is the present one");
        let begun = world.now();
        while world.now() - begun < ahead + Duration::from_secs(800) {
            world.wait(dice.ms(1_000..=40_000)).await;
            if dice.chance(20) {
                world.restart(dice.index(nodes)).await;
            }
            if dice.chance(20) {
                world.clock(dice.index(nodes)).set_off_by_ms(*dice.pick(&[-60_000, 0, 60_000]));
            }
            let node = dice.index(nodes);
            let again = shown(world, node, &facts).await;
            assert!(matches!(again, Err(EngineError::SignatureRefused { .. })), "node {node}: {again:?}");
        }
    });
}
