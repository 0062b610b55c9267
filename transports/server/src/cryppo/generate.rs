//! New keys.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use anyhow::ensure;
use clap::{Args, ValueEnum};
use serde_json::json;
use strongroom_primitives::{
    cryppo::{KEY_BYTES, WrappingKey},
    encoding,
    rsa::{NewKeyBits, PrivateKey},
};
use zeroize::Zeroizing;

use crate::{
    data::random,
    output,
    place::{Place, Readers, check_free, write},
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom cryppo genkey
  strongroom cryppo genkey --output kek.key")]
pub(super) struct Genkey {
    #[command(flatten)]
    place: Place,
}

impl Genkey {
    /// Makes a key.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let key = WrappingKey::from_bytes(&Zeroizing::new(random::<KEY_BYTES>()?));
        let heading = Some("URL-Safe Base64 encoded key:");
        self.place.put_line("key", heading, key.expose_text().expose(), as_json)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  strongroom cryppo genkeypair -P pubKey -p privKey")]
pub(super) struct Genkeypair {
    /// Where the private key goes: PKCS#1 in PEM, readable by its owner only
    #[arg(short = 'p', long, value_name = "FILE", alias = "privateKeyOut")]
    private_key_out: PathBuf,
    /// Where the public key goes: SubjectPublicKeyInfo in PEM
    #[arg(short = 'P', long, value_name = "FILE", alias = "publicKeyOut")]
    public_key_out: PathBuf,
    /// The size of the modulus
    #[arg(short, long, value_enum, default_value_t)]
    bits: Bits,
    /// Writes over files that are there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Bits {
    #[value(name = "2048")]
    Bits2048,
    #[default]
    #[value(name = "4096")]
    Bits4096,
}

impl Genkeypair {
    /// Makes a key pair, which takes seconds.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let (private, public) = (&self.private_key_out, &self.public_key_out);
        ensure!(private != public, "the private and the public key need a file each");
        check_free(private, self.force)?;
        check_free(public, self.force)?;
        let key = PrivateKey::generate(match self.bits {
            Bits::Bits2048 => NewKeyBits::Bits2048,
            Bits::Bits4096 => NewKeyBits::Bits4096,
        })?;
        write(private, key.expose_pem().expose().as_bytes(), Readers::Owner, self.force)?;
        write(public, key.public_key().to_pem().as_bytes(), Readers::Everybody, self.force)?;
        if as_json {
            let fingerprint = encoding::to_hex(&key.public_key().fingerprint());
            return output::json(
                &json!({ "private_key": private, "public_key": public, "fingerprint": fingerprint }),
            );
        }
        Ok(writeln!(io::stdout(), "Wrote new key pair")?)
    }
}
