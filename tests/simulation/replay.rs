//! What may happen once and comes twice: sealed requests and sign-ins with API keys. The memory of them is rows, so it
//! holds on every node, over restarts, and while clocks are apart (THREATS A-API-04, A-API-11).

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use strongroom_engine::{
    Credential, EngineError, ErrorKind,
    domains::sessions::{ListSessions, RevokeSession, sealed::SpendNonces},
    testing::people::Holder,
};
use strongroom_testkit::{Client, Dice, Plan, World, seeds, simulate};

use crate::crash::gremlin;

const KEY: Holder = Holder { number: 1 };

/// How one try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Try {
    Taken,
    Replayed,
    /// The answer was lost, or is that nobody knows: it may have happened.
    Unknown,
    /// Nothing happened.
    Nothing,
}

fn verdict<R>(answer: Option<Result<R, EngineError>>) -> Try {
    match answer {
        None | Some(Err(EngineError::OutcomeUnknown)) => Try::Unknown,
        Some(Ok(_)) => Try::Taken,
        Some(Err(EngineError::NonceReplayed { .. } | EngineError::LoginReplayed)) => Try::Replayed,
        Some(Err(error)) => {
            let busy = matches!(error.kind(), ErrorKind::Busy | ErrorKind::Fault);
            assert!(busy && error != EngineError::Fault, "{error:?}");
            Try::Nothing
        }
    }
}

/// The tries of everybody, by what was tried.
#[derive(Default)]
struct Tries(RefCell<BTreeMap<u8, Vec<Try>>>);

impl Tries {
    fn note(&self, what: u8, how: Try) {
        self.0.borrow_mut().entry(what).or_default().push(how);
    }

    fn count(&self, what: u8, how: Try) -> usize {
        self.0.borrow().get(&what).map_or(0, |tries| tries.iter().filter(|one| **one == how).count())
    }

    /// Judges what everybody was told of one thing by whether it has `happened`, which is known in calm.
    fn judge(&self, what: u8, happened: bool) {
        let (taken, unknown) = (self.count(what, Try::Taken), self.count(what, Try::Unknown));
        assert!(taken <= 1, "{what} was taken {taken} times");
        assert!(happened || taken == 0, "{what} was taken and is forgotten");
        assert!(happened || self.count(what, Try::Replayed) == 0, "{what} was refused before it was taken");
        assert!(!happened || taken + unknown > 0, "{what} was used up by nobody");
    }
}

async fn restart_all(world: &World) {
    world.calm();
    for node in 0..world.node_count() {
        world.restart(node).await;
    }
}

/// A-API-11: of all who send a sealed request, with one session on several nodes, one is told that it was taken, and
/// after a restart every node knows which were.
#[test]
fn a_nonce_is_taken_once_whatever_happens() {
    const NONCES: u8 = 4;
    let (taken, unknown) = (Cell::new(0), Cell::new(0));
    simulate(seeds(0..2_000), Plan::rough, async |world| {
        let key = world.api_key("ann", KEY).await;
        let (_, session) = world.sign_in(KEY, key, 0).await;
        let spend = |number: u8| SpendNonces { body: Some([number; 24]), validator: None };
        let (tries, done) = (Tries::default(), Cell::new(false));
        let sending = async {
            let clients: Vec<Client<'_>> = (0..6).map(|_| world.client_with(session.clone())).collect();
            futures_util::future::join_all(clients.iter().map(async |client| {
                for _ in 0..NONCES {
                    world.wait(client.dice().ms(0..=300)).await;
                    let number = u8::try_from(client.dice().below(u64::from(NONCES))).unwrap_or(0);
                    let answer = client.ask(client.any_node(), None, spend(number)).await;
                    tries.note(number, verdict(answer));
                }
            }))
            .await;
            done.set(true);
        };
        futures_util::future::join(sending, gremlin(world, &done)).await;

        restart_all(world).await;
        world.wait(Duration::from_secs(2)).await;
        for number in 0..NONCES {
            let last = world.dice("last").index(world.node_count());
            let happened = world.persist(last, session.clone(), spend(number)).await.is_err();
            tries.judge(number, happened);
            for node in 0..world.node_count() {
                let again = world.persist(node, session.clone(), spend(number)).await;
                assert_eq!(again, Err(EngineError::NonceReplayed { validator: false }), "node {node}");
            }
            taken.set(taken.get() + tries.count(number, Try::Taken));
            unknown.set(unknown.get() + tries.count(number, Try::Unknown));
        }
    });
    assert!(taken.get() > 0 && unknown.get() > 0, "the bad days were no bad days");
}

/// A-API-04: one signed sign-in opens one session, whoever shows it, wherever and when; also when that session has long
/// ended and every node has been restarted.
#[test]
fn a_sign_in_is_taken_once_for_good() {
    let (taken, unknown) = (Cell::new(0), Cell::new(0));
    let rough = |dice: &Dice| {
        let mut plan = Plan::rough(dice);
        plan.limits.sweep_interval = Duration::from_secs(30);
        plan
    };
    simulate(seeds(100_000..102_000), rough, async |world| {
        let key = world.api_key("ann", KEY).await;
        let login = KEY.login(&world.realm, key, 7);
        let (tries, done) = (Tries::default(), Cell::new(false));
        let showing = async {
            let clients: Vec<Client<'_>> = (0..6).map(|_| world.client_with(Credential::Anonymous)).collect();
            futures_util::future::join_all(clients.iter().map(async |client| {
                for _ in 0..2 {
                    world.wait(client.dice().ms(0..=600)).await;
                    let answer = client.ask(client.any_node(), None, login.clone()).await;
                    tries.note(0, verdict(answer));
                }
            }))
            .await;
            done.set(true);
        };
        futures_util::future::join(showing, gremlin(world, &done)).await;

        restart_all(world).await;
        world.wait(Duration::from_secs(2)).await;
        let sessions = async || {
            let listed = world.insist(0, world.gateway("ann"), ListSessions { identity: None }).await;
            listed
                .iter()
                .filter(|session| session.api_key == Some(key))
                .map(|one| one.session)
                .collect::<Vec<_>>()
        };
        let opened = sessions().await;
        assert!(opened.len() <= 1, "{} sessions for one sign-in", opened.len());
        tries.judge(0, !opened.is_empty());
        if let Some(session) = opened.first() {
            let revoke = RevokeSession { identity: None, session: Some(*session) };
            world.insist(0, world.gateway("ann"), revoke).await;
        } else {
            world.insist(0, Credential::Anonymous, login.clone()).await;
        }
        // The sweeper removes whatever it can.
        world.wait(Duration::from_secs(700)).await;
        restart_all(world).await;
        for node in 0..world.node_count() {
            let again = world.persist(node, Credential::Anonymous, login.clone()).await;
            assert_eq!(again.err(), Some(EngineError::LoginReplayed), "node {node}");
        }
        assert!(sessions().await.is_empty());
        taken.set(taken.get() + tries.count(0, Try::Taken));
        unknown.set(unknown.get() + tries.count(0, Try::Unknown));
    });
    assert!(taken.get() > 0 && unknown.get() > 0, "the bad days were no bad days");
}

/// A-API-11, F-10: nodes whose clocks are a minute apart, or step, forget no nonce for as long as it could be used: that
/// of a body while there is the session, that of a validator while its time could be the present one.
#[test]
fn no_nonce_is_forgotten_while_it_could_be_used() {
    let apart = |dice: &Dice| {
        let mut plan = Plan::calm(3).with_latency_ms(0..=20);
        plan.clocks_off_by_ms = vec![0, 60_000, -60_000];
        plan.limits.sweep_interval = dice.ms(500..=5_000);
        plan
    };
    simulate(seeds(200_000..200_200), apart, async |world| {
        let dice = world.dice("steps");
        let key = world.api_key("ann", KEY).await;
        let (_, session) = world.sign_in(KEY, key, 0).await;
        let body = SpendNonces { body: Some([1; 24]), validator: None };
        let validator = SpendNonces { body: None, validator: Some([2; 24]) };
        world.insist(0, session.clone(), body.clone()).await;
        world.insist(0, session.clone(), validator.clone()).await;
        let begun = world.now();
        // The session of an API key lasts ten minutes; by the clock that is ahead, a minute less.
        while world.now() - begun < Duration::from_secs(470) {
            world.wait(dice.ms(1_000..=40_000)).await;
            if dice.chance(20) {
                world.restart(dice.index(3)).await;
            }
            if dice.chance(20) {
                world.clock(dice.index(3)).set_off_by_ms(*dice.pick(&[-60_000, 0, 60_000]));
            }
            let node = dice.index(3);
            let again = world.persist(node, session.clone(), body.clone()).await;
            assert_eq!(again, Err(EngineError::NonceReplayed { validator: false }), "node {node}");
            // Its time is the present one for 40 s, by clocks that are two minutes apart.
            if world.now() - begun < Duration::from_secs(160) {
                let again = world.persist(node, session.clone(), validator.clone()).await;
                assert_eq!(again, Err(EngineError::NonceReplayed { validator: true }), "node {node}");
            }
        }
    });
}
