//! Promises of `get`.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{batch, commit, delete, key, put, row, value};
use crate::{Range, Storage, VALUE_BYTES_MAX};

/// An empty store answers every question with nothing.
pub async fn a_fresh_store_holds_nothing(storage: impl Storage) {
    assert_eq!(row(&storage, "a").await, None);
    assert!(storage.get(&[]).await.expect("a question without keys is fine").is_empty());
    let page = storage.scan(Range::all(10)).await.expect("an empty store can be scanned");
    assert!(page.rows.is_empty(), "rows in a fresh store: {:?}", page.rows);
    assert_eq!(page.next, None);
    assert_eq!(storage.info().refusing_writes, None);
}

/// What was put is what is read, byte for byte.
pub async fn a_put_row_is_read_back_as_written(storage: impl Storage) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let committed = commit(&storage, batch([put(&every_byte, &every_byte)])).await;
    let found = row(&storage, &every_byte).await.expect("the row is there");
    assert_eq!(found.value, every_byte);
    assert_eq!(found.revision, committed.revision);
}

/// The answer has one place per key asked for, in that order, doubles and absent keys included.
pub async fn get_answers_in_the_order_asked_for(storage: impl Storage) {
    commit(&storage, batch([put("a", "1"), put("b", "2"), put("c", "3")])).await;
    let keys = ["c", "absent", "a", "c", "b"].map(key);
    let rows = storage.get(&keys).await.expect("a healthy store answers");
    let values: Vec<_> = rows.iter().map(|row| row.as_ref().map(|row| row.value.as_ref())).collect();
    let expected: [Option<&[u8]>; 5] = [Some(b"3"), None, Some(b"1"), Some(b"3"), Some(b"2")];
    assert_eq!(values, expected);
}

/// A reader of two rows that are always written together never sees them apart.
pub async fn get_is_one_instant(storage: impl Storage) {
    let done = AtomicBool::new(false);
    let writer = async {
        for round in 0..50_u32 {
            let text = round.to_string();
            commit(&storage, batch([put("left", &text), put("right", &text)])).await;
        }
        done.store(true, Ordering::SeqCst);
    };
    let reader = async {
        let keys = [key("left"), key("right")];
        while !done.load(Ordering::SeqCst) {
            let rows = storage.get(&keys).await.expect("a healthy store answers");
            let values: Vec<_> = rows.iter().map(|row| row.as_ref().map(|row| row.value.clone())).collect();
            assert_eq!(values[0], values[1], "two rows of one batch were seen apart");
            // Lets the writer go on where both share a thread.
            breathe().await;
        }
    };
    futures_util::future::join(writer, reader).await;
}

/// Values from nothing to the largest come back whole, and so does what replaces them.
pub async fn values_of_every_size_come_back_whole(storage: impl Storage) {
    let sizes = [0, 1, 255, 4_000, 4_067, 4_068, 4_096, 8_163, 8_164, 100 * 1024, 1 << 20, VALUE_BYTES_MAX];
    let pattern = |bytes: usize, salt: usize| -> Vec<u8> {
        (0..bytes).map(|at| (at.wrapping_mul(31) ^ (at >> 8) ^ salt) as u8).collect()
    };
    for (salt, bytes) in sizes.into_iter().enumerate() {
        let written = pattern(bytes, salt);
        commit(&storage, batch([put("row", &written)])).await;
        assert!(value(&storage, "row").await == Some(written), "{bytes} bytes did not come back as written");
    }
    commit(&storage, batch([put("row", "small again")])).await;
    assert_eq!(value(&storage, "row").await.as_deref(), Some(b"small again".as_slice()));
}

/// Neither a key nor a value needs a byte to exist.
pub async fn the_empty_key_and_the_empty_value_are_a_row(storage: impl Storage) {
    commit(&storage, batch([put("", "")])).await;
    assert_eq!(value(&storage, "").await, Some(Vec::new()));
    let page = storage.scan(Range::all(10)).await.expect("a healthy store answers");
    assert_eq!(page.rows.len(), 1);
}

/// After a delete, neither `get` nor `scan` knows the row.
pub async fn a_deleted_row_is_gone(storage: impl Storage) {
    let large = vec![7; 100_000];
    commit(&storage, batch([put("small", "1"), put("large", &large), put("kept", "2")])).await;
    commit(&storage, batch([delete("small"), delete("large")])).await;
    assert_eq!(row(&storage, "small").await, None);
    assert_eq!(row(&storage, "large").await, None);
    let page = storage.scan(Range::all(10)).await.expect("a healthy store answers");
    let keys: Vec<_> = page.rows.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [key("kept")]);
}

/// Is pending once, so that others on the same thread get their turn.
async fn breathe() {
    let mut rested = false;
    std::future::poll_fn(|context| {
        if rested {
            return std::task::Poll::Ready(());
        }
        rested = true;
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
