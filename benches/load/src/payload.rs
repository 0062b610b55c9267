//! The bytes that are written: incompressible, different for every client, and changed by every write.
//!
//! They need no cryptographic chance. They must not compress (PostgreSQL would store less than the others), and both
//! halves must change with each write, because a Keyknox record refuses a new value under an old meta.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of the `meta` part, which every payload carries in front of its value.
pub(crate) const META_BYTES: usize = 66;

/// Each part begins with this many bytes that change with every write; a multiple of three, so that in base64 the
/// change stays within the first sixteen characters.
pub(crate) const STAMP_BYTES: usize = 12;

/// Counts the payloads made by this process: two connections of one client must not repeat each other's writes, for
/// writing what is already there may cost a server nothing.
static MADE: AtomicU64 = AtomicU64::new(0);

/// One client's content. Peers without the distinction store `meta` and `value` as one run of bytes.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    bytes: Vec<u8>,
    writes: u64,
    client: u64,
}

impl Payload {
    /// Content for client number `client` with a value of `value_bytes`, at least [`STAMP_BYTES`].
    pub(crate) fn new(client: usize, value_bytes: usize) -> Payload {
        let client = client as u64;
        let mut state = client.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut bytes = Vec::with_capacity(META_BYTES + value_bytes + 8);
        while bytes.len() < META_BYTES + value_bytes {
            bytes.extend_from_slice(&splitmix(&mut state).to_le_bytes());
        }
        bytes.truncate(META_BYTES + value_bytes);
        Payload { bytes, writes: MADE.fetch_add(1, Ordering::Relaxed) << 32, client }
    }

    /// Changes both parts for the next write.
    pub(crate) fn turn(&mut self) {
        self.writes += 1;
        let mut state = self.writes ^ (self.client << 20);
        let mut stamp = [0; 16];
        stamp[..8].copy_from_slice(&self.writes.to_be_bytes());
        stamp[8..].copy_from_slice(&splitmix(&mut state).to_be_bytes());
        self.bytes[..STAMP_BYTES].copy_from_slice(&stamp[..STAMP_BYTES]);
        self.bytes[META_BYTES..META_BYTES + STAMP_BYTES].copy_from_slice(&stamp[16 - STAMP_BYTES..]);
    }

    /// Everything: `meta`, then `value`.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The two parts.
    pub(crate) fn parts(&self) -> (&[u8], &[u8]) {
        self.bytes.split_at(META_BYTES)
    }
}

/// The SplitMix64 sequence: a counter through a bijective mixer.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_write_changes_both_parts_within_their_stamps() {
        let mut payload = Payload::new(3, 1024);
        let before = payload.clone();
        payload.turn();
        let ((meta, value), (old_meta, old_value)) = (payload.parts(), before.parts());
        assert_eq!((meta.len(), value.len()), (META_BYTES, 1024));
        assert_ne!(meta[..STAMP_BYTES], old_meta[..STAMP_BYTES]);
        assert_ne!(value[..STAMP_BYTES], old_value[..STAMP_BYTES]);
        assert_eq!(meta[STAMP_BYTES..], old_meta[STAMP_BYTES..]);
        assert_eq!(value[STAMP_BYTES..], old_value[STAMP_BYTES..]);
    }

    #[test]
    fn a_new_connection_of_the_same_client_does_not_repeat_the_old_ones_writes() {
        let (mut one, mut other) = (Payload::new(7, 64), Payload::new(7, 64));
        one.turn();
        other.turn();
        let ((meta, value), (other_meta, other_value)) = (one.parts(), other.parts());
        assert!(meta != other_meta && value != other_value);
    }

    #[test]
    fn no_two_clients_write_the_same() {
        let (mut one, mut other) = (Payload::new(0, 64), Payload::new(1, 64));
        one.turn();
        other.turn();
        assert_ne!(one.bytes(), other.bytes());
    }
}
