//! How rows lie in sled's one tree.
//!
//! sled moves what is larger than a quarter of its segments into files that it never syncs, and several values share
//! a page, so no value here is over [`VALUE_BYTES`]. A row's head holds the first piece of its value; the others lie
//! under a prefix of their own, by the row's key, so that a new value takes the place of the old one: written under
//! keys of its own, which the old ones would have to make room for, it cost twice the log.

use crate::{
    Batch, Key, Write,
    disk::{Change, StoredRow, row::HEAD_BYTES},
};

/// The largest value sled is given, in bytes.
pub(super) const VALUE_BYTES: usize = 4_096;

/// The size of a segment of sled's log, in bytes: 8 MiB, so that an ordinary group begins one new segment at most.
pub(super) const SEGMENT_BYTES: usize = 8 * 1024 * 1024;

/// How many bytes of log sled writes for each byte of an entry: now and then it writes the whole page again. Measured:
/// 3.2 for new rows of 1 KiB to 100 KiB.
const LOG_PER_BYTE: usize = 4;

/// How many bytes of log an entry costs beside that: the pages written again hold other entries too.
const LOG_PER_ENTRY: usize = 2 * 1024;

/// The log that a group may cost before it is heavy, in bytes.
pub(super) const GROUP_LOG_BYTES_MAX: usize = SEGMENT_BYTES / 4 * 3;

/// How much of a row's value stands in its head.
pub(super) const INLINE_BYTES: usize = VALUE_BYTES - HEAD_BYTES;

/// What begins the key of a row's head.
pub(super) const HEAD: u8 = b'h';

/// The key of the meta row.
pub(super) const META: &[u8] = b"m";

/// What begins the key of a further piece.
pub(super) const PIECE: u8 = b'p';

/// The key of a row's head.
pub(super) fn head_key(key: &Key) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + key.as_bytes().len());
    bytes.push(HEAD);
    bytes.extend_from_slice(key.as_bytes());
    bytes
}

/// The key of piece `number` of the value under `key`; the head holds piece 0.
pub(super) fn piece_key(key: &Key, number: u32) -> Vec<u8> {
    let key = key.as_bytes();
    let mut bytes = Vec::with_capacity(1 + 2 + key.len() + 4);
    bytes.push(PIECE);
    // No key is longer than 256 bytes. The length keeps one row's pieces from lying among another's.
    bytes.extend_from_slice(&(key.len() as u16).to_be_bytes());
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes
}

/// Which piece a piece's key names.
pub(super) fn piece_of(bytes: &[u8]) -> Option<(Key, u32)> {
    let (&PIECE, rest) = bytes.split_first()? else { return None };
    let (length, rest) = rest.split_first_chunk()?;
    let (key, number) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    Some((Key::new(key.to_vec()), u32::from_be_bytes(number.try_into().ok()?)))
}

/// How many pieces a value of this size has beside the one in its head.
pub(super) fn further_pieces(value_bytes: usize) -> u32 {
    // At most 2 MiB / 4 KiB.
    value_bytes.saturating_sub(INLINE_BYTES).div_ceil(VALUE_BYTES) as u32
}

/// How many bytes of log it may cost to put a value of `after` bytes in the place of one of `before`, 0 for none.
fn log_bytes(before: usize, after: usize) -> usize {
    let entries = 1 + further_pieces(before.max(after)) as usize;
    after * LOG_PER_BYTE + entries * LOG_PER_ENTRY
}

/// How many bytes of log a batch may cost, as far as can be told without looking at what it replaces.
pub(super) fn batch_log_bytes(batch: &Batch) -> usize {
    let cost = |write: &Write| match write {
        Write::Put(_, value) => log_bytes(0, value.len()),
        Write::Delete(_) => log_bytes(0, 0),
    };
    batch.writes.iter().map(cost).sum()
}

/// Whether a change may fill more than a segment of the log, in which case it has to be undone if it is interrupted.
pub(super) fn is_heavy(change: &Change) -> bool {
    let value_bytes = |stored: &Option<StoredRow>| stored.as_ref().map_or(0, |stored| stored.row.value.len());
    let costs = change.rows.values().map(|row| log_bytes(value_bytes(&row.before), value_bytes(&row.after)));
    costs.sum::<usize>() > GROUP_LOG_BYTES_MAX
}

/// The change in sled's terms, meta row included.
pub(super) fn batch(change: &Change) -> sled::Batch {
    let mut batch = sled::Batch::default();
    for (key, altered) in &change.rows {
        let pieces = |stored: &Option<StoredRow>| {
            stored.as_ref().map_or(0, |stored| further_pieces(stored.row.value.len()))
        };
        for number in pieces(&altered.after) + 1..=pieces(&altered.before) {
            batch.remove(piece_key(key, number));
        }
        match &altered.after {
            Some(after) => put(&mut batch, key, after),
            None => batch.remove(head_key(key)),
        }
    }
    batch.insert(META, &change.meta.encode()[..]);
    batch
}

fn put(batch: &mut sled::Batch, key: &Key, stored: &StoredRow) {
    let value = &stored.row.value;
    let inline = value.len().min(INLINE_BYTES);
    batch.insert(head_key(key), stored.encode(inline));
    for (number, piece) in (1..).zip(value[inline..].chunks(VALUE_BYTES)) {
        batch.insert(piece_key(key, number), piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_cut_where_its_head_ends_and_every_piece_after() {
        for (bytes, pieces) in [
            (0, 0),
            (INLINE_BYTES, 0),
            (INLINE_BYTES + 1, 1),
            (INLINE_BYTES + VALUE_BYTES, 1),
            (INLINE_BYTES + VALUE_BYTES + 1, 2),
        ] {
            assert_eq!(further_pieces(bytes), pieces, "{bytes} bytes");
        }
    }

    #[test]
    fn a_piece_key_names_its_piece_and_nothing_else_is_one() {
        let key = Key::from_static(b"key");
        let bytes = piece_key(&key, 3);
        assert_eq!(piece_of(&bytes), Some((key.clone(), 3)));
        assert_eq!(piece_of(&bytes[..bytes.len() - 1]), None);
        assert_eq!(piece_of(&[bytes.as_slice(), &[0]].concat()), None);
        assert_eq!(piece_of(&head_key(&key)), None);
    }
}
