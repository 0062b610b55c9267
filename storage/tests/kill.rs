//! F-01: kill -9 at a random moment under load, again and again, over one store.

mod support;

use std::{
    thread,
    time::{Duration, Instant},
};

use strongroom_storage::check::check;
use support::{Backend, Truth, Writer, dose, mix, store_in, write_if_asked_to};

const CYCLES: usize = 100;

/// The longest a store may take to be ready after a kill (F-01).
const READY: Duration = Duration::from_secs(2);

/// F-01
#[test]
fn sled_loses_no_acknowledged_write_to_kill_9() {
    kill_again_and_again("sled_loses_no_acknowledged_write_to_kill_9", Backend::Sled);
}

/// F-01
#[test]
fn redb_loses_no_acknowledged_write_to_kill_9() {
    kill_again_and_again("redb_loses_no_acknowledged_write_to_kill_9", Backend::Redb);
}

fn kill_again_and_again(test: &str, backend: Backend) {
    if write_if_asked_to() {
        return;
    }
    let root = tempfile::tempdir().expect("a temporary folder");
    let path = store_in(root.path());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let seed = 1;
    let mut truth = Truth::new(seed);
    let mut writes = 0;
    let mut slowest = Duration::ZERO;
    for cycle in 0..dose(CYCLES) {
        let writer = Writer::start(test, backend, &path, seed, true);
        thread::sleep(Duration::from_millis(mix(seed, cycle as u64) % 150));
        let acknowledged = writer.kill();

        #[expect(clippy::disallowed_methods, reason = "how long a real opening takes is what is measured")]
        let begun = Instant::now();
        let store = backend.open(&path, true).unwrap_or_else(|error| panic!("cycle {cycle}: {error}"));
        slowest = slowest.max(begun.elapsed());
        let verdict = runtime.block_on(truth.settle(&*store, &acknowledged));
        drop(store);
        verdict.unwrap_or_else(|lost| panic!("cycle {cycle}: {lost}"));
        writes = acknowledged.iter().sum();
    }
    let report = check(&path).expect("a store that was just closed opens");
    assert!(report.is_sound(), "{:?}", report.damages);
    assert!(slowest < READY, "the slowest opening took {slowest:?}");
    eprintln!("{test}: {writes} acknowledged writes, none lost; slowest opening {slowest:?}");
}
