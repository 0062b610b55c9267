//! Keyknox: a user's encrypted keys, kept for several devices. Source: seed 004, resolved in dialects/keyknox.md.
//!
//! What lives here is translation: routes, JSON, headers, codes. Whether a write may happen is the engine's decision.

pub mod token;
