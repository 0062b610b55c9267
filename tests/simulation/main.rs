//! Does it survive the world? Several engines over one store with bad days, under virtual time and a seed.
//!
//! Every scenario has two phases. In the first, clients race while the store loses answers, nodes die and clocks lie;
//! in the second, all faults end, and then every node must answer, all must agree, and everything that was ever
//! acknowledged must be there. A failure prints the line that repeats it.

mod admission;
mod checkers;
mod clock;
mod crash;
mod erasure;
mod escrow;
mod feed;
mod network;
mod overload;
mod pin_recovery;
mod records;
mod recovery;
mod replay;
mod revocation;
mod rotation;
mod shares;
mod sharing;
mod signatures;
mod vault;
