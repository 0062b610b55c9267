//! Access to a shared record: given, taken back and lost with the record, while everybody reads and writes.

use std::{cell::Cell, time::Duration};

use strongroom_engine::{
    domains::records::{ListGrants, Previous, ShareRecord, UndoRecord},
    feed::Event,
};
use strongroom_testkit::{Client, Plan, World, history::Outcome, record, seeds, simulate};

/// A time during which bob surely had access, or surely had none.
struct Certain {
    from: Duration,
    until: Duration,
    access: bool,
}

/// Gives bob access or takes it back until it is sure, and returns when that began and ended.
async fn share(world: &World, node: usize, access: bool) -> (Duration, Duration) {
    let (add, remove) = if access {
        (vec![world.subject("bob")], Vec::new())
    } else {
        (Vec::new(), vec![world.subject("bob")])
    };
    let began = world.now();
    let command = ShareRecord { name: record("notes"), add, remove };
    world.insist(node, world.gateway("ann"), command).await;
    (began, world.now())
}

/// A-REC-05, F-13: from the answer on, who may read may read on every node, and who may not may not.
#[test]
fn access_is_what_the_last_answer_said_on_every_node() {
    simulate(seeds(0..400), Plan::rough, async |world| {
        let (record, ann) = (record("notes"), world.subject("ann"));
        world.client("ann").update_until_done(&record).await;
        let devices: Vec<Client<'_>> = (0..2).map(|_| world.client("ann")).collect();
        let bobs: Vec<Client<'_>> = (0..2).map(|_| world.client("bob")).collect();
        let (dice, done) = (world.dice("sharing"), Cell::new(false));

        let sharing = async {
            let mut certain = vec![Certain { from: Duration::ZERO, until: Duration::MAX, access: false }];
            for change in 0..5 {
                let access = change % 2 == 0;
                let (began, ended) = share(world, dice.index(world.node_count()), access).await;
                certain.last_mut().expect("there is a first").until = began;
                certain.push(Certain { from: ended, until: Duration::MAX, access });
                world.wait(dice.ms(0..=800)).await;
            }
            done.set(true);
            certain
        };
        let writing = futures_util::future::join_all(devices.iter().map(async |device| {
            while !done.get() {
                device.update(&record).await;
                world.wait(device.dice().ms(0..=100)).await;
            }
        }));
        let reading = futures_util::future::join_all(bobs.iter().map(async |bob| {
            let mut reads = Vec::new();
            while !done.get() {
                let invoked = world.now();
                let outcome = bob.read_of(&ann, &record).await;
                reads.push((invoked, world.now(), outcome));
                world.wait(bob.dice().ms(0..=50)).await;
            }
            reads
        }));
        let (certain, _, reads) = futures_util::future::join3(sharing, writing, reading).await;
        // What bob was shown has its place in the order of ann's writes.
        world.conclude("ann").await;

        for (invoked, returned, outcome) in reads.concat() {
            let had_access = match outcome {
                Outcome::Shown(_) => true,
                Outcome::Absent => false,
                _ => continue,
            };
            for span in &certain {
                assert!(
                    span.access == had_access || invoked <= span.from || returned >= span.until,
                    "bob had access from {:?} to {:?}: {}, but read {outcome:?} from {invoked:?} to {returned:?}",
                    span.from,
                    span.until,
                    span.access,
                );
            }
        }
    });
}

/// A-REC-05: deleting a record takes the access of others with it, and writing it anew gives none back.
#[test]
fn a_record_that_was_deleted_and_written_anew_is_its_owners_alone() {
    simulate(seeds(1_000..1_300), Plan::rough, async |world| {
        let (record, ann) = (record("notes"), world.subject("ann"));
        let (device, bob) = (world.client("ann"), world.client("bob"));
        for _ in 0..2 {
            device.update_until_done(&record).await;
            share(world, device.any_node(), true).await;
            while !matches!(device.reset(&record, Previous::Unsaid).await, Outcome::Deleted(1)) {
                // A reset whose answer was lost may have deleted it; then there is nothing left to delete.
                if device.read(&record).await == Outcome::Absent {
                    break;
                }
            }
            let racing: Vec<Client<'_>> = (0..2).map(|_| world.client("ann")).collect();
            let writes = racing.iter().map(|device| device.update(&record));
            let (_, read) = futures_util::future::join(
                futures_util::future::join_all(writes),
                bob.read_of(&ann, &record),
            )
            .await;
            assert!(!matches!(read, Outcome::Shown(_)), "{read:?}");
        }
        world.conclude("ann").await;
        assert_eq!(bob.read_of(&ann, &record).await, Outcome::Absent);

        // Bringing a deleted record back gives nothing back either.
        let last = device.update_until_done(&record).await;
        share(world, 0, true).await;
        assert!(matches!(bob.read_of(&ann, &record).await, Outcome::Shown(_)));
        device.reset(&record, Previous::Unsaid).await;
        let undo = UndoRecord { name: record.clone(), sequence: last.sequence, previous: Previous::Unsaid };
        let back = world.insist(1, world.gateway("ann"), undo).await;
        assert_eq!(back.recipients, std::slice::from_ref(&ann));
        assert_eq!(bob.read_of(&ann, &record).await, Outcome::Absent);
    });
}

/// Recipients are told of every change that lasted, and in the end of the one that holds, though nodes die between the
/// change and its telling.
#[test]
fn grants_are_delivered_in_the_end_whatever_dies_meanwhile() {
    simulate(seeds(2_000..2_200), Plan::rough, async |world| {
        let record = record("notes");
        world.client("ann").update_until_done(&record).await;
        let dice = world.dice("sharing");
        let mut access = false;
        for _ in 0..dice.within(1..=5) {
            access = !access;
            share(world, 0, access).await;
            world.wait(dice.ms(0..=1_500)).await;
            world.kill(1, dice.chance(50));
            world.wait(dice.ms(0..=500)).await;
            world.start(1).await;
        }
        world.conclude("ann").await;
        // The sweepers' time.
        world.wait(Duration::from_secs(10)).await;

        let grants = world.insist(1, world.gateway("bob"), ListGrants { from: None, limit: 10 }).await;
        let listed: Vec<_> = grants.grants.iter().map(|grant| &grant.name).collect();
        assert_eq!(listed, if access { vec![&record] } else { Vec::new() });
        let told: Vec<bool> = world
            .feed(0, "bob")
            .await
            .iter()
            .filter_map(|(_, event)| match event {
                Event::RecordGranted { .. } => Some(true),
                Event::RecordWithdrawn { .. } => Some(false),
                _ => None,
            })
            .collect();
        assert_eq!(told.last(), Some(&access), "bob was told of what holds: {told:?}");
    });
}
