//! Does it survive a real end? kill -9 of a process that embeds the engine over a store on disk.
//!
//! The killed process is this program, started again with an environment variable set. It says what was acknowledged
//! as it goes, and what it said is what the store is held to. `STRONGROOM_SOAK` multiplies the dose: 10
//! is a rotation of 10,000 DEKs that is killed 50 times.

mod device;
mod process;
mod rotation;

/// `count` times the dose asked for.
fn dose(count: usize) -> usize {
    count * std::env::var("STRONGROOM_SOAK").ok().and_then(|dose| dose.parse().ok()).unwrap_or(1)
}
