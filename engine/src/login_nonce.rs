//! Nonces of sign-ins with API keys: what the key's holder signs, so that the sign-in is good for a minute.
//!
//! A nonce says when it was made, and shows that an engine over this store made it. There is no row for it, so asking
//! for one costs nothing that somebody has to clean up. It is not what makes a sign-in single: a key signs in once for
//! each X25519 key of its client ([`crate::domains::sessions::api_key::LoginByApiKey`]), so a captured sign-in is
//! refused within the minute by that and after it by the nonce (THREATS A-API-04).
//!
//! ```text
//! when it was made, ms, 8 bytes big endian | 8 random bytes | keyed BLAKE3 over both, 16 bytes
//! ```

use std::time::Duration;

use strongroom_primitives::{hash, time::Timestamp};
use subtle::ConstantTimeEq;

use crate::error::EngineError;

/// How long a nonce is good.
const LIFE: Duration = Duration::from_secs(60);

/// A nonce to sign in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginNonce {
    /// What is signed.
    pub nonce: [u8; 32],
    /// The last instant at which it is taken.
    pub expires: Timestamp,
}

impl LoginNonce {
    /// A nonce made `now` by the holder of `key`; `drawn` is fresh chance.
    pub(crate) fn new(key: &[u8; 32], now: Timestamp, drawn: [u8; 8]) -> Self {
        let made = now.as_ms().to_be_bytes();
        let mut nonce = [0; 32];
        nonce[..8].copy_from_slice(&made);
        nonce[8..16].copy_from_slice(&drawn);
        nonce[16..].copy_from_slice(&mac(key, &made, &drawn));
        Self { nonce, expires: now.saturating_add(LIFE) }
    }
}

/// Whether `nonce` was made by the holder of `key`, at most [`LIFE`] ago. The clocks of nodes differ, so one that was
/// made as much later is taken too.
///
/// # Errors
/// [`EngineError::LoginNonceRefused`]; which of the two is the matter is not told.
pub(crate) fn check(key: &[u8; 32], nonce: &[u8; 32], now: Timestamp) -> Result<(), EngineError> {
    let (made, rest) = nonce.split_first_chunk::<8>().expect("32 bytes begin with 8");
    let (drawn, shown) = rest.split_first_chunk::<8>().expect("24 bytes begin with 8");
    let ours = bool::from(mac(key, made, drawn).ct_eq(shown));
    let made = Timestamp::from_ms(u64::from_be_bytes(*made));
    let fresh = now.since(made) <= LIFE && made.since(now) <= LIFE;
    if ours && fresh { Ok(()) } else { Err(EngineError::LoginNonceRefused) }
}

fn mac(key: &[u8; 32], made: &[u8; 8], drawn: &[u8; 8]) -> [u8; 16] {
    hash::keyed_hash16(key, "login nonce", &[made, drawn])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_780_000_000_000);

    fn is_good(nonce: &LoginNonce, now: Timestamp) -> bool {
        check(&[1; 32], &nonce.nonce, now).is_ok()
    }

    /// A-API-04.
    #[test]
    fn a_nonce_is_good_for_a_minute_to_the_millisecond() {
        let nonce = LoginNonce::new(&[1; 32], NOW, [7; 8]);
        assert_eq!(nonce.expires.as_ms() - NOW.as_ms(), 60_000);
        let later = |ms: u64| NOW.saturating_add(Duration::from_millis(ms));
        let earlier = |ms: u64| NOW.saturating_sub(Duration::from_millis(ms));
        for now in [NOW, later(1), later(60_000), earlier(60_000)] {
            assert!(is_good(&nonce, now), "{now:?}");
        }
        for now in [later(60_001), earlier(60_001), Timestamp::MAX, Timestamp::from_ms(0)] {
            assert!(!is_good(&nonce, now), "{now:?}");
        }
    }

    #[test]
    fn nonces_of_one_instant_and_of_other_stores_are_told_apart() {
        let nonce = LoginNonce::new(&[1; 32], NOW, [7; 8]);
        assert_ne!(nonce, LoginNonce::new(&[1; 32], NOW, [8; 8]));
        assert_eq!(check(&[2; 32], &nonce.nonce, NOW), Err(EngineError::LoginNonceRefused));
    }

    proptest! {
        #[test]
        fn a_nonce_with_another_bit_is_none(drawn: [u8; 8], bit in 0_usize..256) {
            let mut nonce = LoginNonce::new(&[1; 32], NOW, drawn);
            nonce.nonce[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!is_good(&nonce, NOW));
        }

        #[test]
        fn bytes_that_nobody_made_are_none(nonce: [u8; 32], now: u64) {
            prop_assert!(check(&[1; 32], &nonce, Timestamp::from_ms(now)).is_err());
        }
    }
}
