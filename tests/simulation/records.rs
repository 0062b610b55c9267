//! Racing writers of one record: compare-and-set, resets, lost answers and retries, over several nodes.

use strongroom_engine::domains::records::{Previous, RecordName};
use strongroom_storage::Storage;
use strongroom_testkit::{
    Client, Dice, Plan, World,
    history::{Authorship, Outcome, Shown},
    over, record, seeds, simulate,
};

/// What a device does for a while: mostly it updates, sometimes it resets, and now and then it does what is bound to
/// be refused.
async fn busy_device(world: &World, client: &Client<'_>, records: &[RecordName], steps: usize) {
    let dice = client.dice();
    for _ in 0..steps {
        let record = dice.pick(records);
        match dice.below(20) {
            0..=10 => {
                client.update(record).await;
            }
            11 | 12 => {
                client.read(record).await;
            }
            13 => {
                client.put(record, Previous::Unsaid).await;
            }
            14 => {
                client.put(record, Previous::Nonsense).await;
            }
            15 => {
                client.put(record, Previous::Absent).await;
            }
            16 => {
                client.reset(record, Previous::Unsaid).await;
            }
            17 | 18 => {
                if let Outcome::Shown(state) = client.read(record).await {
                    client.reset(record, over(&state)).await;
                }
            }
            _ => world.wait(dice.ms(0..=500)).await,
        }
    }
}

async fn devices_race(world: &World, devices: usize, steps: usize, records: &[RecordName]) {
    let clients: Vec<Client<'_>> = (0..devices).map(|_| world.client("ann")).collect();
    let busy = clients.iter().map(|client| busy_device(world, client, records, steps));
    futures_util::future::join_all(busy).await;
}

/// A-REC-02, A-REC-05, F-07, F-08, F-13: a named record, which a reset deletes.
#[test]
fn racing_writers_of_a_named_record_lose_no_update_and_make_no_double() {
    simulate(seeds(0..500), Plan::rough, async |world| {
        devices_race(world, 4, 10, &[record("notes")]).await;
        world.conclude("ann").await;
    });
}

/// The same over an encrypted store: what seals the rows changes nothing about who wins.
#[test]
fn racing_writers_over_an_encrypted_store_lose_no_update_and_make_no_double() {
    let plan = |dice: &Dice| Plan { encrypted: true, ..Plan::rough(dice) };
    simulate(seeds(0..100), plan, async |world| {
        assert!(world.store().info().encrypted);
        devices_race(world, 4, 10, &[record("notes")]).await;
        world.conclude("ann").await;
    });
}

/// A-REC-02, A-REC-05: the single record, which a reset empties, and whose tag includes its version.
#[test]
fn racing_writers_of_the_single_record_lose_no_update_and_make_no_double() {
    simulate(seeds(1_000..1_300), Plan::rough, async |world| {
        devices_race(world, 4, 10, &[RecordName::single()]).await;
        world.conclude("ann").await;
    });
}

/// A-REC-02: records of one account share a lane and a ledger, and still do not get into each other's way.
#[test]
fn racing_writers_of_several_records_keep_them_apart() {
    simulate(seeds(2_000..2_300), Plan::rough, async |world| {
        let records = [record("notes"), RecordName::single(), record("photos")];
        devices_race(world, 5, 8, &records).await;
        world.conclude("ann").await;
    });
}

/// A-REC-02 to the letter: 32 clients that saw the same head.
#[test]
fn of_32_clients_that_update_the_same_head_exactly_one_wins() {
    simulate(
        seeds(3_000..3_060),
        |_| Plan::calm(3).with_latency_ms(0..=30),
        async |world| {
            let record = record("notes");
            let head = world.client("ann").update_until_done(&record).await;
            for round in 0..3 {
                let head = match world.client("ann").read(&record).await {
                    Outcome::Shown(state) => state,
                    other => panic!("round {round} after {head:?}: {other:?}"),
                };
                let clients: Vec<Client<'_>> = (0..32).map(|_| world.client("ann")).collect();
                let puts = clients.iter().map(|client| client.put(&record, over(&head)));
                let outcomes = futures_util::future::join_all(puts).await;
                let (winners, losers): (Vec<_>, Vec<_>) =
                    outcomes.iter().partition(|outcome| matches!(outcome, Outcome::Shown(_)));
                assert_eq!(winners.len(), 1, "{outcomes:?}");
                let Outcome::Shown(winner) = winners[0] else { unreachable!("partitioned above") };
                assert_eq!(winner.sequence, head.sequence + 1);
                for loser in losers {
                    let Outcome::Refused { shown: Some(Shown::State(shown)), .. } = loser else {
                        panic!("a loser is shown the present head, not {loser:?}");
                    };
                    assert_eq!((shown.sequence, shown.tag), (winner.sequence, winner.tag));
                }
            }
            world.conclude("ann").await;
        },
    );
}

/// A-REC-11: what one node has acknowledged, every other node shows from then on.
#[test]
fn a_read_on_one_node_shows_what_another_has_just_acknowledged() {
    simulate(seeds(4_000..4_200), Plan::rough, async |world| {
        let record = record("notes");
        let (writer, reader) = (world.client("ann"), world.client("ann"));
        for _ in 0..6 {
            let written = writer.update_until_done(&record).await;
            for node in 0..world.node_count() {
                if let Outcome::Shown(read) = reader.read_at(node, &record).await {
                    assert!(read.sequence >= written.sequence, "{read:?} on node {node} after {written:?}");
                }
            }
        }
        let tally = world.conclude("ann").await;
        assert!(tally.states >= 6);
    });
}

/// The whole point of idempotency keys: an answer that was lost is found again, and nothing is written twice.
#[test]
fn a_retry_under_the_same_key_finds_its_lost_answer() {
    let losing = |_: &Dice| {
        let mut plan = Plan::calm(2).with_latency_ms(1..=10);
        plan.faults.reply_lost = 0.5;
        plan
    };
    simulate(seeds(5_000..5_150), losing, async |world| {
        let record = record("notes");
        let clients: Vec<Client<'_>> = (0..3).map(|_| world.client("ann")).collect();
        let done = clients.iter().map(async |client| {
            for _ in 0..4 {
                client.update_until_done(&record).await;
            }
        });
        futures_util::future::join_all(done).await;
        let tally = world.conclude("ann").await;
        assert!(tally.states >= 12, "every update was acknowledged, {tally:?}");
    });
}

/// Content is fetched after the head that names it. Where history keeps next to nothing, the content may be gone by
/// then: the reader is shown a later state, never damage.
#[test]
fn a_reader_whom_writers_overtake_is_shown_a_later_state() {
    let forgetful = |_: &Dice| {
        let mut plan = Plan::calm(2).with_latency_ms(0..=20);
        plan.limits.history_versions_max = 1;
        plan
    };
    simulate(seeds(6_000..6_100), forgetful, async |world| {
        let record = record("notes");
        world.client("ann").update_until_done(&record).await;
        let done = std::cell::Cell::new(false);
        let (reader, writers) = (world.client("ann"), [world.client("ann"), world.client("ann")]);
        let writing = async {
            futures_util::future::join_all(writers.iter().map(async |writer| {
                for _ in 0..15 {
                    writer.update_until_done(&record).await;
                }
            }))
            .await;
            done.set(true);
        };
        let reading = async {
            let mut seen = 0;
            while !done.get() {
                match reader.read(&record).await {
                    Outcome::Shown(state) => {
                        assert!(state.sequence >= seen, "#{} after #{seen}", state.sequence);
                        assert!(matches!(state.content, Some(Authorship::Of(_))), "{state:?}");
                        seen = state.sequence;
                    }
                    // Overtaken again and again.
                    Outcome::Refused { code: "contended", .. } => {}
                    other => panic!("{other:?}"),
                }
            }
        };
        futures_util::future::join(writing, reading).await;
    });
}
