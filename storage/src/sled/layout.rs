//! How rows lie in sled's one tree.
//!
//! sled moves what is larger than a quarter of its segments into files that it never syncs, and several values share
//! a page, so no value here is over [`VALUE_BYTES`]. A row's head holds the first piece of its value; the others lie
//! under a prefix of their own, by the row's revision, so a new value never touches a piece of the old one.

use sled::Batch;

use crate::{
    Key, Revision,
    disk::{Change, StoredRow, row::HEAD_BYTES},
};

/// The largest value sled is given, in bytes.
pub(super) const VALUE_BYTES: usize = 4_096;

/// The size of a segment of sled's log, in bytes: 8 MiB, so that an ordinary group begins one new segment at most.
pub(super) const SEGMENT_BYTES: usize = 8 * 1024 * 1024;

/// How many bytes of log an entry costs beside its own: now and then its whole page is written again, of up to 17
/// entries; on average every tenth time.
const ENTRY_LOG_BYTES: usize = 8 * 1024;

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

/// The key of piece `number` of the value written at `revision`; the head holds piece 0.
pub(super) fn piece_key(revision: Revision, number: u32) -> [u8; 13] {
    let mut bytes = [PIECE; 13];
    bytes[1..9].copy_from_slice(&revision.0.to_be_bytes());
    bytes[9..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// Which piece a piece's key names.
pub(super) fn piece_of(key: &[u8]) -> Option<(Revision, u32)> {
    let (&PIECE, rest) = key.split_first()? else { return None };
    let (revision, number) = rest.split_first_chunk()?;
    Some((Revision(u64::from_be_bytes(*revision)), u32::from_be_bytes(number.try_into().ok()?)))
}

/// How many pieces a value of this size has beside the one in its head.
pub(super) fn further_pieces(value_bytes: usize) -> u32 {
    // At most 2 MiB / 4 KiB.
    value_bytes.saturating_sub(INLINE_BYTES).div_ceil(VALUE_BYTES) as u32
}

/// Whether a change may fill more than a segment of the log, in which case it has to be undone if it is interrupted.
pub(super) fn is_heavy(change: &Change) -> bool {
    let mut bytes = 0;
    for altered in change.rows.values() {
        let pieces = |stored: &StoredRow| further_pieces(stored.row.value.len()) as usize;
        let removed = altered.before.as_ref().map_or(0, pieces);
        let written = altered.after.as_ref().map_or(0, pieces);
        let value_bytes = altered.after.as_ref().map_or(0, |after| after.row.value.len());
        bytes += value_bytes + (1 + removed + written) * ENTRY_LOG_BYTES;
    }
    bytes > SEGMENT_BYTES / 4 * 3
}

/// The change in sled's terms, meta row included.
pub(super) fn batch(change: &Change) -> Batch {
    let mut batch = Batch::default();
    for (key, altered) in &change.rows {
        if let Some(before) = &altered.before {
            for number in 1..=further_pieces(before.row.value.len()) {
                batch.remove(&piece_key(before.row.revision, number));
            }
        }
        match &altered.after {
            Some(after) => put(&mut batch, key, after),
            None => batch.remove(head_key(key)),
        }
    }
    batch.insert(META, &change.meta.encode()[..]);
    batch
}

fn put(batch: &mut Batch, key: &Key, stored: &StoredRow) {
    let value = &stored.row.value;
    let inline = value.len().min(INLINE_BYTES);
    batch.insert(head_key(key), stored.encode(inline));
    for (number, piece) in (1..).zip(value[inline..].chunks(VALUE_BYTES)) {
        batch.insert(&piece_key(stored.row.revision, number), piece);
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
        let key = piece_key(Revision(7), 3);
        assert_eq!(piece_of(&key), Some((Revision(7), 3)));
        assert_eq!(piece_of(&key[..12]), None);
        assert_eq!(piece_of(&head_key(&Key::from_static(b"twelve bytes"))), None);
    }
}
