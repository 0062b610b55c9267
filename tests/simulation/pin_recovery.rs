//! Guesses at PINs while answers get lost and nodes die: no guess is ever given back (THREATS A-SHR-10).

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use futures_util::future::join_all;
use strongroom_engine::{
    EngineError,
    testing::recovery::{PinClient, at_once, realm, token},
};
use strongroom_primitives::{
    pin_recovery::{
        RecoveryRealmId,
        messages::{Answer, Done, Recover2Answer, Registration, Request},
        tenant_token::Scope,
    },
    secret::SecretText,
};
use strongroom_testkit::{Dice, Plan, World, seeds, simulate};

use crate::crash::gremlin;

const REALM: RecoveryRealmId = RecoveryRealmId::from_bytes([7; 16]);

/// A rough world with one realm on every node, over a sealed store.
fn rough(dice: &Dice) -> Plan {
    Plan { recovery: vec![realm(7, at_once())], encrypted: true, ..Plan::rough(dice) }
}

fn bob(world: &World) -> SecretText {
    token(&REALM, "bob", Scope::User, strongroom_engine::ports::Clock::wall(&world.clock(0)))
}

/// How long somebody waits for a node that may have died.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks some node; `None` if it is down, or says nothing for too long.
async fn ask(world: &World, node: usize, request: Request) -> Option<Result<Answer, EngineError>> {
    let handle = world.node(node)?;
    let user = match handle.recovery_user(&REALM, bob(world).expose()) {
        Ok(user) => user,
        Err(error) => return Some(Err(error)),
    };
    let within = Some(Duration::from_secs(2));
    tokio::time::timeout(PATIENCE, handle.recovery(user, request, within)).await.ok()
}

/// Registers until it is known to have happened.
async fn register(world: &World, kept: &Registration) {
    loop {
        let request = Request::Register2(Box::new(kept.clone()));
        match ask(world, 0, request).await {
            Some(Ok(Answer::Register2(Done::Ok))) => return,
            Some(Err(EngineError::Fault)) => panic!("an internal fault"),
            _ => world.wait(Duration::from_millis(50)).await,
        }
    }
}

/// 24 guesses at 3, on two or three nodes that die and come back, some of them sent twice: at most 3 are evaluated on all
/// nodes together, each under a count of its own, and in calm every node says that they are used.
#[test]
fn no_more_guesses_are_evaluated_than_allowed_whatever_happens() {
    const ALLOWED: u16 = 3;
    let (all, fewer) = (Cell::new(0_u32), Cell::new(0_u32));
    simulate(seeds(0..2_000), rough, async |world| {
        let dice = world.dice("guesses");
        let client = PinClient::new(REALM, world.seed);
        let kept = client.registration("1234", b"secret", ALLOWED);
        register(world, &kept).await;
        let checked = world.computed();
        let done = Cell::new(false);
        let counts = RefCell::new(Vec::new());
        let one = async |node: usize, request: Request| match ask(world, node, request).await {
            Some(Ok(Answer::Recover2(Recover2Answer::Ok(answered)))) => {
                counts.borrow_mut().push(answered.guess_count);
            }
            Some(Ok(Answer::Recover2(Recover2Answer::NoGuesses))) | None => {}
            Some(Ok(other)) => panic!("not an answer to that: {other:?}"),
            Some(Err(error)) => assert!(error != EngineError::Fault, "an internal fault"),
        };
        let guessing = async {
            join_all((0..24).map(async |_| {
                world.wait(dice.ms(0..=400)).await;
                let node = dice.index(world.node_count());
                let guess = client.guess(kept.version, "0000").expect("a short PIN");
                let again = dice.chance(30).then(|| Request::Recover2(guess));
                let twice = async {
                    if let Some(again) = again {
                        one(node, again).await;
                    }
                };
                futures_util::future::join(one(node, Request::Recover2(guess)), twice).await;
            }))
            .await;
            done.set(true);
        };
        futures_util::future::join(guessing, gremlin(world, &done)).await;

        world.calm();
        world.wait(Duration::from_secs(3)).await;
        // Also those whose answers were lost with their nodes: an evaluation that nobody saw is one all the same.
        let evaluated = world.computed() - checked;
        assert!(evaluated <= u64::from(ALLOWED), "{evaluated} guesses were evaluated");
        let mut counts = counts.into_inner();
        counts.sort_unstable();
        let told = counts.len();
        assert!(u64::try_from(told).expect("a few") <= evaluated);
        assert!(counts.iter().all(|count| (1..=ALLOWED).contains(count)), "{counts:?}");
        counts.dedup();
        assert_eq!(counts.len(), told, "two guesses were evaluated under one count");
        let highest = counts.last().copied().unwrap_or(0);
        for node in 0..world.node_count() {
            world.start(node).await;
            let handle = world.up(node);
            let user = handle.recovery_user(&REALM, bob(world).expose()).expect("a good token");
            let status = handle.recovery_status(user, None).await;
            let status = status.expect("in calm every node answers");
            assert!(status.no_guesses || status.guesses_used >= highest, "{status:?}, told of {counts:?}");
        }
        let tally = if told == usize::from(ALLOWED) { &all } else { &fewer };
        tally.set(tally.get() + 1);
    });
    assert!(all.get() > 0 && fewer.get() > 0, "the bad days were no bad days");
}

/// Guesses, right ones and deletions race; whoever was told of a right guess has it, and a wiped record stays wiped.
#[test]
fn between_two_right_guesses_no_more_are_evaluated_than_allowed() {
    simulate(seeds(5_000..5_200), rough, async |world| {
        let dice = world.dice("mixed");
        let client = PinClient::new(REALM, world.seed);
        let kept = client.registration("1234", b"secret", 2);
        register(world, &kept).await;
        let done = Cell::new(false);
        let wrong = Cell::new(0_u32);
        let right = Cell::new(0_u32);
        let running = async {
            join_all((0..8).map(async |n| {
                world.wait(dice.ms(0..=900)).await;
                let node = dice.index(world.node_count());
                let Some(handle) = world.node(node) else { return };
                let pin = if n == 0 { "1234" } else { "0000" };
                let token = bob(world);
                let recovered = tokio::time::timeout(3 * PATIENCE, client.recover(&handle, &token, pin));
                let Ok(recovered) = recovered.await else { return };
                match recovered {
                    Ok(Ok(secret)) => {
                        assert_eq!(secret.expose(), b"secret");
                        right.set(right.get() + 1);
                    }
                    Ok(Err(strongroom_primitives::pin_recovery::recovering::RecoverError::WrongPin {
                        ..
                    })) => wrong.set(wrong.get() + 1),
                    Ok(Err(_)) => {}
                    Err(error) => assert!(error != EngineError::Fault, "an internal fault"),
                }
            }))
            .await;
            done.set(true);
        };
        futures_util::future::join(running, gremlin(world, &done)).await;
        // One of them may be right and give both guesses back; the right one may itself be told late.
        assert!(wrong.get() <= 4, "{} wrong guesses were evaluated", wrong.get());
        assert!(right.get() <= 1);
    });
}
