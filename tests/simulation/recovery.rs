//! Releases whose delays no clock shortens, and refreshes that are cut off anywhere (THREATS A-DEV-06, F-02, F-10, F-11).

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use strongroom_engine::{
    Command, EngineError, ErrorKind, Routed,
    domains::recovery::{
        CollectRelease, CreateEscrow, Escrow, GetEscrow, GetRequest, HolderKind, ListRequests, OpenRequest,
        RefreshEscrow, Release, ReleasePolicy, RequestState, VetoRequest,
    },
    testing::escrows::{Dealer, SECRET, account, holder_secret, policy, requester_secret},
};
use strongroom_primitives::{
    id::RecoveryRequestId,
    recovery::share_info,
    sharing::{Commitments, Share},
};
use strongroom_testkit::{Client, Dice, Plan, World, seeds, simulate};

use crate::crash::gremlin_every;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Long beside everything else that happens in a world, and short enough for thousands of them.
const DELAY: Duration = Duration::from_secs(30);

fn three() -> [HolderKind; 3] {
    [account("bob"), account("cyd"), account("dan")]
}

/// Asks one node after another until there is an answer that is neither the store's nor the bus's fault.
async fn insist<C>(world: &World, client: &Client<'_>, command: &C) -> Result<C::Reply, EngineError>
where
    C: Command + Clone,
    C::Domain: Routed,
{
    loop {
        match client.ask(client.any_node(), None, command.clone()).await {
            None => {}
            Some(Err(error)) if matches!(error.kind(), ErrorKind::Busy | ErrorKind::Fault) => {
                assert!(error != EngineError::Fault, "{} met an internal fault", C::NAME);
            }
            Some(answer) => return answer,
        }
        world.wait(client.dice().ms(20..=500)).await;
    }
}

/// As [`insist`] for what is done once: that it was done already, by a try whose answer was lost, is as good.
async fn see_done<C>(world: &World, client: &Client<'_>, command: &C, done: fn(&EngineError) -> bool)
where
    C: Command + Clone,
    C::Domain: Routed,
{
    match insist(world, client, command).await {
        Ok(_) => {}
        Err(error) => assert!(done(&error), "{}: {error}", C::NAME),
    }
}

/// Opens a request. A try whose answer was lost may have opened one, which is as good.
async fn opened(world: &World, client: &Client<'_>, open: &OpenRequest) -> RecoveryRequestId {
    loop {
        if let Some(Ok(request)) = client.ask(client.any_node(), None, open.clone()).await {
            return request.id;
        }
        world.wait(client.dice().ms(20..=500)).await;
        let list = ListRequests { escrow: open.escrow };
        let there = insist(world, client, &list).await.expect("ann's own escrow");
        if let Some(request) = there.first() {
            return request.id;
        }
    }
}

/// Two nodes over a store with bad days, whose sweepers are slow enough for thousands of seeds.
fn two_nodes(dice: &Dice) -> Plan {
    let mut plan = Plan::rough(dice);
    plan.clocks_off_by_ms.truncate(2);
    plan.limits.sweep_interval = Duration::from_secs(10);
    plan
}

/// Clocks that step by up to a day either way until `done`.
async fn stepping(world: &World, done: &Cell<bool>) {
    let dice = world.dice("steps");
    while !done.get() {
        let off_by_ms = *dice.pick(&[0, 0, -DAY_MS, DAY_MS, -30_000, 30_000, -1_000, 1_000]);
        world.clock(dice.index(world.node_count())).set_off_by_ms(off_by_ms);
        world.wait(dice.ms(100..=6_000)).await;
    }
}

/// One escrow for all worlds, dealt once: dealing costs more than the rest of a world.
struct Dealt {
    dealer: Dealer,
    create: CreateEscrow,
    /// The next epoch, with the same holders.
    refresh: RefreshEscrow,
}

impl Dealt {
    fn new(policy: ReleasePolicy) -> Self {
        // No share is the server's own, so its key does not matter.
        let dealer = Dealer::new(1, [0; 32]);
        let create = dealer.create(2, &three(), policy);
        let refresh = Dealer::new(1, [0; 32]).refresh(2, &three());
        Self { dealer, create, refresh }
    }
}

/// What came of one request.
#[derive(Default)]
struct Told {
    /// When the last of the two holders first asked: the delay cannot have begun before.
    begun: Cell<Duration>,
    released: RefCell<Option<(Duration, Release)>>,
    vetoed: Cell<bool>,
}

/// The owner's request is approved by two holders, collected by polling, and by chance vetoed.
async fn race(world: &World, dealt: &Dealt, request: RecoveryRequestId, vetoes: bool) -> Told {
    let Dealt { dealer, create, .. } = dealt;
    let (told, escrow) = (Told::default(), dealer.escrow);
    let approving = [("bob", 1), ("cyd", 2)].map(|(name, index)| {
        let (told, deal) = (&told, &create.deal);
        async move {
            let client = world.client(name);
            world.wait(client.dice().ms(0..=6_000)).await;
            told.begun.set(told.begun.get().max(world.now()));
            let done = |error: &EngineError| {
                let is_over = matches!(error, EngineError::RequestClosed { state: RequestState::Vetoed });
                is_over || matches!(error, EngineError::AlreadyApproved { .. })
            };
            see_done(world, &client, &dealer.approve(deal, request, index), done).await;
        }
    });
    let vetoing = async {
        let client = world.client("ann");
        if vetoes {
            world.wait(client.dice().ms(0..=50_000)).await;
            match insist(world, &client, &VetoRequest { escrow, request }).await {
                Ok(()) => told.vetoed.set(true),
                Err(EngineError::RequestClosed { state: RequestState::Released { .. } }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    let collecting = async {
        let client = world.client("ann");
        loop {
            match insist(world, &client, &CollectRelease { escrow, request }).await {
                Ok(release) => {
                    *told.released.borrow_mut() = Some((world.now(), release));
                    return;
                }
                Err(EngineError::RequestClosed { state: RequestState::Vetoed }) => return,
                Err(EngineError::NotReleased { .. }) => world.wait(client.dice().ms(100..=4_000)).await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    let holders = futures_util::future::join_all(approving);
    let limit = DELAY * 60;
    let all = futures_util::future::join3(holders, vetoing, collecting);
    tokio::time::timeout(limit, all).await.expect("a release does not wait for ever");
    told
}

/// Clocks jump by a day, nodes die, answers get lost: nothing is given out before the delay is over in truth, and a veto
/// and a release never both happen.
#[test]
fn no_clock_releases_early_and_a_veto_and_a_release_exclude_each_other() {
    let dealt = Dealt::new(ReleasePolicy { delay: DELAY, window: DAY * 20, collect: DAY * 20, ..policy() });
    simulate(seeds(0..2_000), two_nodes, async |world| {
        let Dealt { dealer, create, refresh } = &dealt;
        let ann = world.client("ann");
        see_done(world, &ann, create, |error| *error == EngineError::EscrowExists).await;
        let public_key = *requester_secret().public().as_bytes();
        let open = OpenRequest { escrow: dealer.escrow, public_key, reason: "lost".to_owned() };
        let request = opened(world, &ann, &open).await;

        let done = Cell::new(false);
        let busy = async {
            let told = race(world, &dealt, request, world.dice("veto").chance(50)).await;
            done.set(true);
            told
        };
        let faults =
            futures_util::future::join(stepping(world, &done), gremlin_every(world, &done, 20..=6_000));
        let (told, _) = futures_util::future::join(busy, faults).await;
        world.calm();

        let released = told.released.into_inner();
        assert!(!(told.vetoed.get() && released.is_some()), "vetoed and released");
        if let Some((at, release)) = &released {
            let waited = *at - told.begun.get();
            assert!(waited >= DELAY, "released after {waited:?}");
            assert_eq!(dealer.recover(request, release, &[]).expect("good shares"), SECRET);
        } else {
            assert!(told.vetoed.get(), "neither vetoed nor released");
        }
        for node in 0..world.node_count() {
            world.start(node).await;
            let get = GetRequest { escrow: dealer.escrow, request };
            let state = world.insist(node, world.gateway("ann"), get).await.state;
            match state {
                RequestState::Released { .. } => assert!(released.is_some()),
                RequestState::Vetoed => assert!(released.is_none()),
                other => panic!("node {node} shows {other:?}"),
            }
        }
        // And an approval of that epoch is worth nothing after the next.
        let approval = dealer.approve(&create.deal, request, 3);
        world.insist(0, world.gateway("ann"), refresh.clone()).await;
        let refused = world.persist(1, world.gateway("dan"), approval).await.map(drop);
        assert_eq!(refused, Err(EngineError::StaleEpoch { epoch: 2 }));
    });
}

/// Bob's share as he finds it: sealed for the epoch, and on the polynomial, of the commitments beside it.
fn check_whole(shown: &Escrow) {
    let (epoch, id) = (shown.summary.epoch, shown.summary.id);
    let own = shown.holders.iter().find(|holder| holder.index == 1).expect("bob holds a share");
    let sealed = own.share.as_ref().expect("bob is shown his share");
    let info = share_info(id, epoch, 1, &shown.commitments);
    let share = holder_secret(1).open(&info, b"", &sealed.text).expect("sealed for this epoch");
    let share = Share::from_bytes(&share).expect("a share");
    Commitments::from_bytes(&shown.commitments).expect("points").check(&share).expect("of this epoch");
}

/// F-02: wherever a refresh is cut off, everybody finds the old epoch whole or the new one whole, and never the old one
/// after the new one was acknowledged.
#[test]
fn a_refresh_that_is_cut_off_is_done_or_not_begun() {
    let slow = |dice: &Dice| two_nodes(dice).with_latency_ms(1..=10);
    simulate(seeds(10_000..12_000), slow, async |world| {
        let mut dealer = Dealer::new(1, world.up(0).recovery_key());
        let ann = world.client("ann");
        let create = dealer.create(2, &three(), policy());
        see_done(world, &ann, &create, |error| *error == EngineError::EscrowExists).await;
        let id = dealer.escrow;
        let (acknowledged, done) = (Cell::new(1), Cell::new(false));
        let dealing = async {
            let dice = world.dice("cuts");
            for _ in 0..4 {
                let refresh: RefreshEscrow = dealer.refresh(2, &three());
                let node = dice.index(world.node_count());
                let cut = async {
                    world.wait(dice.ms(0..=80)).await;
                    world.kill(node, dice.chance(50));
                };
                let asked = ann.ask(node, None, refresh.clone());
                let asked = async { tokio::time::timeout(Duration::from_secs(2), asked).await };
                drop(futures_util::future::join(asked, cut).await);
                world.start(node).await;
                // Whether it was done or not, it is afterwards.
                let was_done = |error: &EngineError| matches!(error, EngineError::StaleEpoch { .. });
                see_done(world, &ann, &refresh, was_done).await;
                acknowledged.set(dealer.epoch);
            }
            done.set(true);
        };
        let reading = async {
            let bob = world.client("bob");
            while !done.get() {
                let known = acknowledged.get();
                if let Some(Ok(shown)) = bob.ask(bob.any_node(), None, GetEscrow { id }).await {
                    check_whole(&shown);
                    assert!(shown.summary.epoch >= known, "an epoch came back");
                }
                world.wait(bob.dice().ms(1..=60)).await;
            }
        };
        futures_util::future::join(dealing, reading).await;
        world.calm();
        for node in 0..world.node_count() {
            let shown = world.insist(node, world.gateway("bob"), GetEscrow { id }).await;
            check_whole(&shown);
            assert_eq!(shown.summary.epoch, 5);
        }
    });
}
