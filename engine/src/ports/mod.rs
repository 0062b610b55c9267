//! What the engine needs of the world and is handed: the time and chance. Storage is the third port and has a crate of
//! its own. Nothing in this crate looks at a clock or a random source except through here, so that a simulation owns
//! both.

mod clock;
mod entropy;

pub use clock::{Clock, SystemClock, Timekeeper};
pub use entropy::{Entropy, OsEntropy, SeededEntropy};
