//! Encrypted stores: the promises of every store, and what a thief, a slip and a wrong key meet.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::{Memory, VALUE_BYTES_MAX, WallClock};

const CANARY: &[u8] = b"a canary that must not sing";

fn root(byte: u8) -> RootKey {
    RootKey::new(Zeroizing::new([byte; 32]))
}

/// Random enough for tests: a counter through a hash, so that no two writes are alike.
fn chance() -> Chance {
    let drawn = AtomicU64::new(0);
    Arc::new(move |bytes| {
        let seed = drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        blake3::Hasher::new().update(&seed).finalize_xof().fill(bytes);
    })
}

fn memory() -> Arc<Memory> {
    Arc::new(Memory::new(Arc::new(|| 1_700_000_000_000)))
}

fn key(name: &'static str) -> Key {
    Key::from_static(name.as_bytes())
}

async fn encrypted<S: Storage>(inner: S) -> Encrypted<S> {
    Encrypted::open(inner, &root(1), chance()).await.unwrap()
}

async fn put(storage: &impl Storage, key: &Key, value: impl Into<Bytes>) {
    let writes = vec![Write::Put(key.clone(), value.into())];
    storage.commit(Batch { writes, ..Batch::default() }).await.unwrap();
}

async fn value(storage: &impl Storage, key: &Key) -> Result<Option<Bytes>, StorageError> {
    let rows = storage.get(std::slice::from_ref(key)).await?;
    Ok(rows.into_iter().flatten().next().map(|row| row.value))
}

#[cfg(feature = "conformance")]
#[tokio::test]
async fn an_encrypted_store_keeps_every_promise() {
    crate::conformance::all(async |clock| encrypted(Memory::new(clock)).await).await;
}

#[cfg(all(feature = "conformance", feature = "sled"))]
#[tokio::test]
async fn an_encrypted_store_on_disk_keeps_its_promises_over_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let open = async |clock: WallClock| {
        let options = crate::Options::new(clock);
        encrypted(crate::sled::Sled::open(folder.path().join("store"), options).unwrap()).await
    };
    crate::conformance::reopened(open).await;
}

#[cfg(all(feature = "conformance", feature = "redb"))]
#[tokio::test]
async fn an_encrypted_store_on_redb_keeps_every_promise() {
    let folder = tempfile::tempdir().unwrap();
    let stores = std::cell::Cell::new(0);
    let open = async |clock: WallClock| {
        stores.set(stores.get() + 1);
        let path = folder.path().join(stores.get().to_string());
        encrypted(crate::redb::Redb::open(path, crate::Options::new(clock)).unwrap()).await
    };
    crate::conformance::all(open).await;
}

/// Nothing of a value lies below, in no row; what lies there does not tell equal values.
#[tokio::test]
async fn no_value_lies_below() {
    let below = memory();
    let store = encrypted(below.clone()).await;
    put(&store, &key("a"), CANARY).await;
    put(&store, &key("b"), CANARY).await;
    let rows = below.scan(Range::all(10)).await.unwrap().rows;
    assert_eq!(rows.len(), 3, "two rows and the wrapper's own");
    for (key, row) in &rows {
        let shown = row.value.windows(CANARY.len()).any(|window| window == CANARY);
        assert!(!shown, "{key:?} shows its value");
    }
    assert_ne!(rows[1].1.value, rows[2].1.value);
    assert_eq!(value(&store, &key("a")).await.unwrap().as_deref(), Some(CANARY));
}

/// A-STO-03
#[tokio::test]
async fn a_wrong_root_key_opens_nothing_and_is_named() {
    let below = memory();
    put(&encrypted(below.clone()).await, &key("a"), "1").await;
    let refused = Encrypted::open(below.clone(), &root(2), chance()).await.err();
    let expected = EncryptedError::OtherRootKey { sealed_under: root(1).id(), given: root(2).id() };
    assert_eq!(refused, Some(expected));
    assert_eq!(Encryption::of(&below).await, Ok(Encryption::Under(root(1).id())));
    assert_eq!(value(&encrypted(below).await, &key("a")).await.unwrap().as_deref(), Some(&b"1"[..]));
}

#[tokio::test]
async fn a_plain_store_is_not_opened_as_an_encrypted_one() {
    let plain = memory();
    assert_eq!(Encryption::of(&plain).await, Ok(Encryption::Empty));
    put(&plain, &key("a"), "1").await;
    assert_eq!(Encryption::of(&plain).await, Ok(Encryption::Plain));
    let refused = Encrypted::open(plain.clone(), &root(1), chance()).await.err();
    assert_eq!(refused, Some(EncryptedError::NotEncrypted));
    assert_eq!(plain.len(), 1, "a refusal changes nothing");
}

/// A-STO-01: rows whose values were swapped do not open, and neither does one that was copied to another key.
#[tokio::test]
async fn swapped_and_moved_rows_do_not_open() {
    let below = memory();
    let store = encrypted(below.clone()).await;
    put(&store, &key("a"), "of a").await;
    put(&store, &key("b"), "of b").await;
    put(&store, &key("c"), "of c").await;
    let (a, b) = (value(&below, &key("a")).await.unwrap(), value(&below, &key("b")).await.unwrap());
    put(&below, &key("a"), b.unwrap()).await;
    put(&below, &key("b"), a.unwrap()).await;
    for moved in [key("a"), key("b")] {
        let place = crate::error::hex(moved.as_bytes());
        assert_eq!(value(&store, &moved).await, Err(StorageError::Corrupt { place }));
    }
    assert!(store.scan(Range::all(10)).await.is_err(), "a scan does not leave them out");
    assert_eq!(store.check().await.unwrap(), [key("a"), key("b")]);
    assert_eq!(value(&store, &key("c")).await.unwrap().as_deref(), Some(&b"of c"[..]));
}

/// A-STO-01: another store under the same root key, whose row has the same key.
#[tokio::test]
async fn a_row_of_another_store_does_not_open() {
    let (ours, theirs) = (memory(), memory());
    let store = encrypted(ours.clone()).await;
    let draws = chance();
    draws(&mut [0; 8]);
    let other = Encrypted::open(theirs.clone(), &root(1), draws).await.unwrap();
    put(&other, &key("a"), "theirs").await;
    put(&ours, &key("a"), value(&theirs, &key("a")).await.unwrap().unwrap()).await;
    assert!(value(&store, &key("a")).await.is_err());
}

/// A plain value that somebody without the key writes below is not taken for one of ours.
#[tokio::test]
async fn a_value_that_was_not_sealed_does_not_open() {
    let below = memory();
    let store = encrypted(below.clone()).await;
    for planted in [&b""[..], b"\x01", CANARY, &[1; 100]] {
        put(&below, &key("a"), planted).await;
        assert!(value(&store, &key("a")).await.is_err(), "{} bytes were taken", planted.len());
    }
}

#[tokio::test]
async fn the_wrappers_own_row_is_neither_shown_nor_written() {
    let below = memory();
    let store = encrypted(below.clone()).await;
    assert_eq!(value(&store, &RESERVED_KEY).await, Ok(None));
    assert!(store.scan(Range::all(10)).await.unwrap().rows.is_empty());
    for write in [Write::Put(RESERVED_KEY.clone(), Bytes::new()), Write::Delete(RESERVED_KEY.clone())] {
        let batch = Batch { writes: vec![write], ..Batch::default() };
        assert!(store.commit(batch).await.is_err());
    }
    assert_eq!(Encryption::of(&below).await, Ok(Encryption::Under(root(1).id())));
}

#[tokio::test]
async fn a_damaged_or_newer_marker_is_named() {
    let below = memory();
    drop(encrypted(below.clone()).await);
    let marker = value(&below, &RESERVED_KEY).await.unwrap().unwrap();
    let open = async |bytes: Vec<u8>| {
        put(&below, &RESERVED_KEY, bytes).await;
        Encrypted::open(below.clone(), &root(1), chance()).await.err()
    };
    for at in 9..marker.len() {
        let mut damaged = marker.to_vec();
        damaged[at] ^= 1;
        assert_eq!(open(damaged).await, Some(EncryptedError::Damaged), "byte {at}");
    }
    assert_eq!(open(marker[..20].to_vec()).await, Some(EncryptedError::Damaged));
    assert_eq!(open(vec![2; 90]).await, Some(EncryptedError::Newer { found: 2, known: 1 }));
    assert_eq!(open(marker.to_vec()).await, None);
}

/// Pages around the wrapper's own row neither miss nor double a row, whatever lies on either side.
#[tokio::test]
async fn pages_around_the_wrappers_own_row_join() {
    let store = encrypted(memory()).await;
    let names: [&'static str; 6] = ["", "\0", "\0a", "\0strongroom encrypted\0", "\0t", "x"];
    for name in names {
        put(&store, &key(name), name).await;
    }
    for limit in 1..8 {
        let mut found = Vec::new();
        let mut range = Some(Range::all(limit));
        while let Some(wanted) = range {
            let page = store.scan(wanted.clone()).await.unwrap();
            assert!(page.rows.len() <= limit);
            assert!(page.next.is_none() || !page.rows.is_empty());
            found.extend(page.rows.into_iter().map(|(key, _)| key));
            range = page.next.map(|next| wanted.from(next));
        }
        assert_eq!(found, names.map(key), "with pages of {limit}");
    }
}

/// Who writes through the wrapper is told the sizes that they know.
#[tokio::test]
async fn limits_are_told_without_what_the_seal_adds() {
    let store = encrypted(memory()).await;
    let writes = vec![Write::Put(key("a"), vec![0; VALUE_BYTES_MAX + 1].into())];
    let refused = store.commit(Batch { writes, ..Batch::default() }).await;
    let expected = crate::TooLarge::Value { bytes: VALUE_BYTES_MAX + 1, max: VALUE_BYTES_MAX };
    assert_eq!(refused, Err(StorageError::TooLarge(expected)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is written and deleted, the encrypted store answers like the plain one, revisions aside.
    #[test]
    fn an_encrypted_store_answers_like_a_plain_one(
        steps in prop::collection::vec((0_u8..12, prop::option::of(prop::collection::vec(any::<u8>(), 0..80))), 0..40),
        limit in 1_usize..6,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let below = memory();
            let store = encrypted(below.clone()).await;
            let mut model = BTreeMap::new();
            for (name, step) in steps {
                let key = Key::new(vec![name % 3; usize::from(name / 3)]);
                let write = match step {
                    Some(value) => {
                        model.insert(key.clone(), value.clone());
                        Write::Put(key, value.into())
                    }
                    None => {
                        model.remove(&key);
                        Write::Delete(key)
                    }
                };
                store.commit(Batch { writes: vec![write], ..Batch::default() }).await.unwrap();
            }
            // Opened anew, so that nothing but what lies below can answer.
            let store = encrypted(below).await;
            let mut found = BTreeMap::new();
            let mut range = Some(Range::all(limit));
            while let Some(wanted) = range {
                let page = store.scan(wanted.clone()).await.unwrap();
                found.extend(page.rows.into_iter().map(|(key, row)| (key, row.value.to_vec())));
                range = page.next.map(|next| wanted.from(next));
            }
            prop_assert_eq!(&found, &model);
            prop_assert!(store.check().await.unwrap().is_empty());
            Ok(())
        })?;
    }
}
