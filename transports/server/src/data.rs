//! The data folder, apart from the store in it: the operator's token, the first credentials, and where the running
//! server can be reached.
//!
//! Everything here is readable by its owner only, and a file is either whole or not there: it is written beside its
//! place, synced and renamed.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{encoding, secret::SecretText};

use crate::config::read_secret;

/// What begins the operator's token, so that it can be recognised where it should not be.
const OPERATOR_PREFIX: &str = "sro_";

/// A data folder.
#[derive(Debug, Clone)]
pub(crate) struct DataFolder(PathBuf);

/// Where a running server can be reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Running {
    /// The server's process.
    pub(crate) pid: u32,
    /// The base URLs of the public listener.
    pub(crate) public: Vec<String>,
    /// The base URL of the chains' own listener, if they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dragonchain: Option<String>,
    /// The base URL of the operator's listener.
    pub(crate) admin: String,
}

impl Running {
    /// The base URL of a listener.
    pub(crate) fn url(address: SocketAddr, tls: bool) -> String {
        format!("{}://{address}", if tls { "https" } else { "http" })
    }
}

impl DataFolder {
    /// The folder at `path`, made with mode 0700 if it is missing.
    ///
    /// # Errors
    /// If it can be neither found nor made.
    pub(crate) fn open_or_make(path: &Path) -> anyhow::Result<Self> {
        let made = fs::DirBuilder::new().mode(0o700).create(path);
        match made {
            Ok(()) => sync_folder(path.parent().unwrap_or(Path::new(""))),
            Err(_) if path.is_dir() => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                anyhow::bail!("{} is not a folder", path.display())
            }
            Err(error) => Err(error),
        }
        .with_context(|| format!("the data folder {} cannot be made", path.display()))?;
        Ok(Self(path.into()))
    }

    /// The folder at `path`, as it is.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.into())
    }

    /// Where the store lies.
    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// Where a rewrite of the store is written, of use to nobody until it is whole.
    pub(crate) fn unfinished_store(&self) -> PathBuf {
        self.0.join("store.new")
    }

    /// Where a whole rewrite of the store waits to take the store's place.
    pub(crate) fn next_store(&self) -> PathBuf {
        self.0.join("store.next")
    }

    /// Where the store lies that was replaced, until it is deleted.
    pub(crate) fn former_store(&self) -> PathBuf {
        self.0.join("store.old")
    }

    /// Keeps a rewrite of the store from beginning while the file is open.
    ///
    /// # Errors
    /// If one is going on.
    pub(crate) fn keep_as_it_is(&self) -> anyhow::Result<File> {
        self.locked(File::try_lock_shared)
    }

    /// Keeps everybody else from opening or rewriting the store while the file is open.
    ///
    /// # Errors
    /// If somebody is at it.
    pub(crate) fn keep_to_oneself(&self) -> anyhow::Result<File> {
        self.locked(File::try_lock)
    }

    fn locked(&self, lock: impl FnOnce(&File) -> Result<(), TryLockError>) -> anyhow::Result<File> {
        let folder = File::open(&self.0).with_context(|| format!("{} cannot be opened", self.0.display()))?;
        lock(&folder).map_err(|error| match error {
            TryLockError::WouldBlock => {
                anyhow::anyhow!(
                    "the store in {} is being opened or rewritten by another command",
                    self.0.display()
                )
            }
            TryLockError::Error(error) => anyhow::anyhow!("{} cannot be locked: {error}", self.0.display()),
        })?;
        Ok(folder)
    }

    /// Where the operator's token lies.
    pub(crate) fn operator_token(&self) -> PathBuf {
        self.0.join("operator.token")
    }

    /// Where the first credentials lie.
    pub(crate) fn first(&self) -> PathBuf {
        self.0.join("first")
    }

    /// The folder by its full path, for what is printed to be pasted elsewhere.
    pub(crate) fn full_path(&self) -> PathBuf {
        fs::canonicalize(&self.0).unwrap_or_else(|_| self.0.clone())
    }

    fn running(&self) -> PathBuf {
        self.0.join("running.json")
    }

    /// Says where this server can be reached.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write_running(&self, running: &Running) -> anyhow::Result<()> {
        // Not synced: after a crash of the machine nothing runs that it could tell of.
        let path = self.running();
        let written = write_beside(&path, &serde_json::to_vec(running)?).and_then(|file| {
            drop(file);
            fs::rename(beside(&path), &path)
        });
        written.with_context(|| format!("{} cannot be written", path.display()))
    }

    /// Where the server that uses the folder can be reached, as far as that is known: it may have died since.
    pub(crate) fn read_running(&self) -> Option<Running> {
        serde_json::from_slice(&fs::read(self.running()).ok()?).ok()
    }

    /// Takes back what [`DataFolder::write_running`] said.
    pub(crate) fn remove_running(&self) {
        // If it stays, the next to look there finds nobody, and says so.
        let _ = fs::remove_file(self.running());
    }
}

/// A new operator's token.
///
/// # Errors
/// If the system gives no random bytes.
pub(crate) fn new_operator_token() -> anyhow::Result<SecretText> {
    Ok(SecretText::new(format!("{OPERATOR_PREFIX}{}", encoding::to_base64url(&random::<32>()?))))
}

/// The operator's token in `file`, made if the file is missing.
///
/// # Errors
/// If it can be neither read nor written.
pub(crate) fn operator_token(file: &Path) -> anyhow::Result<SecretText> {
    if !file.exists() {
        write_private(file, new_operator_token()?.expose().as_bytes())?;
    }
    let text = read_private(file)?;
    let is_long = text.expose().len() >= 32;
    anyhow::ensure!(is_long, "{}: an operator's token has at least 32 characters", file.display());
    Ok(text)
}

/// The secret in a file, less the line break at its end.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn read_private(file: &Path) -> anyhow::Result<SecretText> {
    let text = read_secret(file).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
    Ok(SecretText::new(text))
}

/// Random bytes of the system.
///
/// # Errors
/// If there are none.
pub(crate) fn random<const BYTES: usize>() -> anyhow::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    Ok(bytes)
}

/// Writes a file that only its owner may read (mode 0600), whole or not at all. Replaces what was there.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || {
        write_beside(path, bytes)?.sync_all()?;
        fs::rename(beside(path), path)?;
        sync_folder(path.parent().unwrap_or(Path::new("")))
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

fn beside(path: &Path) -> PathBuf {
    path.with_extension("new")
}

fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(beside(path))?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_private_is_readable_by_its_owner_only() {
        let root = tempfile::tempdir().unwrap();
        let data = DataFolder::open_or_make(&root.path().join("data")).unwrap();
        let token = operator_token(&data.operator_token()).unwrap();
        assert!(token.expose().starts_with(OPERATOR_PREFIX) && token.expose().len() > 40);
        assert_eq!(mode(&data.operator_token()), 0o600);
        assert_eq!(mode(&root.path().join("data")), 0o700);
    }

    #[test]
    fn the_operators_token_is_made_once() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("operator.token");
        let first = operator_token(&file).unwrap();
        assert!(operator_token(&file).unwrap().matches(first.expose()));
        fs::write(&file, "short").unwrap();
        assert!(operator_token(&file).is_err());
    }
}
