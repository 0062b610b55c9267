//! Time and chance, handed in: a test or a simulation owns both, a program takes [`Ports::system`].

use std::fmt;
use std::sync::Arc;

use strongroom_primitives::time::Timestamp;

/// Wall time, for the dates that keys carry. Nothing here measures durations.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Random bytes fit for keys.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    /// [`NoEntropy`], and the buffer must not be used.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The source of chance failed. Nothing was made, so nothing weak was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no random bytes to be had")]
pub struct NoEntropy;

/// Draws `N` random bytes.
pub(crate) fn draw<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], NoEntropy> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

/// Both ports together.
#[derive(Clone)]
pub struct Ports {
    /// Where dates come from.
    pub clock: Arc<dyn Clock>,
    /// Where keys and nonces come from.
    pub entropy: Arc<dyn Entropy>,
}

impl Ports {
    /// The machine's own clock and random source.
    #[must_use]
    pub fn system() -> Self {
        Self { clock: Arc::new(System), entropy: Arc::new(System) }
    }
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ports")
    }
}

struct System;

impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "the one place where the client reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since_1970 =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ms(0).saturating_add(since_1970)
    }
}

impl Entropy for System {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(buffer).map_err(|_| NoEntropy)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Ports of a test's own: chance from a list, or counted; time that stands where it was put.

    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Gives out the bytes it was built with, in order, and fails when they run out.
    pub(crate) struct Scripted(Mutex<Vec<u8>>);

    impl Scripted {
        pub(crate) fn new(bytes: Vec<u8>) -> Self {
            Self(Mutex::new(bytes))
        }
    }

    impl Entropy for Scripted {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
            let mut left = self.0.lock().unwrap();
            if left.len() < buffer.len() {
                return Err(NoEntropy);
            }
            let rest = left.split_off(buffer.len());
            buffer.copy_from_slice(&left);
            *left = rest;
            Ok(())
        }
    }

    /// Hashes of a counter that all of them share: no two draws of one run are alike, whoever makes them.
    pub(crate) struct Counted;

    impl Entropy for Counted {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
            static DRAWS: AtomicU64 = AtomicU64::new(0);
            for chunk in buffer.chunks_mut(32) {
                let draw = DRAWS.fetch_add(1, Ordering::Relaxed);
                let bytes = strongroom_primitives::hash::sha256(&draw.to_be_bytes());
                chunk.copy_from_slice(&bytes[..chunk.len()]);
            }
            Ok(())
        }
    }

    /// Stands still until it is set.
    pub(crate) struct Standing(pub(crate) Mutex<u64>);

    impl Clock for Standing {
        fn now(&self) -> Timestamp {
            Timestamp::from_ms(*self.0.lock().unwrap())
        }
    }
}
