//! The Rust client of Strongroom. Everything that must not be seen by a server happens in here.
//!
//! [`Client`] asks a server over HTTP, a WebSocket or anything that carries frames; [`Records`] are what it keeps,
//! [`SealedRecords`] what it keeps without being able to read it, and [`Client::watch`] tells what happens to them.
//! [`users`] are people with a passphrase, their keys and their vault; [`api_keys`] is what programs sign in with.
//! [`sharing`] is datastores, secrets and shares, ciphertext in and out. [`service_keys`] is chains and the keys that sign
//! requests to them, for the operator.
//! [`pin_recovery`] says how it stands with what a person keeps behind a PIN.
//! [`recovery`] shares a secret among holders, and gets it back from enough of them.
//! [`keyknox`] is the cryptographic half: envelopes, tokens, the cloud record of a user's keys and its local mirror.
//! It knows no network; [`KeyRecord`] carries its one record over a client.
//! [`psono`] is another client for another protocol: an API key and the vault of its owner. [`dragonchain`] is a third:
//! keys that sign requests, and the file that they lie in.
//!
//! | feature | what |
//! |---|---|
//! | `http` | `Client::http`: requests, and feeds by long poll; `psono`; `dragonchain` |
//! | `ws` | `Client::ws`: frames over a WebSocket, and feeds by push |
//!
//! The server is not believed: answers are bounded, belong to their question and fit their own tag, and what memory
//! can tell ([`SeenHeads`]) is held against it.

pub mod api_keys;
mod backoff;
mod boxes;
mod checks;
mod client;
mod credentials;
#[cfg(feature = "http")]
pub mod dragonchain;
mod error;
mod files;
mod heads;
mod key_record;
pub mod keyknox;
mod link;
mod name;
#[cfg(feature = "http")]
pub mod pin_recovery;
pub mod psono;
mod receipt;
mod records;
pub mod recovery;
mod sealed;
pub mod service_keys;
pub mod sharing;
#[cfg(any(feature = "http", feature = "ws"))]
mod signing;
#[cfg(test)]
mod testing;
pub mod users;
mod watch;

pub use backoff::Backoff;
pub use client::{Client, ClientOptions};
pub use credentials::{BadToken, Credentials, Token};
pub use error::{BoxError, ClientError, ErrorKind};
pub use heads::SeenHeads;
pub use key_record::KeyRecord;
pub use name::{NAME_PART_BYTES_MAX, RecordName, SINGLE_NAME};
pub use receipt::{check_receipt, receipt_key};
pub use records::{Content, LIST_ROWS_MAX, MERGES_MAX, Put, Records};
pub use sealed::{Opened, SealedRecords};
#[cfg(any(feature = "http", feature = "ws"))]
pub use signing::{BadKeyId, RequestSigner};
/// The documents that questions and answers are made of.
pub use strongroom_wire as wire;
pub use watch::{Update, Watch, WatchOptions};
