//! Who is to hold the shares of a secret, and what the secret is, as the command line says it.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, ensure};
use clap::Args;
use strongroom_client::{
    recovery::{NewHolder, Recovery, Split},
    wire::{Base64Array, HolderKind},
};
use strongroom_primitives::{id::Subject, secret::Secret};
use zeroize::Zeroizing;

use super::{Open, key::PublicKeys, words};
use crate::{
    input,
    place::{Readers, check_free, write},
    secrets::{STDIN, Stdin, check_private},
    table::shown,
    user::Auth,
};

/// Largest secret that is read, in bytes: what servers take as a payload.
const SECRET_BYTES_MAX: usize = 64 * 1024;

/// One `--holder`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// A user, by the public file that they gave.
    Account(Subject, PathBuf),
    /// A device of the owner's, by its public file.
    Device(PathBuf),
    /// Words, printed or written into a file.
    Paper(Option<PathBuf>),
    /// The server.
    Server,
}

impl FromStr for Said {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        match (kind, rest.filter(|rest| !rest.is_empty())) {
            ("account", Some(rest)) => {
                let (name, file) = rest.split_once('=').ok_or(
                    "an account is named with its holder's public file, as in account:NAME=FILE.pub; the holder makes \
                     it with `strongroom recovery key`",
                )?;
                let name = Subject::new(name).map_err(|_| "that is no user name")?;
                Ok(Self::Account(name, file.into()))
            }
            ("device", Some(file)) => Ok(Self::Device(file.into())),
            ("paper", file) => Ok(Self::Paper(file.map(PathBuf::from))),
            ("server", None) => Ok(Self::Server),
            _ => Err("a holder is account:NAME=FILE.pub, device:FILE.pub, paper, paper:FILE or server"),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Holders {
    /// A holder: account:NAME=FILE.pub, device:FILE.pub, paper, paper:FILE or server; once for each share
    #[arg(long = "holder", value_name = "HOLDER", required = true)]
    said: Vec<Said>,
}

impl Holders {
    /// Refuses what could not be written in the end, before anything is done.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let files: Vec<&Path> = self.papers().flatten().collect();
        for (at, file) in files.iter().enumerate() {
            check_free(file, false)?;
            ensure!(!files[..at].contains(file), "{} is named for two papers", file.display());
        }
        Ok(())
    }

    /// How many of them can approve.
    pub(super) fn approvers(&self) -> usize {
        self.said.iter().filter(|said| matches!(said, Said::Account(..) | Said::Device(_))).count()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.said.len()
    }

    fn papers(&self) -> impl Iterator<Item = Option<&Path>> {
        self.said.iter().filter_map(|said| match said {
            Said::Paper(file) => Some(file.as_deref()),
            _ => None,
        })
    }

    /// The holders with their keys, and beside each fingerprint whose it is, for the owner to compare.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn resolve(&self, open: &Open) -> anyhow::Result<(Vec<NewHolder>, Vec<(u8, String)>)> {
        let (mut holders, mut fingerprints) = (Vec::new(), Vec::new());
        for (index, said) in (1..=u8::MAX).zip(&self.said) {
            let (kind, keys) = match said {
                Said::Account(name, file) => {
                    (HolderKind::Account(name.clone()), Some(PublicKeys::read(file)?))
                }
                Said::Device(file) => {
                    let keys = PublicKeys::read(file)?;
                    (HolderKind::Device { signer: Base64Array(keys.signer) }, Some(keys))
                }
                Said::Paper(_) => (HolderKind::Paper {}, None),
                Said::Server => (HolderKind::Server {}, None),
            };
            if let Some(keys) = &keys {
                fingerprints.push((index, keys.fingerprint()));
            }
            let public_key = match kind {
                HolderKind::Server {} => Some(server_key(&open.recovery, open).await?),
                _ => keys.map(|keys| keys.key),
            };
            holders.push(NewHolder { kind, public_key });
        }
        Ok((holders, fingerprints))
    }

    /// Writes the papers: each into its file, the others onto standard output unless a document takes them. Gives back
    /// those that were not written into files.
    ///
    /// # Errors
    /// One line that says which share is written nowhere.
    pub(super) fn write_papers(
        &self,
        split: &Split,
        as_json: bool,
    ) -> anyhow::Result<Vec<(u8, Zeroizing<String>)>> {
        let (mut kept, epoch) = (Vec::new(), split.escrow.epoch);
        for (share, file) in split.plain.iter().zip(self.papers()) {
            let text = words::paper(share, split.escrow.id, epoch)?;
            match file {
                Some(file) => write(file, text.as_bytes(), Readers::Owner, false)
                    .with_context(|| format!("share {} is written down nowhere", share.index()))?,
                None if as_json => kept.push((share.index(), text)),
                None => {
                    let mut out = io::stdout().lock();
                    out.write_all(text.as_bytes())?;
                    writeln!(out)?;
                    out.flush()?;
                }
            }
        }
        Ok(kept)
    }
}

async fn server_key(recovery: &Recovery, open: &Open) -> anyhow::Result<[u8; 32]> {
    recovery.server_key().await.map_err(|error| open.explain(error))
}

/// A holder as people name them.
pub(super) fn name(kind: &HolderKind) -> String {
    match kind {
        HolderKind::Account(subject) => shown(subject.as_str()),
        HolderKind::Device { .. } => "a device of the owner's".to_owned(),
        HolderKind::Realm {} => "a realm".to_owned(),
        HolderKind::Paper {} => "paper".to_owned(),
        HolderKind::Server {} => "the server".to_owned(),
    }
}

#[derive(Debug, Args)]
#[group(id = "secret_source", required = true, multiple = false)]
pub(super) struct SecretSource {
    /// The file with the secret; - takes it from standard input
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
    /// The key encryption key of the user file, which opens all that the server keeps for the user until the next
    /// `strongroom kek rotate`
    #[arg(long)]
    kek: bool,
}

impl SecretSource {
    /// The secret.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn read(&self, auth: &Auth) -> anyhow::Result<Secret> {
        let secret = match &self.secret {
            Some(file) if file.as_os_str() == STDIN => Stdin::default().read("secret", SECRET_BYTES_MAX)?,
            Some(file) => {
                check_private(file, "secret")?;
                input::all_of_file(file, SECRET_BYTES_MAX)?
            }
            None => Secret::from(auth.open()?.0.kek_text().expose().as_bytes()),
        };
        ensure!(!secret.is_empty(), "the secret is empty");
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_read_as_it_is_said() {
        let bob = Subject::new("bob").unwrap();
        assert_eq!("account:bob=b=c.pub".parse(), Ok(Said::Account(bob, "b=c.pub".into())));
        assert_eq!("device:phone.pub".parse(), Ok(Said::Device("phone.pub".into())));
        assert_eq!("paper".parse(), Ok(Said::Paper(None)));
        assert_eq!("paper:safe:1".parse(), Ok(Said::Paper(Some("safe:1".into()))));
        assert_eq!("server".parse(), Ok(Said::Server));
        for bad in ["", "account", "account:", "device", "device:", "server:x", "realm", "Paper"] {
            assert!(bad.parse::<Said>().unwrap_err().contains("account:NAME=FILE.pub"), "{bad}");
        }
        assert!("account:bob".parse::<Said>().unwrap_err().contains("strongroom recovery key"));
        assert!("account:=b.pub".parse::<Said>().is_err());
    }
}
