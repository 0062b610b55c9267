//! A string becomes its value again.

use std::path::PathBuf;

use clap::Args;
use strongroom_primitives::cryppo::{Wrapped, WrappingKey, decrypt_rsa};

use super::{
    advice::{With, explain},
    source::{KeySource, private_key, serialized},
};
use crate::{
    place::Place,
    secrets::{Insisted, Stdin},
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom cryppo decrypt -s STRING --key-file kek.key --as-key --output dek.key
  strongroom cryppo decrypt -s STRING -p privKey
  strongroom cryppo decrypt -k KEY --secrets-on-command-line < string")]
pub(super) struct Decrypt {
    /// The string; `-`, or nothing, takes it from standard input
    #[arg(short, long, value_name = "STRING", allow_hyphen_values = true)]
    serialized: Option<String>,
    #[command(flatten)]
    key: KeySource,
    /// Decrypts an Rsa string with this private key
    #[arg(short = 'p', long, value_name = "FILE", alias = "privateKeyFile", conflicts_with = "key_source")]
    private_key_file: Option<PathBuf>,
    /// The string wraps a key of 32 bytes: prints it as genkey does
    #[arg(long)]
    as_key: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    insisted: Insisted,
}

impl Decrypt {
    /// Decrypts.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let mut stdin = Stdin::default();
        // Before a key is asked for.
        let string = serialized(self.serialized.as_deref(), &mut stdin)?;
        let (plain, with) = match &self.private_key_file {
            Some(path) => {
                let key = private_key(path)?;
                (decrypt_rsa(&key, &string), With::PrivateKey)
            }
            None => {
                let key = self.key.read(&mut stdin, &self.insisted)?;
                (Wrapped::parse(&string).and_then(|wrapped| key.decrypt(&wrapped)), With::Key)
            }
        };
        let plain = plain.map_err(|error| explain(error, with))?;
        if self.as_key {
            let key = WrappingKey::from_secret(&plain).map_err(|error| explain(error, with))?;
            return self.place.put_line("key", None, key.expose_text().expose(), as_json);
        }
        self.place.put_bytes("data", plain.expose(), as_json)
    }
}
