//! Signed strings.

use std::path::PathBuf;

use clap::Args;
use strongroom_primitives::cryppo::{sign, verify};

use super::{
    advice::{With, explain, explain_signing},
    source::{file, private_key, public_key, string_of},
};
use crate::place::Place;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom cryppo sign -p privKey message message.signed
  strongroom cryppo sign -p privKey < message")]
pub(super) struct Sign {
    /// The private key
    #[arg(short = 'p', long, value_name = "FILE", alias = "privateKeyFile")]
    private_key_file: PathBuf,
    /// What to sign, at most 512 bytes; `-`, or nothing, takes it from standard input
    file: Option<PathBuf>,
    /// Writes the string into this file instead of standard output
    destination: Option<PathBuf>,
    /// Writes over a file that is there
    #[arg(long)]
    force: bool,
}

impl Sign {
    /// Signs.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let key = private_key(&self.private_key_file)?;
        let data = file(self.file.as_deref())?;
        let string = sign(&key, data.expose()).map_err(explain_signing)?;
        let place = Place::at(self.destination.as_deref(), self.force);
        place.put_line("serialized", None, &string, as_json)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom cryppo verify -P pubKey message.signed message
  strongroom cryppo verify -P pubKey < message.signed")]
pub(super) struct Verify {
    /// The public key of whoever should have signed
    #[arg(short = 'P', long, value_name = "FILE", alias = "publicKeyFile")]
    public_key_file: PathBuf,
    /// The signed string; `-`, or nothing, takes it from standard input
    file: Option<PathBuf>,
    /// Writes what was signed into this file instead of standard output
    destination: Option<PathBuf>,
    /// Writes over a file that is there
    #[arg(long)]
    force: bool,
}

impl Verify {
    /// Verifies; prints nothing that was not signed.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let key = public_key(&self.public_key_file)?;
        let string = string_of(&file(self.file.as_deref())?)?;
        let data = verify(&key, &string).map_err(|error| explain(error, With::PublicKey))?;
        let place = Place::at(self.destination.as_deref(), self.force);
        place.put_bytes("data", &data, as_json)
    }
}
