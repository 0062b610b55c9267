//! The client's side of Keyknox: what happens to keys before a server sees them, and after it gives them back.
//!
//! [`envelope`] signs and encrypts for several readers, byte for byte as the published clients do. How bytes reach a
//! server is not here.
//!
//! Believe this: the server is an adversary. It never sees a key or a plaintext, and nothing is encrypted to a key that
//! the caller did not hand over.

mod der;
mod ecies;
pub mod entries;
pub mod envelope;
pub mod ports;
pub mod token;
