//! `strongroom datastore` and `strongroom secret`: a vault by an API key of its owner, on our server and on any other that
//! speaks the psono dialect. Source: seed 001, which announces a console client.
//!
//! Who asks, and whom, stands in an API key file (`key_file`). Whoever has it reads what it reaches, so it is refused
//! when others can read it. Values of secrets come from files or standard input, and leave byte for byte.

mod advice;
mod datastore;
mod door;
mod key_file;
mod secret;
mod values;

pub(crate) use datastore::DatastoreCommand;
pub(crate) use secret::SecretCommand;
