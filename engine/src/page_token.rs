//! Tokens that a page's script shows beside its browser's cookie: what only this engine can have made.
//!
//! A bare random value would do until somebody else can plant a cookie, as a page of a sibling domain can; one of these
//! such a page would have to have fetched, and it cannot read the answer. Source: dialects/misakey.md, section 9.
//!
//! ```text
//! 16 random bytes | keyed BLAKE3 over them, 16 bytes
//! ```

use strongroom_primitives::hash;
use subtle::ConstantTimeEq;

/// A token made by the holder of `key`; `drawn` is fresh chance.
pub(crate) fn draw(key: &[u8; 32], drawn: [u8; 16]) -> [u8; 32] {
    let mut token = [0; 32];
    token[..16].copy_from_slice(&drawn);
    token[16..].copy_from_slice(&mac(key, &drawn));
    token
}

/// Whether `token` was made by the holder of `key`.
pub(crate) fn check(key: &[u8; 32], token: &[u8; 32]) -> bool {
    let (drawn, shown) = token.split_first_chunk::<16>().expect("32 bytes begin with 16");
    mac(key, drawn).ct_eq(shown).into()
}

fn mac(key: &[u8; 32], drawn: &[u8; 16]) -> [u8; 16] {
    hash::keyed_hash16(key, "page token", &[drawn])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A-SHR-03: a token that somebody else made is none, however they made it.
    #[test]
    fn only_the_holder_of_the_key_makes_tokens() {
        let token = draw(&[1; 32], [2; 16]);
        assert!(check(&[1; 32], &token));
        assert!(!check(&[3; 32], &token));
        for bit in 0..256 {
            let mut other = token;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!check(&[1; 32], &other), "{bit}");
        }
    }
}
