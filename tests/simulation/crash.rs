//! Nodes that die in whatever they are doing and start again over the same store (F-01 without a real process).

use std::{cell::Cell, ops::RangeInclusive, time::Duration};

use strongroom_engine::{
    Credential,
    domains::{
        accounts::DescribeAccount,
        records::{ListRecords, Previous, PutRecord, RecordName},
    },
};
use strongroom_testkit::{
    Client, Dice, Follower, Plan, World,
    checkers::feed::check,
    history::{Outcome, content},
    over, record, seeds, simulate,
};

/// Kills and starts nodes until `done`; sometimes all of them at once.
pub(crate) async fn gremlin(world: &World, done: &Cell<bool>) {
    gremlin_every(world, done, 20..=1_500).await;
}

/// The same with so many milliseconds from one death to the next: starting nodes is most of what a long world costs.
pub(crate) async fn gremlin_every(world: &World, done: &Cell<bool>, pause_ms: RangeInclusive<u64>) {
    let dice = world.dice("gremlin");
    while !done.get() {
        world.wait(dice.ms(pause_ms.clone())).await;
        let doomed: Vec<usize> = if dice.chance(20) {
            (0..world.node_count()).collect()
        } else {
            vec![dice.index(world.node_count())]
        };
        for node in &doomed {
            world.kill(*node, dice.chance(50));
        }
        world.wait(dice.ms(0..=800)).await;
        for node in doomed {
            world.start(node).await;
        }
    }
}

/// Devices that update, read and reset while nodes die.
async fn busy_devices(world: &World, devices: usize, steps: usize, record: &RecordName) {
    let clients: Vec<Client<'_>> = (0..devices).map(|_| world.client("ann")).collect();
    let busy = clients.iter().map(async |client| {
        for _ in 0..steps {
            match client.dice().below(10) {
                0 => {
                    client.reset(record, Previous::Unsaid).await;
                }
                1 => {
                    if let Outcome::Shown(state) = client.read(record).await {
                        client.reset(record, over(&state)).await;
                    }
                }
                _ => {
                    client.update(record).await;
                }
            }
            world.wait(client.dice().ms(0..=300)).await;
        }
    });
    futures_util::future::join_all(busy).await;
}

/// F-01, F-13: whatever was acknowledged before a node died is there after it, and nothing is there by halves.
#[test]
fn nothing_acknowledged_is_lost_when_nodes_die_in_flight() {
    simulate(seeds(0..400), Plan::rough, async |world| {
        let done = Cell::new(false);
        let record = world.dice("record").pick(&[record("notes"), RecordName::single()]).clone();
        let busy = async {
            busy_devices(world, 4, 10, &record).await;
            done.set(true);
        };
        futures_util::future::join(busy, gremlin(world, &done)).await;
        world.conclude("ann").await;
    });
}

/// A-REC-12: followers lose their connections with the nodes, and no event.
#[test]
fn followers_miss_nothing_when_nodes_die() {
    simulate(seeds(1_000..1_200), Plan::rough, async |world| {
        let (done, end) = (Cell::new(false), Cell::new(None));
        let follower = Follower::new(world, "ann", world.gateway("ann"), 300);
        let mut feed = Vec::new();
        let busy = async {
            busy_devices(world, 3, 8, &record("notes")).await;
            done.set(true);
        };
        let work = async {
            futures_util::future::join(busy, gremlin(world, &done)).await;
            world.conclude("ann").await;
            feed = world.feed(0, "ann").await;
            end.set(Some(feed.last().map_or(0, |(sequence, _)| *sequence)));
        };
        let ((), heard) = futures_util::future::join(work, follower.listen(&end)).await;
        heard.expect("ann may follow her feed");
        if let Err(violation) = check(&feed, &follower.heard(), |_| true) {
            panic!("{violation}\n{:#?}", follower.heard());
        }
    });
}

/// F-01: a reset of many records takes one commit or several; wherever it is cut, each record is there or not, usage
/// agrees with what is there, and asking again finishes it.
#[test]
fn a_reset_of_many_records_that_is_cut_can_be_finished() {
    let quick = |_: &Dice| Plan::calm(2).with_latency_ms(0..=8);
    simulate(seeds(2_000..2_060), quick, async |world| {
        let dice = world.dice("cut");
        let total = dice.within(1..=20);
        for n in 0..total {
            let (meta, value) = content(n);
            let name = RecordName::new(["many", &n.to_string()]).expect("a good name");
            world
                .insist(
                    0,
                    world.gateway("ann"),
                    PutRecord::new(name, meta, value, Previous::Absent, Vec::new()),
                )
                .await;
        }
        let reset = async |node: usize| {
            let handle = world.up(node);
            handle.reset_records(world.gateway("ann").into(), vec!["many".to_owned()], Previous::Unsaid).await
        };
        let cut = async {
            world.wait(dice.ms(0..=30)).await;
            world.kill(0, dice.chance(50));
        };
        drop(futures_util::future::select(Box::pin(reset(0)), Box::pin(cut)).await);
        world.kill(0, false);
        world.wait(Duration::from_millis(100)).await;

        let left = async |node: usize| {
            let list = ListRecords { owner: None, prefix: Vec::new(), from: None, limit: 100 };
            world.insist(node, world.gateway("ann"), list).await.records.len() as u64
        };
        let before = left(1).await;
        let counted = DescribeAccount { whose: world.identity("ann").into() };
        let counted = world.insist(1, Credential::Operator, counted).await;
        assert_eq!(
            counted.and_then(|account| account.records),
            Some(before),
            "usage agrees with what is there"
        );
        let finished = reset(1).await.expect("nothing is wrong with the store");
        assert_eq!(finished.count, before);
        assert_eq!(left(1).await, 0);
    });
}
