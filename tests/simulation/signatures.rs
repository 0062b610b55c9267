//! A signature is taken once: across crashes, restarts and nodes, whatever the clocks say (A-MAC-02, F-10).
//!
//! Stores are encrypted and keys are of three kinds, so that a world takes a tenth of a second; `STRONGROOM_SEEDS=2000` is
//! for a machine that has nothing else to do.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use strongroom_engine::{
    Credential, EngineError, ErrorKind,
    domains::service_keys::{
        CheckServiceKey, CreateChain, CreateServiceKey, Dc1Facts, KeyInUse, MessageFacts, SignatureFault,
        SignedRequest, SignsWith, UpdateServiceKey,
    },
    testing::{
        messages::{MessageSigner, message},
        signing::Signer,
    },
};
use strongroom_primitives::{
    dc1::{
        KeyId,
        permissions::{Endpoint, PermissionsDocument},
    },
    http_signatures,
    time::Timestamp,
};
use strongroom_testkit::{Client, Dice, Plan, START_MS, World, seeds, simulate};

use crate::crash::gremlin;

const CHECK: CheckServiceKey = CheckServiceKey { endpoint: Endpoint::GET_STATUS };

/// A request as it travels.
#[derive(Clone)]
enum Facts {
    Dc1(Dc1Facts),
    Message(MessageFacts),
}

/// One arrival of a request.
fn arrival(facts: &Facts) -> Credential {
    Credential::Signed(match facts {
        Facts::Dc1(facts) => SignedRequest::dc1(facts.clone()),
        Facts::Message(facts) => SignedRequest::message(facts.clone()),
    })
}

/// Somebody who signs in one of the forms.
enum Holder {
    Dc1(Signer),
    Message(MessageSigner),
}

impl Holder {
    fn id(&self) -> &KeyId {
        match self {
            Self::Dc1(signer) => &signer.id,
            Self::Message(signer) => &signer.id,
        }
    }

    /// What may be taken once, all together: copies of a request, and of messages those with one nonce.
    fn once(&self, at: Timestamp, number: u16) -> Vec<Facts> {
        match self {
            Self::Dc1(signer) => vec![Facts::Dc1(signer.facts(at, number))],
            Self::Message(signer) => ["{}", ""]
                .map(|body| Facts::Message(signer.sign(message(body), at, number.into(), None)))
                .to_vec(),
        }
    }

    /// How long to look for a request that is taken again: until no clock of the simulation takes its time for the
    /// present one, nor any row is kept.
    fn watched(&self) -> Duration {
        match self {
            Self::Dc1(_) => Duration::from_secs(800),
            Self::Message(_) => Duration::from_secs(450),
        }
    }

    /// How far from the true time a client's clock may be to be in the window for a while.
    fn off_ms_max(&self) -> u64 {
        match self {
            Self::Dc1(_) => 500_000,
            Self::Message(_) => 40_000,
        }
    }
}

/// Holders of a key of each kind.
async fn holders(world: &World) -> [Holder; 3] {
    let root = root(world).await;
    let make = async |signs_with| {
        let create = CreateServiceKey {
            chain: Some(root.chain.clone()),
            permissions: Some(PermissionsDocument::for_root()),
            signs_with,
            ..CreateServiceKey::default()
        };
        MessageSigner::of(&world.insist(0, Credential::Operator, create).await, 1)
    };
    let hmac = make(SignsWith::HmacSha256).await;
    let ed25519 = make(MessageSigner::public(1)).await;
    [Holder::Dc1(root), Holder::Message(hmac), Holder::Message(ed25519)]
}

/// Whether one arrival was answered; every other end of it is a refusal that may be.
fn was_taken<R>(answer: Option<Result<R, EngineError>>) -> bool {
    match answer {
        None => false,
        Some(Ok(_)) => true,
        Some(Err(EngineError::SignatureRefused { fault })) => {
            const LATE: SignatureFault = SignatureFault::Message(http_signatures::Refusal::Created);
            let known = [SignatureFault::Replayed, SignatureFault::BeforeStart, LATE];
            assert!(known.contains(&fault), "{fault:?}");
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
fn client_time(world: &World, dice: &Dice, off_ms_max: u64) -> Timestamp {
    let now = true_time(world);
    match dice.below(4) {
        0 => now,
        1 => now.saturating_add(dice.ms(0..=3_000)),
        2 => now.saturating_add(dice.ms(0..=off_ms_max)),
        _ => now.saturating_sub(dice.ms(0..=off_ms_max)),
    }
}

/// Asks a node in calm until it is not too busy, with a new arrival each time.
async fn shown(world: &World, node: usize, facts: &Facts) -> Result<KeyInUse, EngineError> {
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
    let holders = holders(world).await;
    let dice = world.dice("client clocks");
    let holder_of = |number: usize| &holders[number % holders.len()];
    let requests: Vec<Vec<Facts>> = (0..)
        .take(REQUESTS)
        .map(|number| {
            let holder = holder_of(number.into());
            holder.once(client_time(world, &dice, holder.off_ms_max()), number)
        })
        .collect();
    let counts = RefCell::new([0_usize; REQUESTS]);
    let done = Cell::new(false);
    let showing = async {
        let clients: Vec<Client<'_>> = (0..6).map(|_| world.client_with(Credential::Anonymous)).collect();
        futures_util::future::join_all(clients.iter().map(async |client| {
            for _ in 0..5 {
                world.wait(client.dice().ms(0..=400)).await;
                let number = client.dice().index(REQUESTS);
                let by = world.client_with(arrival(client.dice().pick(&requests[number])));
                let node = client.any_node();
                let was_taken = if client.dice().chance(50) {
                    was_taken(by.ask(node, None, CHECK.clone()).await)
                } else {
                    let name = Some(number.to_string());
                    let id = holder_of(number).id().clone();
                    let rename = UpdateServiceKey { nickname: name, ..UpdateServiceKey::of(id) };
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
        for (number, copies) in requests.iter().enumerate() {
            for node in 0..world.node_count() {
                let answer = shown(world, node, dice.pick(copies)).await;
                counts.borrow_mut()[number] += usize::from(was_taken(Some(answer)));
            }
        }
        world.wait(Duration::from_secs(2)).await;
    }
    for (number, count) in counts.borrow().iter().enumerate() {
        assert!(*count <= 1, "request {number} was taken {count} times");
    }
    // Nobody is shut out: a few seconds after the start a new signature is good on every node.
    for (number, node) in (100..).zip(0..world.node_count()) {
        for holder in &holders {
            let new = holder.once(true_time(world), number);
            assert_eq!(shown(world, node, &new[0]).await.map(|key| key.id), Ok(holder.id().clone()));
        }
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
    let (worlds, taken) = (Cell::new(0), Cell::new(0));
    simulate(seeds(0..600), shared, async |world| {
        worlds.set(worlds.get() + 1);
        everybody_shows_everything(world, &taken).await;
    });
    assert!(2 * taken.get() > worlds.get(), "the bad days left nothing to take");
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
    let (worlds, taken) = (Cell::new(0), Cell::new(0));
    simulate(seeds(100_000..100_600), alone, async |world| {
        worlds.set(worlds.get() + 1);
        everybody_shows_everything(world, &taken).await;
    });
    assert!(2 * taken.get() > worlds.get(), "the bad days left nothing to take");
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
    simulate(seeds(200_000..200_090), apart, async |world| {
        let dice = world.dice("steps");
        let holders = holders(world).await;
        let holder = dice.pick(&holders);
        let nodes = world.node_count();
        world.wait(Duration::from_secs(5)).await;
        let ahead = dice.ms(0..=holder.off_ms_max());
        let copies = holder.once(true_time(world).saturating_add(ahead), 0);
        shown(world, 0, dice.pick(&copies)).await.expect("its time is the present one");
        let begun = world.now();
        while world.now() - begun < ahead + holder.watched() {
            world.wait(dice.ms(1_000..=40_000)).await;
            if dice.chance(20) {
                world.restart(dice.index(nodes)).await;
            }
            if dice.chance(20) {
                world.clock(dice.index(nodes)).set_off_by_ms(*dice.pick(&[-60_000, 0, 60_000]));
            }
            let node = dice.index(nodes);
            let again = shown(world, node, dice.pick(&copies)).await;
            assert!(matches!(again, Err(EngineError::SignatureRefused { .. })), "node {node}: {again:?}");
        }
    });
}
