//! The bus: how a command reaches the actor that runs it.
//!
//! It promises three things. A caller without a permit is told so at once, and nothing is queued for it. A command
//! whose deadline has passed is not begun. An actor that is gone is replaced, and nothing is lost with it, because
//! actors hold no facts.
//!
//! Calls go one way, from a transport to an actor, and actors never ask each other: there is nothing to deadlock.

mod call;
mod placement;
mod route;

pub(crate) use call::{Call, Caller};
pub(crate) use placement::Grounds;
pub use placement::Placement;
pub(crate) use route::Route;
