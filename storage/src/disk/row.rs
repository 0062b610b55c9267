//! How a row lies on disk: a head of fixed size, then the value or its first piece.
//!
//! The checksum binds the value to its key and revision, so a row that a damaged index hands out under another key,
//! or an older write of the same key, is recognised as wrong. Checksums find accidents, not forgeries: sealing rows
//! against a thief belongs to a wrapper above.

use bytes::Bytes;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use super::{FORMAT, corrupt};
use crate::{Key, OVERHEAD_BYTES_MAX, Revision, Row, StorageError, VALUE_BYTES_MAX};

/// The bytes before the value: format (1), revision (8), value length (4), checksum (16), all big-endian.
pub(crate) const HEAD_BYTES: usize = 1 + 8 + 4 + 16;

/// XXH3-128 of the value, seeded with the key and the revision.
pub(crate) fn checksum(key: &Key, revision: Revision, value: &[u8]) -> u128 {
    xxh3_128_with_seed(value, xxh3_64_with_seed(key.as_bytes(), revision.0))
}

/// A row together with its checksum, which the running sum needs when the row goes.
#[derive(Debug, Clone)]
pub(crate) struct StoredRow {
    pub(crate) row: Row,
    pub(crate) checksum: u128,
}

impl StoredRow {
    /// The row that a write of `value` makes.
    pub(crate) fn new(key: &Key, revision: Revision, value: Bytes) -> Self {
        let checksum = checksum(key, revision, &value);
        Self { row: Row { revision, value }, checksum }
    }

    /// The head in front of the first `inline` bytes of the value.
    pub(crate) fn encode(&self, inline: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + inline);
        bytes.push(FORMAT);
        bytes.extend_from_slice(&self.row.revision.0.to_be_bytes());
        bytes.extend_from_slice(&(self.row.value.len() as u32).to_be_bytes());
        bytes.extend_from_slice(&self.checksum.to_be_bytes());
        bytes.extend_from_slice(&self.row.value[..inline]);
        bytes
    }
}

/// The fixed part of a stored row, read back and not yet believed: only [`Head::verified`] turns it into a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) revision: Revision,
    pub(crate) value_bytes: usize,
    pub(crate) checksum: u128,
}

impl Head {
    /// Reads the head in front of a stored value; gives the rest along with it.
    ///
    /// # Errors
    /// `Corrupt` if these bytes cannot be a row's.
    pub(crate) fn decode<'a>(key: &Key, bytes: &'a [u8]) -> Result<(Self, &'a [u8]), StorageError> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>().ok_or_else(|| corrupt(key))?;
        let value_bytes = u32::from_be_bytes(field(head, 9)) as usize;
        let bytes_max = VALUE_BYTES_MAX + OVERHEAD_BYTES_MAX;
        if head[0] != FORMAT || value_bytes > bytes_max || rest.len() > value_bytes {
            return Err(corrupt(key));
        }
        let revision = Revision(u64::from_be_bytes(field(head, 1)));
        Ok((Self { revision, value_bytes, checksum: u128::from_be_bytes(field(head, 13)) }, rest))
    }

    /// The row, if `value` is what was written under `key` at this head's revision.
    ///
    /// # Errors
    /// `Corrupt` if it is not.
    pub(crate) fn verified(self, key: &Key, value: Bytes) -> Result<StoredRow, StorageError> {
        if value.len() != self.value_bytes || checksum(key, self.revision, &value) != self.checksum {
            return Err(corrupt(key));
        }
        Ok(StoredRow { row: Row { revision: self.revision, value }, checksum: self.checksum })
    }
}

fn field<const BYTES: usize>(head: &[u8; HEAD_BYTES], at: usize) -> [u8; BYTES] {
    let mut field = [0; BYTES];
    field.copy_from_slice(&head[at..at + BYTES]);
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> (Key, StoredRow) {
        let key = Key::from_static(b"key");
        let row = StoredRow::new(&key, Revision(0x0102_0304_0506_0708), Bytes::from_static(b"value"));
        (key, row)
    }

    #[test]
    fn the_row_format_on_disk_does_not_change_unnoticed() {
        let (_, stored) = stored();
        let written = super::super::hex(&stored.encode(5));
        // Format, revision, length, checksum, value.
        let expected =
            ["01", "0102030405060708", "00000005", "9868dfc8b45c53440722f58467d14353", "76616c7565"];
        assert_eq!(written, expected.concat());
    }

    /// A-STO-02: one flipped bit anywhere in a row is seen.
    #[test]
    fn any_flipped_bit_of_a_stored_row_is_seen() {
        let (key, stored) = stored();
        let bytes = stored.encode(5);
        for at in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            let read = Head::decode(&key, &flipped)
                .and_then(|(head, value)| head.verified(&key, Bytes::copy_from_slice(value)));
            assert!(read.is_err(), "bit {at} went unseen");
        }
    }

    #[test]
    fn a_row_under_another_key_is_not_believed() {
        let (key, stored) = stored();
        let bytes = stored.encode(5);
        let (head, value) = Head::decode(&key, &bytes).expect("a whole head");
        assert!(head.verified(&Key::from_static(b"kez"), Bytes::copy_from_slice(value)).is_err());
    }
}
