//! Powers of one base by a table made beforehand (the comb of Lim and Lee), in constant time.
//!
//! A 256-bit exponent is laid out in 4 rows of 64 bits, and the columns in 4 blocks of 16. One column of one block
//! picks one of 16 table entries, the product of the base's powers for the bits set in it. So a power costs 64 products
//! and 16 squarings where the general method needs about 340. Every pick reads all 16 entries and keeps one by a mask,
//! so neither the time nor the memory touched depends on the exponent.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::modpow::{ArithmeticError, Modulus, Residue, Scratch};

const ROWS: usize = 4;
const BLOCKS: usize = 4;
const ROW_BITS: usize = 256 / ROWS;
const COLUMNS: usize = ROW_BITS / BLOCKS;
const ENTRIES: usize = 1 << ROWS;

/// The table of one base: 4 blocks of 16 entries, each in Montgomery form and padded.
pub(super) struct FixedBase {
    entries: Vec<u8>,
}

impl FixedBase {
    /// Makes the table, at the cost of one general exponentiation. `base` is public.
    pub(super) fn new(modulus: &Modulus, base: &Residue) -> Result<Self, ArithmeticError> {
        let mut scratch = Scratch::new()?;
        let one = modulus.enter_montgomery(&modulus.reduce(&[1])?, &mut scratch)?;
        let mut power = modulus.enter_montgomery(base, &mut scratch)?;
        let mut times = |a: &Residue, b: &Residue| {
            let mut product = Residue::zero()?;
            modulus.montgomery_product(&mut product, a, b, &mut scratch)?;
            Ok(product)
        };
        // The base to the power of 2^(16 i): the lowest column of each block of each row.
        let mut corners = Vec::with_capacity(ROWS * BLOCKS);
        for _ in 0..ROWS * BLOCKS {
            let mut next = times(&power, &power)?;
            for _ in 1..COLUMNS {
                next = times(&next, &next)?;
            }
            corners.push(std::mem::replace(&mut power, next));
        }
        let mut entries = Vec::with_capacity(BLOCKS * ENTRIES * modulus.bytes());
        for block in 0..BLOCKS {
            let mut products = vec![times(&one, &one)?];
            for rows in 1..ENTRIES {
                let lowest = rows.trailing_zeros() as usize;
                products.push(times(&products[rows & (rows - 1)], &corners[lowest * BLOCKS + block])?);
            }
            for entry in &products {
                entries.extend_from_slice(&modulus.to_padded(entry)?);
            }
        }
        Ok(Self { entries })
    }

    /// The base to the power of a secret exponent of 32 bytes, big endian.
    pub(super) fn pow(&self, modulus: &Modulus, exponent: &[u8; 32]) -> Result<Residue, ArithmeticError> {
        #[cfg(test)]
        super::modpow::count::one();
        let mut scratch = Scratch::new()?;
        let mut picked = Zeroizing::new(vec![0; modulus.bytes()]);
        let (mut power, mut factor, mut product) = (Residue::zero()?, Residue::zero()?, Residue::zero()?);
        // The first entry of every block is the product of nothing: 1.
        modulus.load(&mut power, &self.entries[..modulus.bytes()])?;
        for column in (0..COLUMNS).rev() {
            modulus.montgomery_product(&mut product, &power, &power, &mut scratch)?;
            std::mem::swap(&mut power, &mut product);
            for block in 0..BLOCKS {
                self.pick(&mut picked, block, digit(exponent, block, column));
                modulus.load(&mut factor, &picked)?;
                modulus.montgomery_product(&mut product, &power, &factor, &mut scratch)?;
                std::mem::swap(&mut power, &mut product);
            }
        }
        modulus.leave_montgomery(&power, &mut scratch)
    }

    /// Copies entry `digit` of `block` while reading all of the block.
    fn pick(&self, picked: &mut [u8], block: usize, digit: u8) {
        let bytes = picked.len();
        let block = &self.entries[block * ENTRIES * bytes..][..ENTRIES * bytes];
        picked.fill(0);
        for (index, entry) in (0..).zip(block.chunks_exact(bytes)) {
            let mask = digit.ct_eq(&index).unwrap_u8().wrapping_neg();
            for (out, byte) in picked.iter_mut().zip(entry) {
                *out |= byte & mask;
            }
        }
    }
}

/// The bits of one column of one block, the lowest row in the lowest bit.
fn digit(exponent: &[u8; 32], block: usize, column: usize) -> u8 {
    (0..ROWS).fold(0, |digit, row| {
        let bit = row * ROW_BITS + block * COLUMNS + column;
        digit | (exponent[31 - bit / 8] >> (bit % 8) & 1) << row
    })
}
