//! How much work a client puts into what it derives from a password.

use serde::{Deserialize, Serialize};

use crate::error::EngineError;

/// Parameters of scrypt, as a person's client has chosen them. Source: dialects/psono.md, section 2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashing {
    /// N is 2 to this power.
    pub u: u32,
    /// The size of a block.
    pub r: u32,
    /// Parallelism.
    pub p: u32,
    /// Length of what comes out, in bytes.
    pub l: u32,
}

impl Default for Hashing {
    fn default() -> Self {
        Self { u: 14, r: 8, p: 1, l: 64 }
    }
}

impl Hashing {
    /// What a client can be asked to compute at most: 1 GiB of memory at `r` = 8.
    const MOST: Self = Self { u: 20, r: 64, p: 64, l: 1_024 };

    /// # Errors
    /// [`EngineError::HashingWeak`] below the defaults, or for more work than a client can be asked for.
    pub(super) fn check(self) -> Result<(), EngineError> {
        let (least, most) = (Self::default(), Self::MOST);
        let in_bounds = [
            (least.u, self.u, most.u),
            (least.r, self.r, most.r),
            (least.p, self.p, most.p),
            (least.l, self.l, most.l),
        ];
        let good = in_bounds.into_iter().all(|(least, value, most)| (least..=most).contains(&value));
        if good { Ok(()) } else { Err(EngineError::HashingWeak) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_below_the_defaults_passes() {
        let good = Hashing::default();
        assert_eq!(good.check(), Ok(()));
        for weak in [
            Hashing { u: 13, ..good },
            Hashing { r: 7, ..good },
            Hashing { p: 0, ..good },
            Hashing { l: 63, ..good },
            Hashing { u: 21, ..good },
            Hashing { p: u32::MAX, ..good },
        ] {
            assert_eq!(weak.check(), Err(EngineError::HashingWeak), "{weak:?}");
        }
    }
}
