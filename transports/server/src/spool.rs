//! Activation codes on their way to people: one file each, in a folder that a program of the operator's empties.
//!
//! A file has two lines, the address and the code, and ends in `.code`. It appears whole, readable for this server's
//! user only. Whoever reads a code can activate the account of whoever registered, and no more.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use strongroom_engine::ports::{Entropy, OsEntropy};
use strongroom_primitives::{encoding::to_hex, secret::SecretText};
use strongroom_transports::dialects::psono::Mail;
use zeroize::Zeroizing;

/// A folder of codes to be sent.
pub(crate) struct Spool {
    folder: PathBuf,
}

impl Spool {
    /// A spool in a folder that is there already.
    ///
    /// # Errors
    /// If it is not.
    pub(crate) fn open(folder: PathBuf) -> anyhow::Result<Self> {
        anyhow::ensure!(folder.is_dir(), "psono.activation_folder: {} is no folder", folder.display());
        Ok(Self { folder })
    }
}

impl Mail for Spool {
    fn send(&self, address: &str, code: &SecretText) {
        let letter = Zeroizing::new(format!("{address}\n{}\n", code.expose()));
        let folder = self.folder.clone();
        // A disk may take its time, and the thread that asks serves others.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = put(&folder, &letter) {
                tracing::error!(folder = %folder.display(), %error, "an activation code could not be written");
            }
        });
    }
}

fn put(folder: &Path, letter: &str) -> io::Result<()> {
    let entropy: &dyn Entropy = &OsEntropy;
    let name = to_hex(&entropy.array::<16>());
    let unfinished = folder.join(format!(".{name}"));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(letter.as_bytes())?;
    file.sync_all()?;
    fs::rename(unfinished, folder.join(format!("{name}.code")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_has_to_be_there() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Spool::open(folder.path().to_owned()).is_ok());
        assert!(Spool::open(folder.path().join("none")).is_err());
    }

    #[test]
    fn a_code_is_a_file_of_its_own_that_others_cannot_read() {
        let folder = tempfile::tempdir().unwrap();
        for code in ["one", "two"] {
            put(folder.path(), &format!("ann@example.com\n{code}\n")).unwrap();
        }
        let mut letters = Vec::new();
        for entry in fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(path.extension().unwrap(), "code");
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            letters.push(fs::read_to_string(path).unwrap());
        }
        letters.sort();
        assert_eq!(letters, ["ann@example.com\none\n", "ann@example.com\ntwo\n"]);
    }
}
