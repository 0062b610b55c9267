//! The client's side of Keyknox: what happens to keys before a server sees them, and after it gives them back.
//!
//! [`envelope`] signs and encrypts for several readers, byte for byte as the published clients do. [`token`] makes the
//! tickets an application hands its users. [`entries`] is the text inside the one record of a user's keys;
//! [`key_storage`] changes that record safely while other devices do the same; [`sync`] mirrors it into a
//! [`local`] store. How bytes reach a server is not here: [`record::RecordStore`] is all that is asked of it.
//!
//! Believe this: the server is an adversary. It never sees a key or a plaintext, nothing is encrypted to a key that the
//! caller did not hand over, and a record that went back in time is an error and not an answer.

mod der;
mod ecies;
pub mod entries;
pub mod envelope;
pub mod key_storage;
pub mod local;
pub mod ports;
pub mod record;
pub mod sync;
pub mod token;
