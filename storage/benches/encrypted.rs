//! What sealing costs: reading and writing one row of a store in memory, encrypted and plain.

use std::{hint::black_box, sync::Arc};

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use futures_util::FutureExt;
use strongroom_storage::{Batch, Chance, Encrypted, Key, Memory, RootKey, Storage, Write};
use zeroize::Zeroizing;

/// A store in memory never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("memory answers at once")
}

fn memory() -> Memory {
    Memory::new(Arc::new(|| 1_700_000_000_000))
}

fn put(storage: &dyn Storage, key: &Key, value: &Bytes) {
    let writes = vec![Write::Put(key.clone(), value.clone())];
    now(storage.commit(Batch { writes, ..Batch::default() })).expect("a write without guards is taken");
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let chance: Chance = Arc::new(|bytes| getrandom::fill(bytes).expect("the system gives random bytes"));
    let root = RootKey::new(Zeroizing::new([7; 32]));
    let encrypted = now(Encrypted::open(memory(), &root, chance)).expect("an empty store");
    let stores: [(&str, &dyn Storage); 2] = [("plain", &memory()), ("encrypted", &encrypted)];
    let keys = [Key::from_static(b"a row")];
    for size in [64, 1024, 100 * 1024] {
        let value = Bytes::from(vec![3; size]);
        let mut group = criterion.benchmark_group(format!("row of {size} bytes"));
        group.throughput(Throughput::Bytes(size as u64));
        for (name, store) in &stores {
            group.bench_function(format!("put, {name}"), |b| {
                b.iter(|| put(*store, &keys[0], black_box(&value)))
            });
            group.bench_function(format!("get, {name}"), |b| b.iter(|| now(store.get(black_box(&keys)))));
        }
    }
    criterion.final_summary();
}
