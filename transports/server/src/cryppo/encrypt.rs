//! A value becomes a string.

use std::path::PathBuf;

use clap::Args;
use strongroom_primitives::{
    cryppo::{Form, encrypt_rsa},
    secret::Secret,
};

use super::{
    advice::{With, explain},
    source::{KeySource, ValueSource, parse_key, public_key},
};
use crate::{
    data::random,
    place::Place,
    secrets::{Insisted, Stdin, one_line},
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom cryppo encrypt --key-file pdk.key --value-file kek.key --as-key
  strongroom cryppo encrypt --key-file kek.key < privKey
  strongroom cryppo encrypt -P pubKey < message
  strongroom cryppo encrypt -v VALUE -k KEY --secrets-on-command-line")]
pub(super) struct Encrypt {
    #[command(flatten)]
    value: ValueSource,
    #[command(flatten)]
    key: KeySource,
    /// Encrypts for the holder of this public key's private half, up to 214 (2048 bits) or 470 bytes (4096 bits)
    #[arg(short = 'P', long, value_name = "FILE", alias = "publicKeyFile", conflicts_with = "key_source")]
    public_key_file: Option<PathBuf>,
    /// The value is a printed key: wraps its 32 bytes, as the clients wrap keys, instead of its text
    #[arg(long)]
    as_key: bool,
    /// Writes artefacts as YAML, which cryppo 0.5 needs and the current Ruby library cannot read
    #[arg(long, conflicts_with = "public_key_file")]
    legacy: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    insisted: Insisted,
}

impl Encrypt {
    /// Encrypts.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let mut stdin = Stdin::default();
        let string = match &self.public_key_file {
            Some(path) => {
                let key = public_key(path)?;
                let plain = self.plain(&mut stdin)?;
                encrypt_rsa(&key, plain.expose()).map_err(|error| explain(error, With::PublicKey))?
            }
            None => {
                let key = self.key.read(&mut stdin, &self.insisted)?;
                let plain = self.plain(&mut stdin)?;
                let form = if self.legacy { Form::Yaml } else { Form::Bson };
                let wrapped = key.encrypt(random()?, plain.expose(), form);
                wrapped.map_err(|error| explain(error, With::Key))?.into_string()
            }
        };
        self.place.put_line("serialized", None, &string, as_json)
    }

    /// What is encrypted: the value, or the 32 bytes of the key that it prints.
    fn plain(&self, stdin: &mut Stdin) -> anyhow::Result<Secret> {
        let value = self.value.read(stdin, &self.insisted)?;
        if !self.as_key {
            return Ok(value);
        }
        let key = parse_key(one_line(&value).as_ref(), "the value")?;
        Ok(Secret::from(&key.expose_bytes()[..]))
    }
}
