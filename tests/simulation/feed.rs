//! Followers of a feed under faults: every event once and in order, or a gap told (A-REC-12).

use std::cell::Cell;

use strongroom_engine::{
    domains::records::{Previous, RecordName, ShareRecord},
    feed::Event,
};
use strongroom_testkit::{
    Client, Dice, Follower, Plan, World,
    checkers::feed::{Heard, check},
    history::Outcome,
    over, record, seeds, simulate,
};

/// Devices that write, reset and share for a while.
async fn busy_devices(world: &World, devices: usize, steps: usize, records: &[RecordName]) {
    let clients: Vec<Client<'_>> = (0..devices).map(|_| world.client("ann")).collect();
    let busy = clients.iter().map(async |client| {
        let dice = client.dice();
        for _ in 0..steps {
            let record = dice.pick(records);
            match dice.below(10) {
                0 => {
                    if let Outcome::Shown(state) = client.read(record).await {
                        client.reset(record, over(&state)).await;
                    }
                }
                1 => {
                    let (add, remove) = (vec![world.subject("bob")], vec![world.subject("cyd")]);
                    let share = ShareRecord { name: record.clone(), add, remove };
                    drop(client.ask(client.any_node(), None, share).await);
                }
                2 => world.wait(dice.ms(0..=400)).await,
                _ => {
                    client.update(record).await;
                }
            }
        }
    });
    futures_util::future::join_all(busy).await;
}

/// Lets followers listen while `busy` goes on, ends the chaos, and waits until all have heard the last event that
/// `concerns` them.
async fn followed(
    world: &World,
    followers: &[Follower<'_>],
    concerns: impl Fn(&Event) -> bool,
    busy: impl Future<Output = ()>,
) -> Vec<(u64, Event)> {
    let end = Cell::new(None);
    let mut feed = Vec::new();
    let work = async {
        busy.await;
        world.conclude("ann").await;
        feed = world.feed(0, "ann").await;
        let last = feed.iter().rev().find(|(_, event)| concerns(event));
        end.set(Some(last.map_or(0, |(sequence, _)| *sequence)));
    };
    let listening = futures_util::future::join_all(followers.iter().map(|follower| follower.listen(&end)));
    let ((), refusals) = futures_util::future::join(work, listening).await;
    assert!(refusals.iter().all(Result::is_ok), "{refusals:?}");
    feed
}

fn assert_heard_all(feed: &[(u64, Event)], follower: &Follower<'_>) {
    let heard = follower.heard();
    let last = feed.last().map_or(0, |(sequence, _)| *sequence);
    match check(feed, &heard, |_| true) {
        Ok(until) => assert_eq!(until, last, "it heard all there is"),
        Err(violation) => panic!("{violation}\n{heard:#?}"),
    }
}

/// A-REC-12: subscribers that are slow, disconnect and resume on another node, while the store has bad days.
#[test]
fn a_follower_hears_every_event_once_and_in_order_across_nodes_and_faults() {
    simulate(seeds(0..500), Plan::rough, async |world| {
        let records = [record("notes"), record("photos")];
        let followers = [
            Follower::new(world, "quick", world.gateway("ann"), 0),
            Follower::new(world, "slow", world.gateway("ann"), 3_000),
        ];
        let feed = followed(world, &followers, |_| true, busy_devices(world, 3, 8, &records)).await;
        for follower in &followers {
            assert_heard_all(&feed, follower);
        }
    });
}

/// Every state of a record is told by one event, and no event tells of a state that is not there.
#[test]
fn the_feed_tells_of_every_state_once() {
    simulate(seeds(1_000..1_300), Plan::rough, async |world| {
        let records = [record("notes"), record("photos")];
        busy_devices(world, 4, 8, &records).await;
        world.conclude("ann").await;
        let feed = world.feed(1, "ann").await;
        for record in &records {
            let told: Vec<(u64, bool)> = feed
                .iter()
                .filter_map(|(_, event)| match event {
                    Event::RecordPut { name, sequence, .. } if name == record => Some((*sequence, false)),
                    Event::RecordDeleted { name, sequence } if name == record => Some((*sequence, true)),
                    _ => None,
                })
                .collect();
            let kept: Vec<(u64, bool)> = world
                .timeline(0, "ann", record)
                .await
                .into_iter()
                .map(|kept| (kept.sequence, kept.deleted))
                .collect();
            assert_eq!(told, kept, "record {record:?}");
        }
    });
}

/// A-REC-12: a feed that keeps few events tells a follower that was away too long, and goes on from there.
#[test]
fn a_follower_that_was_away_too_long_is_told_of_the_gap() {
    let forgetful = |dice: &Dice| {
        let mut plan = Plan::rough(dice);
        plan.limits.feed_events_max = 5;
        plan
    };
    simulate(seeds(2_000..2_300), forgetful, async |world| {
        let followers = [
            Follower::new(world, "quick", world.gateway("ann"), 0),
            Follower::new(world, "slow", world.gateway("ann"), 20_000),
        ];
        let writer = world.client("ann");
        let feed = followed(world, &followers, |_| true, async {
            for _ in 0..12 {
                writer.update_until_done(&record("notes")).await;
                world.wait(writer.dice().ms(0..=2_000)).await;
            }
        })
        .await;
        for follower in &followers {
            assert_heard_all(&feed, follower);
        }
        // Somebody who begins at the very first event now must be told.
        let late = Follower::new(world, "late", world.gateway("ann"), 0);
        let end = Cell::new(feed.last().map(|(sequence, _)| *sequence));
        late.listen(&end).await.expect("ann may read her feed");
        let first = late.heard().into_iter().find(|heard| !matches!(heard, Heard::Began(_)));
        assert!(matches!(first, Some(Heard::Gap(_))), "{:?}", late.heard());
    });
}

/// F-11, A-REC-12: nodes whose clocks differ date events out of order, so retention may remove a later one first.
#[test]
fn events_that_retention_removed_out_of_order_are_told_as_a_gap() {
    let skewed = |_: &Dice| {
        let mut plan = Plan::calm(2);
        plan.clocks_off_by_ms = vec![300_000, 0];
        plan.limits.feed_retention = std::time::Duration::from_secs(60);
        plan
    };
    simulate(seeds(3_000..3_030), skewed, async |world| {
        let follower = Follower::new(world, "slow", world.gateway("ann"), 8_000);
        let (client, record, end) = (world.client("ann"), record("notes"), Cell::new(None));
        let writing = async {
            for _ in 0..15 {
                let previous = match client.read(&record).await {
                    Outcome::Shown(state) => over(&state),
                    _ => Previous::Absent,
                };
                client.put_at(client.any_node(), &record, previous).await;
                world.wait(client.dice().ms(100..=5_000)).await;
            }
            end.set(Some(15));
        };
        let ((), heard) = futures_util::future::join(writing, follower.listen(&end)).await;
        heard.expect("ann may read her feed");
        let mut cursor = 0;
        for heard in follower.heard() {
            match heard {
                Heard::Began(_) => {}
                Heard::Gap(next) => cursor = next,
                Heard::Event(sequence, _) => {
                    assert_eq!(sequence, cursor + 1, "a jump is told: {:?}", follower.heard());
                    cursor = sequence;
                }
            }
        }
    });
}

/// A recipient follows one record in its owner's feed, hears what concerns it and nothing else.
#[test]
fn a_recipient_hears_what_concerns_the_shared_record_and_nothing_else() {
    simulate(seeds(4_000..4_200), Plan::rough, async |world| {
        let (shared, private) = (record("notes"), record("diary"));
        world.client("ann").update_until_done(&shared).await;
        let share = ShareRecord { name: shared.clone(), add: vec![world.subject("bob")], remove: Vec::new() };
        world.insist(0, world.gateway("ann"), share).await;

        let followers = [Follower::new(world, "bob", world.gateway("bob"), 500)
            .of_record(world.subject("ann"), shared.clone())];
        let concerns = |event: &Event| event.concerns(&shared);
        let feed = followed(world, &followers, concerns, async {
            let writer = world.client("ann");
            for _ in 0..6 {
                writer.update(&shared).await;
                writer.update(&private).await;
            }
        })
        .await;
        let heard = followers[0].heard();
        match check(&feed, &heard, concerns) {
            Ok(until) => assert_eq!(until, feed.last().map_or(0, |(sequence, _)| *sequence)),
            Err(violation) => panic!("{violation}\n{heard:#?}"),
        }
    });
}
