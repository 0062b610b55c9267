//! Opening, writing and reading in the words of these tests.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use strongroom_storage::{
    Batch, Committed, Key, OpenError, Options, Storage, StorageError, Write, redb::Redb, sled::Sled,
};

pub(crate) const BACKENDS: [&str; 2] = ["sled", "redb"];

pub(crate) fn options() -> Options {
    Options::new(Arc::new(|| 1_700_000_000_000))
}

pub(crate) fn open(backend: &str, path: &Path, options: Options) -> Result<Arc<dyn Storage>, OpenError> {
    Ok(if backend == "sled" {
        Arc::new(Sled::open(path, options)?)
    } else {
        Arc::new(Redb::open(path, options)?)
    })
}

pub(crate) fn key(name: &str) -> Key {
    Key::new(name.as_bytes().to_vec())
}

pub(crate) fn put(name: &str, value: impl Into<Bytes>) -> Write {
    Write::Put(key(name), value.into())
}

pub(crate) async fn commit(
    store: &dyn Storage,
    writes: impl IntoIterator<Item = Write>,
) -> Result<Committed, StorageError> {
    store.commit(Batch { writes: writes.into_iter().collect(), ..Batch::default() }).await
}

pub(crate) async fn value(store: &dyn Storage, name: &str) -> Result<Option<Bytes>, StorageError> {
    let mut rows = store.get(&[key(name)]).await?;
    Ok(rows.remove(0).map(|row| row.value))
}

/// A number that looks like chance and follows from its parents.
pub(crate) fn mix(seed: u64, salt: u64) -> u64 {
    let mut mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// `count` times the dose asked for; unset is the dose for every run.
pub(crate) fn dose(count: u64) -> u64 {
    count * std::env::var("STRONGROOM_SOAK").ok().and_then(|dose| dose.parse().ok()).unwrap_or(1)
}

/// What batch `number` writes under a seed: its number, and rows that repeat it, from tiny to several segments.
pub(crate) fn batch(seed: u64, number: u64) -> Vec<Write> {
    let is_heavy = mix(seed, number + 7).is_multiple_of(4);
    let rows = if is_heavy { 9 } else { 1 + mix(seed, number) % 8 };
    let mut writes = vec![put("number", number.to_be_bytes().to_vec())];
    for row in 0..rows {
        let salt = mix(mix(seed, number), row);
        let bytes = match mix(salt, 1) % 20 {
            _ if is_heavy => 1_600_000,
            0 => 1_500_000,
            1..3 => 100_000,
            3..6 => 6_000,
            _ => 300,
        };
        writes.push(put(&format!("row {}", mix(salt, 2) % 20), pattern(number, bytes)));
    }
    writes
}

fn pattern(number: u64, bytes: usize) -> Vec<u8> {
    let mut pattern = number.to_be_bytes().repeat(bytes.div_ceil(8));
    pattern.truncate(bytes);
    pattern
}

/// Holds a store to the batches up to the one it says it is at; gives that one's number.
///
/// # Errors
/// What is missing, wrong, or cannot be read.
pub(crate) async fn settle(store: &dyn Storage, seed: u64) -> Result<u64, String> {
    let read = async |name: &str| value(store, name).await.map_err(|error| format!("{name}: {error}"));
    let number = match read("number").await? {
        Some(bytes) => u64::from_be_bytes(bytes.as_ref().try_into().expect("eight bytes")),
        None => 0,
    };
    let mut expected = std::collections::BTreeMap::new();
    for write in (1..=number).flat_map(|number| batch(seed, number)) {
        if let Write::Put(key, value) = write {
            expected.insert(key, value);
        }
    }
    for row in 0..20 {
        let name = format!("row {row}");
        if read(&name).await? != expected.get(&key(&name)).cloned() {
            return Err(format!("{name} is not as the batches up to {number} left it"));
        }
    }
    Ok(number)
}
