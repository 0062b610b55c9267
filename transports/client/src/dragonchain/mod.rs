//! The client of the Dragonchain dialect: the credentials file, and requests signed by DC1-HMAC. Source: seed 003;
//! `dialects/dragonchain.md`, sections 2, 4, 7 and 8.
//!
//! | type | is |
//! |---|---|
//! | [`CredentialsFile`] | the INI file that the published SDKs read, in memory and on disk |
//! | [`Credentials`] | which chain, where, and signed by which key: arguments, environment, file |
//! | [`DragonchainClient`] | a chain, asked for its status and for its keys |
//! | [`Outcome`] | `{status, response, ok}`, as the vendor's tools show an answer |
//!
//! It speaks to any server of this dialect. Believe this: the signature covers neither the host nor the answer, so TLS
//! is what tells which server it is, and whoever can check a signature can make one.

mod client;
mod credentials;
mod disk;
mod error;
mod file;
mod outcome;
mod value;

pub use client::{DragonchainClient, KeyChange};
pub use credentials::{Credentials, Given};
pub use disk::{Locked, default_path};
pub use error::CredentialsError;
pub use file::{
    CredentialsFile, FILE_BYTES_MAX, NAME_CHARS_MAX, OPTIONS_MAX, SECTIONS_MAX, Section, StoredCredentials,
};
pub use outcome::Outcome;
pub use value::{Endpoint, ServiceKey, VALUE_CHARS_MAX};
