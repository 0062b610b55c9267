//! A rotation whose device is killed, and gone on with by another, again and again (THREATS A-KEY-04, F-01).

use std::{path::Path, thread, time::Duration};

use strongroom_storage::{Key, Range, Row, Storage, check::check, sled::Sled};
use strongroom_testkit::Dice;

use crate::{
    device::{self, Device},
    dose, process,
    process::{Process, Role},
};

const TEST: &str = "rotation::a_rotation_killed_again_and_again_goes_on_and_loses_no_key";

/// Told with the number of keys that the store has acknowledged as rewrapped.
const REWRAPPED: &str = "rewrapped";
/// Told once the rotation has ended.
const ENDED: &str = "ended";

/// When a process is killed.
struct Moment {
    /// Once it has told that this many keys are rewrapped, or at once.
    rewrapped: Option<u64>,
    /// So long after that.
    time: Duration,
    /// How many keys it may rewrap, so that something is left for the others.
    limit: u64,
}

/// The moments, spread over the rotation: a fifth of them soon after the start, the last one as the rotation ends.
fn moments(kills: usize, keys: u64) -> Vec<Moment> {
    let dice = Dice::new(1, "kills");
    let stretch = keys / kills as u64;
    let moment = |kill: usize| {
        let begins = kill as u64 * stretch;
        if kill + 1 == kills {
            Moment { rewrapped: Some(keys), time: dice.ms(0..=3), limit: u64::MAX }
        } else if kill % 5 == 1 {
            Moment { rewrapped: None, time: dice.ms(0..=150), limit: begins + stretch }
        } else {
            let rewrapped = Some(begins + dice.below(stretch / 2));
            Moment { rewrapped, time: dice.ms(0..=8), limit: begins + stretch }
        }
    };
    (0..kills).map(moment).collect()
}

/// What the processes have told.
#[derive(Default)]
struct Told {
    rewrapped: u64,
    ended: bool,
}

impl Told {
    /// A number that is less than one told before is a commit that was acknowledged and lost.
    fn hear(&mut self, (word, number): (String, u64)) {
        match word.as_str() {
            REWRAPPED => {
                assert!(!self.ended, "a rotation that ended goes on");
                assert!(number >= self.rewrapped, "{number} rewrapped, and {} acknowledged", self.rewrapped);
                self.rewrapped = number;
            }
            ENDED => self.ended = true,
            other => panic!("{other:?} was never told"),
        }
    }
}

/// Runs a process until its moment.
fn live(store: &Path, moment: &Moment, told: &mut Told) {
    let process = Process::start(TEST, moment.limit, store);
    if let Some(keys) = moment.rewrapped {
        // It tells where it begins as well, so this waits until it is at work.
        told.hear(process.next().expect("the process goes on until it is killed"));
        while told.rewrapped < keys {
            told.hear(process.next().expect("the process goes on until it is killed"));
        }
    }
    thread::sleep(moment.time);
    process.kill().into_iter().for_each(|line| told.hear(line));
}

/// The rows of records, their versions and their recipients, as they lie in the store.
async fn record_rows(store: &Path) -> Vec<(Key, Row)> {
    let store = Sled::open(store, device::options()).expect("the store opens");
    let mut rows = Vec::new();
    for prefix in [b"r", b"v", b"x"] {
        let mut range = Range::prefix(&Key::from_static(prefix), usize::MAX);
        loop {
            let page = store.scan(range.clone()).await.expect("the store answers");
            rows.extend(page.rows);
            let Some(next) = page.next else { break };
            range = range.from(next);
        }
    }
    rows
}

/// A-KEY-04, A-KEY-07, F-01: a rotation of many keys of both kinds is killed at any moment, goes on from where it was
/// acknowledged to be, and ends; then every key is, under the new KEK, what it was, and no record has been touched.
#[test]
fn a_rotation_killed_again_and_again_goes_on_and_loses_no_key() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    if let Some(Role { limit, store }) = process::role() {
        runtime.block_on(Device::on(&store).rotate(|done| {
            process::tell(REWRAPPED, done);
            if done >= limit {
                process::wait_for_the_end();
            }
        }));
        process::tell(ENDED, 0);
        return;
    }
    let root = tempfile::tempdir().expect("a temporary folder");
    let store = root.path().join("store");
    let (deks, kills) = (dose(1_000).min(10_000), dose(5));
    let keys = runtime.block_on(Device::on(&store).furnish(deks, deks / 200, 100));
    let records = runtime.block_on(record_rows(&store));
    assert_eq!(records.len(), 300, "a head, a version and the recipients of each");

    let mut told = Told::default();
    for (kill, moment) in moments(kills, keys.len() as u64).iter().enumerate() {
        assert!(!told.ended, "the rotation ended before kill {kill}");
        live(&store, moment, &mut told);
    }
    // The last kill may have come after the end.
    let process = Process::start(TEST, u64::MAX, &store);
    while let Some(line) = process.next() {
        told.hear(line);
    }
    assert!(told.ended, "the rotation ends once nobody kills it");

    let (kek, opened) = runtime.block_on(async {
        let device = Device::on(&store);
        (device.kek().await, device.opened().await)
    });
    assert_eq!((kek.generation, kek.rotation, kek.keys), (2, None, keys.len() as u64));
    assert!(opened == keys, "every key is what it was");
    assert!(runtime.block_on(record_rows(&store)) == records, "records are what they were, revisions too");
    let report = check(&store).expect("a store that was just closed opens");
    assert!(report.is_sound(), "{:?}", report.damages);
    eprintln!("{} keys, {kills} kills, none lost", keys.len());
}
