//! What the engine needs of the world and is handed: the time, chance, and processors for heavy work. Storage is the
//! fourth port and has a crate of its own. Nothing in this crate looks at a clock or a random source except through here, so that a simulation owns
//! both.

mod clock;
mod cpu;
mod entropy;

pub use clock::{Clock, SystemClock, Timekeeper};
pub use cpu::{Cpu, CpuThreads, Inline, Work};
pub use entropy::{Entropy, OsEntropy, SeededEntropy};
