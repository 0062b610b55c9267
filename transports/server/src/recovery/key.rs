//! A holder's key: an X25519 secret that a share is sealed to, and an Ed25519 key by which a device approves. Its public
//! file goes to the owner from hand to hand; the fingerprint is what both compare by voice.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, ensure};
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use strongroom_primitives::{
    encoding::{array_from_hex, to_hex},
    hash::sha256,
    hpke::HolderSecret,
    secret::Secret,
    sign::{SigningKey, VerifyingKey},
};
use zeroize::Zeroizing;

use crate::{
    data::random,
    input, output,
    place::{Readers, check_free, write},
    secret_toml::{self, Hidden},
};

/// Largest public file that is read, in bytes; one has about 200.
const PUBLIC_BYTES_MAX: usize = 4 * 1024;

/// What a fingerprint is made of besides keys, so that it is nothing else's hash.
const FINGERPRINT_LABEL: &[u8] = b"strongroom-recovery-fingerprint-v1";

/// Sixteen bytes that stand for keys, as eight groups of four hexadecimal digits: to be read out and compared.
pub(super) fn fingerprint(keys: &[&[u8; 32]]) -> String {
    let mut hashed = FINGERPRINT_LABEL.to_vec();
    keys.iter().for_each(|key| hashed.extend_from_slice(*key));
    let digits = to_hex(&sha256(&hashed)[..16]);
    let groups: Vec<&str> = (0..8).filter_map(|at| digits.get(at * 4..at * 4 + 4)).collect();
    groups.join("-")
}

/// Both keys of a holder.
pub(super) struct HolderKey {
    pub(super) secret: HolderSecret,
    pub(super) signer: SigningKey,
}

/// The public halves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicKeys {
    pub(super) key: [u8; 32],
    pub(super) signer: [u8; 32],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretFields {
    holder_secret_key: Hidden,
    signing_seed: Hidden,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PublicFields {
    holder_public_key: String,
    signing_public_key: String,
}

/// 32 bytes as they stand in a file: 64 hexadecimal digits of lower case.
pub(super) fn bytes_of(name: &str, text: &str) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let bytes = array_from_hex::<32>(text).ok().map(Zeroizing::new);
    bytes.with_context(|| format!("`{name}` is no key: that is 64 hexadecimal digits in lower case"))
}

impl HolderKey {
    /// Reads a file that nobody else can read.
    ///
    /// # Errors
    /// One line that names the place and the fix, and repeats nothing of the file.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        ensure!(
            path.exists(),
            "no holder's key at {shown}: `strongroom recovery key -o {shown}` makes one, before a secret is shared"
        );
        Self::parse(&secret_toml::read(path, "holder's key")?).with_context(|| shown.to_string())
    }

    fn parse(bytes: &Secret) -> anyhow::Result<Self> {
        let fields: SecretFields = secret_toml::fields(bytes, "holder's key")?;
        let secret = bytes_of("holder_secret_key", fields.holder_secret_key.0.expose())?;
        let seed = bytes_of("signing_seed", fields.signing_seed.0.expose())?;
        Ok(Self { secret: HolderSecret::from_bytes(*secret), signer: SigningKey::from_seed(&seed) })
    }

    fn public(&self) -> PublicKeys {
        PublicKeys { key: *self.secret.public().as_bytes(), signer: *self.signer.verifying_key().as_bytes() }
    }

    fn text(&self) -> Zeroizing<String> {
        let hex = |bytes: &[u8]| Zeroizing::new(to_hex(bytes));
        let (secret, seed) = (hex(&*self.secret.expose()), hex(self.signer.expose_seed()));
        // Room for all of it at once: a buffer that grows leaves pieces of a secret behind.
        let mut text = Zeroizing::new(String::with_capacity(256));
        for part in ["holder_secret_key = \"", &secret, "\"\nsigning_seed = \"", &seed, "\"\n"] {
            text.push_str(part);
        }
        text
    }
}

impl PublicKeys {
    /// Reads what a holder gave to the owner.
    ///
    /// # Errors
    /// One line that names the place and the fix.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        ensure!(
            path.exists(),
            "no holder's public file at {shown}: the holder makes one with `strongroom recovery key -o KEY` and gives you \
             KEY.pub"
        );
        Self::parse(&input::all_of_file(path, PUBLIC_BYTES_MAX)?).with_context(|| shown.to_string())
    }

    fn parse(bytes: &Secret) -> anyhow::Result<Self> {
        let fields: PublicFields = secret_toml::fields(bytes, "holder's public file")?;
        let key = bytes_of("holder_public_key", &fields.holder_public_key)?;
        let signer = bytes_of("signing_public_key", &fields.signing_public_key)?;
        VerifyingKey::from_bytes(&signer).map_err(|_| anyhow!("`signing_public_key` is no Ed25519 key"))?;
        Ok(Self { key: *key, signer: *signer })
    }

    pub(super) fn fingerprint(&self) -> String {
        fingerprint(&[&self.key, &self.signer])
    }

    fn text(&self) -> String {
        format!(
            "# {}\nholder_public_key = \"{}\"\nsigning_public_key = \"{}\"\n",
            self.fingerprint(),
            to_hex(&self.key),
            to_hex(&self.signer)
        )
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom recovery key -o holder.key

The public file, holder.key.pub, goes to whoever shares a secret with you. Compare the fingerprint with them by voice:
whoever changed the file on its way would get your share. Keep the key itself: without it your share opens no more.")]
pub(super) struct Make {
    /// The file for the key; the public file is called the same and .pub
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

impl Make {
    /// Makes the key.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let mut public_file = self.output.clone().into_os_string();
        public_file.push(".pub");
        let public_file = PathBuf::from(public_file);
        // A key that is there may be the only one that opens a share, so it is never written over.
        for file in [&self.output, &public_file] {
            check_free(file, false)
                .map_err(|_| anyhow!("{} is there already; name another file", file.display()))?;
        }
        let key = HolderKey {
            secret: HolderSecret::derive(random()?),
            signer: SigningKey::from_seed(&Zeroizing::new(random()?)),
        };
        let public = key.public();
        write(&self.output, key.text().as_bytes(), Readers::Owner, false)?;
        write(&public_file, public.text().as_bytes(), Readers::Everybody, false)?;
        let fingerprint = public.fingerprint();
        if as_json {
            return output::json(&json!({
                "file": self.output,
                "public_file": public_file,
                "fingerprint": fingerprint,
            }));
        }
        let mut out = io::stdout();
        writeln!(out, "Fingerprint: {fingerprint}")?;
        writeln!(
            out,
            "Give {} to the owner of the secret, and read the fingerprint to them.",
            public_file.display()
        )?;
        Ok(out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> HolderKey {
        HolderKey { secret: HolderSecret::derive([0xca; 32]), signer: SigningKey::from_seed(&[0xcb; 32]) }
    }

    #[test]
    fn both_files_read_as_they_were_written() {
        let read = HolderKey::parse(&Secret::from(key().text().as_bytes())).unwrap();
        assert_eq!(read.public(), key().public());
        let public = PublicKeys::parse(&Secret::from(key().public().text().as_bytes())).unwrap();
        assert_eq!(public, key().public());
        assert!(!key().public().text().contains(&key().text()[21..85]));
    }

    /// A-LEAK-01: what is wrong is named by its place, and nothing of the file is repeated.
    #[test]
    fn what_is_wrong_with_a_key_is_named_and_not_repeated() {
        let good = key().text();
        let digits = good[21..85].to_owned();
        for (name, bad) in [
            ("holder_secret_key", good.replace("holder_secret_key = \"", "holder_secret_key = \"canary")),
            ("signing_seed", good.replace("signing_seed = \"", "signing_seed = \"canary")),
            ("line 1", format!("canary = \"canary\"\n{}", *good)),
            ("line 1", good.replacen('"', "", 2)),
            ("signing_seed", good.lines().next().unwrap().to_owned()),
        ] {
            let error = format!("{:#}", HolderKey::parse(&Secret::from(bad.as_bytes())).err().unwrap());
            assert!(error.contains(name), "{name}: {error}");
            assert!(!error.contains(&digits) && !error.contains("\"canary"), "{error}");
        }
    }

    #[test]
    fn a_fingerprint_is_of_all_its_keys_in_their_order() {
        let of = |keys: &[u8]| {
            let keys: Vec<[u8; 32]> = keys.iter().map(|byte| [*byte; 32]).collect();
            fingerprint(&keys.iter().collect::<Vec<_>>())
        };
        assert_eq!(of(&[1]).len(), 39);
        let all = [of(&[1]), of(&[2]), of(&[1, 2]), of(&[2, 1])];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }
}
