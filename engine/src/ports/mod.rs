//! What the engine needs of the world and is handed: the time, chance, processors for heavy work, and a place for marks
//! outside the store. Storage is the fifth port and has a crate of its own. Nothing in this crate looks at a clock or a random source except through here, so that a simulation owns
//! both.

mod anchor;
mod clock;
mod cpu;
mod entropy;

pub use anchor::{Anchor, AnchorError, AnchorMark, Anchored, Raising, Unanchored};
pub use clock::{Clock, SystemClock, Timekeeper};
pub use cpu::{Cpu, CpuThreads, Inline, Work};
pub use entropy::{Entropy, OsEntropy, SeededEntropy};
