//! Promises about size: what is over a limit is refused with its size, what is at the limit is taken.

use super::{batch, commit, put, row, value};
use crate::{BATCH_BYTES_MAX, KEY_BYTES_MAX, Storage, StorageError, TooLarge, VALUE_BYTES_MAX};

/// A key of one byte too many is refused and nothing of its batch is written.
pub async fn an_oversize_key_is_refused(storage: impl Storage) {
    let long = vec![b'k'; KEY_BYTES_MAX + 1];
    let refused = storage.commit(batch([put("beside", "x"), put(&long, "x")])).await;
    let expected = TooLarge::Key { bytes: KEY_BYTES_MAX + 1, max: KEY_BYTES_MAX };
    assert_eq!(refused, Err(StorageError::TooLarge(expected)));
    assert_eq!(row(&storage, "beside").await, None);
    // Asking for a key that can not exist is no error: there is no such row.
    assert_eq!(row(&storage, &long).await, None);
}

/// A value of one byte too many is refused and nothing of its batch is written.
pub async fn an_oversize_value_is_refused(storage: impl Storage) {
    let refused = storage.commit(batch([put("beside", "x"), put("a", vec![0; VALUE_BYTES_MAX + 1])])).await;
    let expected = TooLarge::Value { bytes: VALUE_BYTES_MAX + 1, max: VALUE_BYTES_MAX };
    assert_eq!(refused, Err(StorageError::TooLarge(expected)));
    assert_eq!(row(&storage, "beside").await, None);
}

/// A batch that is too large as a whole is refused, even if each of its rows would be taken.
pub async fn an_oversize_batch_is_refused(storage: impl Storage) {
    let rows = BATCH_BYTES_MAX / VALUE_BYTES_MAX + 1;
    let refused = storage.commit(batch((0..rows).map(|n| put([n as u8], vec![0; VALUE_BYTES_MAX])))).await;
    assert!(matches!(refused, Err(StorageError::TooLarge(TooLarge::Batch { .. }))), "{refused:?}");
    assert_eq!(row(&storage, [0]).await, None);
}

/// The longest key with the largest value is an ordinary row.
pub async fn the_largest_key_and_value_are_taken(storage: impl Storage) {
    let (longest, largest) = (vec![0xff; KEY_BYTES_MAX], vec![0x5a; VALUE_BYTES_MAX]);
    commit(&storage, batch([put(&longest, &largest)])).await;
    assert!(value(&storage, &longest).await == Some(largest), "the largest row came back changed");
}
