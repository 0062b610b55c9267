//! What the seals and signatures of a recovery are bound to, byte for byte: `info` of HPKE ([`crate::hpke`]), the
//! place of the payload, and what a device signs. Nothing is sealed or signed here.
//!
//! Believe this: a seal names its escrow, its epoch, its index and the commitments, or the request that it answers. One
//! that is taken to another place does not open there (THREATS, section 2, rule 3). All numbers are big endian and all
//! lengths are fixed, so that no two sets of parts spell the same bytes. Source: `RECOVERY.md`, sections 5.3 and 5.5.

use crate::hash::sha256;
use crate::hpke::OVERHEAD_BYTES;
use crate::id::{EscrowId, RecoveryRequestId};
use crate::seal::Place;
use crate::sharing::INDEXED_BYTES;

/// Length of a share that is sealed, to its holder or to a requester: 81 bytes.
pub const SEALED_SHARE_BYTES: usize = INDEXED_BYTES + OVERHEAD_BYTES;

fn spell(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// `info` of a share that is sealed to its holder. `commitments`: the points of its epoch, 32 bytes each.
#[must_use]
pub fn share_info(escrow: EscrowId, epoch: u32, index: u8, commitments: &[u8]) -> Vec<u8> {
    let (epoch, hash) = (epoch.to_be_bytes(), sha256(commitments));
    spell(&[b"strongroom-escrow-v1", escrow.as_bytes(), &epoch, &[index], &hash])
}

/// `info` of a share that is sealed to a requester.
#[must_use]
pub fn answer_info(escrow: EscrowId, request: RecoveryRequestId, epoch: u32, index: u8) -> Vec<u8> {
    let epoch = epoch.to_be_bytes();
    spell(&[b"strongroom-recovery-v1", escrow.as_bytes(), request.as_bytes(), &epoch, &[index]])
}

/// Where the payload belongs that is sealed under the key of the shared scalar. The epoch is not named: the scalar, and
/// with it the payload, may outlive it.
#[must_use]
pub fn payload_place(escrow: EscrowId) -> Place {
    Place::new("escrow payload v1", &[escrow.as_bytes()])
}

/// What the device of a holder signs with Ed25519 when it approves. `sealed`: the share, sealed to the requester.
#[must_use]
pub fn approval_statement(
    escrow: EscrowId,
    request: RecoveryRequestId,
    epoch: u32,
    index: u8,
    sealed: &[u8],
) -> Vec<u8> {
    let (epoch, hash) = (epoch.to_be_bytes(), sha256(sealed));
    let purpose = b"strongroom-recovery-approval-v1";
    spell(&[purpose, escrow.as_bytes(), request.as_bytes(), &epoch, &[index], &hash])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is bound to one thing is bound to nothing else: every part changes the bytes.
    #[test]
    fn every_part_is_spelled() {
        let (escrow, request) = (EscrowId::from_bytes([1; 16]), RecoveryRequestId::from_bytes([2; 16]));
        let (other, another) = (EscrowId::from_bytes([3; 16]), RecoveryRequestId::from_bytes([3; 16]));
        let spelled = [
            share_info(escrow, 1, 1, b"c"),
            share_info(other, 1, 1, b"c"),
            share_info(escrow, 2, 1, b"c"),
            share_info(escrow, 1, 2, b"c"),
            share_info(escrow, 1, 1, b"d"),
            answer_info(escrow, request, 1, 1),
            answer_info(other, request, 1, 1),
            answer_info(escrow, another, 1, 1),
            answer_info(escrow, request, 2, 1),
            answer_info(escrow, request, 1, 2),
            approval_statement(escrow, request, 1, 1, b"s"),
            approval_statement(other, request, 1, 1, b"s"),
            approval_statement(escrow, another, 1, 1, b"s"),
            approval_statement(escrow, request, 2, 1, b"s"),
            approval_statement(escrow, request, 1, 2, b"s"),
            approval_statement(escrow, request, 1, 1, b"t"),
        ];
        let different: std::collections::BTreeSet<_> = spelled.iter().collect();
        assert_eq!(different.len(), spelled.len());
    }

    /// A form that clients and servers of different releases share.
    #[test]
    fn the_bytes_of_a_share_are_these() {
        let info = share_info(EscrowId::from_bytes([1; 16]), 7, 3, b"");
        let hash = sha256(b"");
        assert_eq!(info[..20], *b"strongroom-escrow-v1");
        assert_eq!(info[20..36], [1; 16]);
        assert_eq!(info[36..41], [0, 0, 0, 7, 3]);
        assert_eq!(info[41..], hash);
        assert_eq!(SEALED_SHARE_BYTES, 81);
    }
}
