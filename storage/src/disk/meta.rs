//! The store's one meta row: the revision counter, the high-water mark of time, and the running sum.

use xxhash_rust::xxh3::xxh3_64;

use super::{FORMAT, StoredRow};

/// Format (1), five numbers of 8 bytes but the sum of 16, and the checksum of all that (8), big-endian.
pub(crate) const META_BYTES: usize = 1 + 8 + 8 + 8 + 8 + 16 + 8;

/// What the store remembers about all rows together. Changed in the same atomic step as the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Meta {
    /// How many groups were committed.
    pub(crate) group: u64,
    /// The revision of the latest write.
    pub(crate) last_revision: u64,
    /// The latest wall time a commit saw, in milliseconds since 1970.
    pub(crate) high_water_ms: u64,
    /// How many rows there are.
    pub(crate) rows: u64,
    /// The checksums of all rows, added up and wrapped around.
    pub(crate) sum: u128,
}

/// Why a meta row was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetaError {
    /// It is whole and of a later format.
    Newer(u8),
    /// It is not what was written.
    Damaged,
}

impl Meta {
    /// Counts a row in.
    pub(crate) fn add(&mut self, row: &StoredRow) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(row.checksum);
    }

    /// Counts a row out.
    pub(crate) fn remove(&mut self, row: &StoredRow) {
        self.rows -= 1;
        self.sum = self.sum.wrapping_sub(row.checksum);
    }

    /// The row as it lies on disk.
    pub(crate) fn encode(&self) -> [u8; META_BYTES] {
        let mut bytes = [0; META_BYTES];
        bytes[0] = FORMAT;
        bytes[1..9].copy_from_slice(&self.group.to_be_bytes());
        bytes[9..17].copy_from_slice(&self.last_revision.to_be_bytes());
        bytes[17..25].copy_from_slice(&self.high_water_ms.to_be_bytes());
        bytes[25..33].copy_from_slice(&self.rows.to_be_bytes());
        bytes[33..49].copy_from_slice(&self.sum.to_be_bytes());
        let check = xxh3_64(&bytes[..49]);
        bytes[49..].copy_from_slice(&check.to_be_bytes());
        bytes
    }

    /// Reads it back. The checksum stands at the end in every format, so damage is told from a later format.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, MetaError> {
        let (body, check) = bytes.split_last_chunk::<8>().ok_or(MetaError::Damaged)?;
        if xxh3_64(body) != u64::from_be_bytes(*check) {
            return Err(MetaError::Damaged);
        }
        let Some((&FORMAT, fields)) = body.split_first() else {
            return Err(body.first().map_or(MetaError::Damaged, |format| MetaError::Newer(*format)));
        };
        let number = |at: usize| {
            let field = fields.get(at..at + 8)?;
            Some(u64::from_be_bytes(field.try_into().ok()?))
        };
        let all = || {
            Some(Self {
                group: number(0)?,
                last_revision: number(8)?,
                high_water_ms: number(16)?,
                rows: number(24)?,
                sum: (u128::from(number(32)?) << 64) | u128::from(number(40)?),
            })
        };
        all().ok_or(MetaError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const META: Meta = Meta { group: 1, last_revision: 2, high_water_ms: 3, rows: 4, sum: (5 << 64) | 6 };

    #[test]
    fn the_meta_row_comes_back_as_written() {
        assert_eq!(Meta::decode(&META.encode()), Ok(META));
    }

    /// A-STO-02
    #[test]
    fn any_flipped_bit_of_the_meta_row_is_seen() {
        for at in 0..META_BYTES * 8 {
            let mut bytes = META.encode();
            bytes[at / 8] ^= 1 << (at % 8);
            assert_eq!(Meta::decode(&bytes), Err(MetaError::Damaged), "bit {at}");
        }
    }

    /// A-STO-08
    #[test]
    fn a_later_format_is_told_from_damage() {
        let mut bytes = META.encode().to_vec();
        bytes[0] = FORMAT + 1;
        bytes.truncate(49);
        bytes.extend_from_slice(b"a later field");
        let check = xxh3_64(&bytes);
        bytes.extend_from_slice(&check.to_be_bytes());
        assert_eq!(Meta::decode(&bytes), Err(MetaError::Newer(FORMAT + 1)));
    }
}
