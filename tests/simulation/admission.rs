//! Spending admission tokens while answers get lost and nodes die: exactly one admission per token (THREATS A-TOK).

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use strongroom_engine::{
    Asking, Credential, EngineError,
    domains::admission::{Admitted, IssueToken, SpendToken, TokenIssued},
    feed::Event,
    testing::Desk,
};
use strongroom_primitives::{
    id::{Audience, IdempotencyKey},
    secret::SecretText,
    time::Timestamp,
};
use strongroom_storage::{Key, Range, Storage};
use strongroom_testkit::{Client, Dice, Plan, START_MS, World, seeds, simulate};

use crate::crash::gremlin;

fn vault() -> Audience {
    Audience::new("vault").expect("a good audience")
}

/// How one try to be admitted ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Try {
    Admitted,
    Spent,
    /// The answer was lost, or is that nobody knows: it may have happened.
    Unknown,
    /// Nothing happened.
    Nothing,
}

/// Shows the token until somebody says something definite, or leaves the matter open. A try that is repeated has the
/// same idempotency key, if there is one.
async fn show(world: &World, client: &Client<'_>, token: &SecretText, key: Option<&IdempotencyKey>) -> Try {
    let mut open = false;
    for _ in 0..4 {
        let spend = SpendToken { token: token.clone(), audience: vault() };
        match client.ask(client.any_node(), key.cloned(), spend).await {
            None | Some(Err(EngineError::OutcomeUnknown)) => open = true,
            Some(Ok(Admitted { identity, .. })) => {
                assert_eq!(identity, world.identity("ann"));
                return Try::Admitted;
            }
            // Without a key, "spent" after a lost answer may be one's own doing.
            Some(Err(EngineError::TokenSpent)) if open && key.is_none() => return Try::Unknown,
            Some(Err(EngineError::TokenSpent)) => return Try::Spent,
            Some(Err(EngineError::TokenRefused)) => panic!("a good token was refused"),
            Some(Err(error)) => assert!(error != EngineError::Fault, "an internal fault"),
        }
        world.wait(client.dice().ms(0..=300)).await;
    }
    if open { Try::Unknown } else { Try::Nothing }
}

async fn issued(world: &World) -> TokenIssued {
    world.insist(0, world.gateway("ann"), IssueToken { audience: vault() }).await
}

/// A-TOK-02, A-TOK-03: of many who show one token on several nodes, some signed in as its user and some not, exactly one
/// is admitted, though requests are lost and doubled and nodes die between spending and answering. Whoever repeats a try
/// under an idempotency key is told what it came to.
#[test]
fn one_token_admits_exactly_once_whatever_happens() {
    let (admitted, unknown) = (Cell::new(0_u32), Cell::new(0_u32));
    simulate(seeds(0..2_000), Plan::rough, async |world| {
        let token = issued(world).await.token;
        let done = Cell::new(false);
        let tries = RefCell::new(Vec::new());
        let showing = async {
            let clients = (0..6).map(|n| match n % 3 {
                0 => world.client_with(Credential::Anonymous),
                _ => world.client("ann"),
            });
            let clients: Vec<Client<'_>> = clients.collect();
            futures_util::future::join_all(clients.iter().map(async |client| {
                world.wait(client.dice().ms(0..=600)).await;
                let key = client.dice().chance(50).then(|| IdempotencyKey::from_bytes(client.dice().bytes()));
                // The request arrives twice.
                let (one, other) =
                    futures_util::future::join(show(world, client, &token, key.as_ref()), async {
                        if key.is_some() && client.dice().chance(30) {
                            return show(world, client, &token, key.as_ref()).await;
                        }
                        Try::Nothing
                    })
                    .await;
                let pair = (&one, &other);
                assert!(
                    !matches!(pair, (Try::Admitted, Try::Spent) | (Try::Spent, Try::Admitted)),
                    "a copy was told something else"
                );
                match (one, other) {
                    // One request, one effect: the copy gets the answer of the first.
                    (Try::Admitted, _) | (_, Try::Admitted) => tries.borrow_mut().push(Try::Admitted),
                    (Try::Unknown, _) | (_, Try::Unknown) => tries.borrow_mut().push(Try::Unknown),
                    (one, _) => tries.borrow_mut().push(one),
                }
            }))
            .await;
            done.set(true);
        };
        futures_util::future::join(showing, gremlin(world, &done)).await;

        world.calm();
        world.wait(Duration::from_secs(2)).await;
        let tries = tries.into_inner();
        let told = tries.iter().filter(|one| **one == Try::Admitted).count();
        assert!(told <= 1, "{tries:?}");
        // In calm, the token says what has become of it, the same on every node.
        let spent = world.persist(0, world.gateway("ann"), IssueToken { audience: vault() }).await.is_err();
        assert!(spent || told == 0, "whoever was told of an admission was admitted: {tries:?}");
        assert!(spent || !tries.contains(&Try::Spent), "nobody is told that it was spent before it is");
        assert!(!spent || told == 1 || tries.contains(&Try::Unknown), "somebody was admitted: {tries:?}");
        if !spent {
            let spend = SpendToken { token: token.clone(), audience: vault() };
            assert!(
                world.persist(0, Credential::Anonymous, spend).await.is_ok(),
                "what was not spent is good"
            );
        }
        for node in 0..world.node_count() {
            let again = SpendToken { token: token.clone(), audience: vault() };
            let answer = world.persist(node, Credential::Anonymous, again).await;
            assert_eq!(answer.err(), Some(EngineError::TokenSpent));
            let feed = world.feed(node, "ann").await;
            let admissions = feed.iter().filter(|(_, event)| matches!(event, Event::TokenSpent { .. }));
            assert_eq!(admissions.count(), 1, "the account was told of one admission");
        }
        admitted.set(admitted.get() + u32::try_from(told).unwrap_or(0));
        unknown.set(unknown.get() + u32::from(tries.contains(&Try::Unknown)));
    });
    assert!(admitted.get() > 0 && unknown.get() > 0, "the bad days were no bad days");
}

/// A-TOK-03: a spending whose answer was lost, repeated under its idempotency key, gets the first answer.
#[test]
fn a_repeated_try_gets_its_first_answer() {
    let deaf = |dice: &Dice| {
        let mut plan = Plan::rough(dice);
        plan.faults.reply_lost = 0.5;
        plan
    };
    simulate(seeds(10_000..10_300), deaf, async |world| {
        let token = issued(world).await.token;
        let device = world.client("ann");
        let key = IdempotencyKey::from_bytes(device.dice().bytes());
        let first = show(world, &device, &token, Some(&key)).await;
        assert!(matches!(first, Try::Admitted | Try::Unknown | Try::Nothing), "{first:?}");
        world.calm();
        for node in 0..world.node_count() {
            let spend = SpendToken { token: token.clone(), audience: vault() };
            let asking = Asking { idempotency: Some(key.clone()), ..device.credential().into() };
            let answer = world.persist(node, asking, spend).await;
            assert_eq!(answer.map(|admitted| admitted.identity), Ok(world.identity("ann")));
        }
    });
}

/// A-TOK-09, F-10, F-11: a token that has expired stays expired, however far the clocks of nodes are off or step, and is
/// spent by nobody after that.
#[test]
fn a_token_that_has_expired_stays_expired() {
    let apart = |dice: &Dice| {
        let mut plan = Plan::calm(3).with_latency_ms(0..=20);
        plan.clocks_off_by_ms = vec![0, 300_000, -300_000];
        plan.limits.admission_token_life = dice.ms(1_000..=60_000);
        plan
    };
    simulate(seeds(20_000..20_200), apart, async |world| {
        let dice = world.dice("steps");
        let token = issued(world).await;
        let spend = SpendToken { token: token.token, audience: vault() };
        world.wait(Duration::from_secs(62)).await;
        // Something is written, so that the store knows of the time.
        world.insist(0, world.gateway("bob"), IssueToken { audience: vault() }).await;
        for _ in 0..6 {
            let node = dice.index(3);
            let day_ms = 24 * 60 * 60 * 1_000;
            world.clock(node).set_off_by_ms(*dice.pick(&[-day_ms, -3_600_000, -61_000]));
            if dice.chance(50) {
                world.restart(node).await;
            }
            world.wait(dice.ms(0..=3_000)).await;
            for node in 0..3 {
                let answer = world.up(node).ask(Credential::Anonymous, spend.clone()).await;
                let refused = matches!(answer, Err(EngineError::TokenRefused | EngineError::DeadlinePassed));
                assert!(refused, "node {node} answered {answer:?}");
            }
        }
    });
}

/// A-TOK-02, A-TOK-09: a token of another keystore has no row here before it is spent, and admits once all the same: on
/// nodes whose clocks are two minutes apart, under a sweeper that removes the mark once the token has expired.
#[test]
fn a_token_of_another_keystore_admits_exactly_once() {
    let apart = |dice: &Dice| {
        let mut plan = Plan::rough(dice);
        plan.clocks_off_by_ms = vec![0, 60_000, -60_000];
        plan.issuers = vec![Desk::of_store(2).as_issuer("acme")];
        plan
    };
    let admitted = Cell::new(0_u32);
    simulate(seeds(30_000..30_400), apart, async |world| {
        let mut keystore = Desk::of_store(2);
        keystore.now = Timestamp::from_ms(START_MS);
        keystore.limits.admission_token_life = world.dice("life").ms(75_000..=120_000);
        let ann = keystore.who("ann");
        let token = keystore.run(&ann, &IssueToken { audience: vault() }).expect("a token").token;
        let spend = SpendToken { token, audience: vault() };
        let (done, told) = (Cell::new(false), Cell::new(0_u32));
        let showing = async {
            let clients: Vec<Client<'_>> = (0..6).map(|_| world.client_with(Credential::Anonymous)).collect();
            futures_util::future::join_all(clients.iter().map(async |client| {
                for _ in 0..4 {
                    let answer = client.ask(client.any_node(), None, spend.clone()).await;
                    told.set(told.get() + u32::from(matches!(answer, Some(Ok(_)))));
                    world.wait(client.dice().ms(0..=400)).await;
                }
            }))
            .await;
            done.set(true);
        };
        futures_util::future::join(showing, gremlin(world, &done)).await;
        world.calm();
        for node in 0..world.node_count() {
            world.start(node).await;
        }
        let pauses = world.dice("pauses");
        // Past the end of the token by every clock, with the sweepers at work.
        while world.now() < Duration::from_secs(240) {
            for node in 0..world.node_count() {
                let answer = world.up(node).ask(Credential::Anonymous, spend.clone()).await;
                told.set(told.get() + u32::from(answer.is_ok()));
            }
            world.wait(pauses.ms(1_000..=20_000)).await;
        }
        // Nobody was told only where the answer to the one try that succeeded was lost.
        assert!(told.get() <= 1, "{} were admitted", told.get());
        let marks = Range::prefix(&Key::from_static(b"u"), 1);
        let marks = world.store().inner().scan(marks).await.expect("a store in calm answers");
        assert!(marks.rows.is_empty(), "the mark went with the token");
        admitted.set(admitted.get() + told.get());
    });
    assert!(admitted.get() > 0, "nobody was ever told");
}
