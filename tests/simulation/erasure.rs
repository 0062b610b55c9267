//! Ending an account while it is in use, and keeping it within its quotas.

use std::time::Duration;

use strongroom_engine::{
    Credential, EngineError, Quota,
    domains::{
        accounts::{AccountState, DescribeAccount, EraseAccount, WhoAmI},
        key_hierarchy::{CreateDek, CreateKeyPair, SetKek},
        records::{GetRecord, ListRecords, Previous, PutRecord, RecordName},
        sessions::IssueBearer,
    },
    testing::keys::{PUBLIC_KEY, wrap},
};
use strongroom_testkit::{Client, Dice, Plan, World, history::content, record, seeds, simulate};

/// Gives ann a KEK, a DEK and a key pair that goes by a name.
async fn keep_keys(world: &World) {
    // Any of these may have been done although its answer was lost.
    let ann = || world.gateway("ann");
    let _ = world.persist(0, ann(), SetKek { wrapped: wrap(0, "kek") }).await;
    world.insist(0, ann(), CreateDek { wrapped: wrap(1, "dek"), generation: Some(1) }).await;
    let pair = CreateKeyPair {
        public_key: PUBLIC_KEY.to_owned(),
        wrapped_private_key: wrap(1, "private"),
        external_identifiers: vec!["auth".to_owned()],
        metadata: "{}".into(),
        generation: Some(1),
    };
    let _ = world.persist(0, ann(), pair).await;
}

/// Erasure ends an account at once and for ever on every node, and in the end no row of it is left but the mark that
/// keeps its name from being used again, though nodes die half-way and devices go on writing.
#[test]
fn an_erased_account_is_gone_at_once_and_leaves_no_row_behind() {
    simulate(seeds(0..400), Plan::rough, async |world| {
        let rows = world.rows();
        let dice = world.dice("erasure");
        let records = [record("notes"), RecordName::single(), record("photos")];
        world.bearer("ann", None).await;
        keep_keys(world).await;
        let devices: Vec<Client<'_>> = (0..3).map(|_| world.client("ann")).collect();
        let done = std::cell::Cell::new(false);
        let writing = futures_util::future::join_all(devices.iter().map(async |device| {
            while !done.get() {
                device.update(device.dice().pick(&records)).await;
                world.wait(device.dice().ms(0..=100)).await;
            }
        }));
        let erasing = async {
            world.wait(dice.ms(0..=1_500)).await;
            let erase = EraseAccount { identity: Some(world.identity("ann")) };
            world.insist(0, Credential::Operator, erase).await;
            for node in 0..world.node_count() {
                let answer = world.persist(node, world.gateway("ann"), WhoAmI).await;
                assert_eq!(answer.err(), Some(EngineError::AccountErased), "node {node}");
            }
            // Purging begins, and dies with its node.
            if let Some(handle) = world.node(0).filter(|_| dice.chance(70)) {
                let identity = Some(world.identity("ann"));
                let purge = handle.erase_account(Credential::Operator.into(), identity);
                drop(tokio::time::timeout(dice.ms(0..=300), purge).await);
                world.kill(0, dice.chance(50));
                world.start(0).await;
            }
            world.wait(dice.ms(0..=1_000)).await;
            done.set(true);
        };
        futures_util::future::join(writing, erasing).await;

        world.calm();
        // The sweepers' time.
        world.wait(Duration::from_secs(20)).await;
        assert_eq!(world.rows(), rows + 1, "the mark and nothing else");
        for node in 0..world.node_count() {
            let answer = world.persist(node, world.gateway("ann"), put(1, "notes")).await;
            assert_eq!(answer.err(), Some(EngineError::AccountErased), "the name is not used again");
            let describe = DescribeAccount { whose: world.identity("ann").into() };
            let left = world.insist(node, Credential::Operator, describe).await.expect("the mark stays");
            assert_eq!((left.state, left.identity), (AccountState::Erased, None));
        }
        let issue = IssueBearer {
            identity: world.identity("ann"),
            rights: strongroom_engine::Rights::ALL,
            life: None,
            label: String::new(),
        };
        let issued = world.persist(0, Credential::Operator, issue).await;
        assert_eq!(issued.err(), Some(EngineError::AccountErased));
    });
}

fn put(n: u64, name: &str) -> PutRecord {
    let (meta, value) = content(n);
    PutRecord::new(record(name), meta, value, Previous::Unsaid, Vec::new())
}

const RECORDS_MAX: u64 = 6;
const BYTES_MAX: u64 = 500;

fn narrow(dice: &Dice) -> Plan {
    let mut plan = Plan::rough(dice);
    plan.limits.account_records_max = RECORDS_MAX;
    plan.limits.account_bytes_max = BYTES_MAX;
    plan
}

/// The records of ann and the bytes they hold, counted one by one.
async fn counted(world: &World) -> (u64, u64) {
    let list = ListRecords { owner: None, prefix: Vec::new(), from: None, limit: 100 };
    let names = world.insist(0, world.gateway("ann"), list).await.records;
    let mut bytes = 0;
    for (name, ..) in &names {
        let get = GetRecord { owner: None, name: name.clone() };
        let record = world.insist(1, world.gateway("ann"), get).await;
        bytes += (record.meta.len() + record.value.len()) as u64;
    }
    (names.len() as u64, bytes)
}

/// Quotas hold however many devices race for the last of the room, usage is what is there, and room that is given up
/// can be used again.
#[test]
fn quotas_hold_against_racing_devices_and_usage_is_what_is_there() {
    simulate(seeds(1_000..1_300), narrow, async |world| {
        let devices: Vec<Client<'_>> = (0..4).map(|_| world.client("ann")).collect();
        let refused = std::cell::Cell::new(0);
        let racing = futures_util::future::join_all(devices.iter().map(async |device| {
            for _ in 0..10 {
                let name = record(&format!("record {}", device.dice().below(12)));
                if device.dice().chance(25) {
                    device.reset(&name, Previous::Unsaid).await;
                } else if let strongroom_testkit::history::Outcome::Refused {
                    code: "quota-exceeded", ..
                } = device.update(&name).await
                {
                    refused.set(refused.get() + 1);
                }
            }
        }));
        racing.await;
        world.conclude("ann").await;
        let (records, bytes) = counted(world).await;
        assert!(records <= RECORDS_MAX && bytes <= BYTES_MAX, "{records} records, {bytes} bytes");
        let describe = DescribeAccount { whose: world.identity("ann").into() };
        let account = world.insist(0, Credential::Operator, describe).await;
        let usage = account.map_or((Some(0), Some(0)), |account| (account.records, account.bytes));
        assert_eq!(usage, (Some(records), Some(bytes)), "usage is what is there");

        // To the edge, over it, and back.
        let room = RECORDS_MAX - records;
        for n in 0..=room {
            let name = format!("filler {n}");
            let write = PutRecord::new(record(&name), "m".into(), "".into(), Previous::Unsaid, Vec::new());
            match world.persist(0, world.gateway("ann"), write).await {
                Ok(_) => assert!(n < room),
                Err(EngineError::QuotaExceeded { what: Quota::Records, max: RECORDS_MAX }) => {
                    assert_eq!(n, room)
                }
                Err(EngineError::QuotaExceeded { what: Quota::Bytes, .. }) => {
                    assert!(bytes + RECORDS_MAX > BYTES_MAX, "{bytes} bytes are not that many");
                    return;
                }
                Err(other) => panic!("{other}"),
            }
        }
        let list = ListRecords { owner: None, prefix: Vec::new(), from: None, limit: 100 };
        let (name, ..) = world.insist(0, world.gateway("ann"), list).await.records.swap_remove(0);
        let device = world.client("ann");
        device.reset(&name, Previous::Unsaid).await;
        let write = PutRecord::new(record("at last"), "m".into(), "".into(), Previous::Unsaid, Vec::new());
        world.insist(1, world.gateway("ann"), write).await;
    });
}
