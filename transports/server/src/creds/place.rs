//! Which credentials file.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::ensure;
use clap::Args;
use strongroom_client::dragonchain::{CredentialsFile, Endpoint, Locked, ServiceKey, default_path};
use strongroom_primitives::dc1::ChainId;

use super::advice::explain;
use crate::secrets::check_private;

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The credentials file [default: ~/.coiin/credentials; ~/.dragonchain/credentials if there is only that]
    #[arg(long, value_name = "FILE", env = "COIIN_CREDENTIALS_FILE", global = true)]
    credentials_file: Option<PathBuf>,
}

impl Place {
    /// Where the file is, or would be.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(crate) fn path(&self) -> anyhow::Result<PathBuf> {
        match &self.credentials_file {
            Some(path) => Ok(path.clone()),
            None => default_path().map_err(|error| explain(error, Path::new(""))),
        }
    }

    /// What the file holds; nothing if there is none. Warns of one that others can read: the vendor's tools leave it so.
    ///
    /// # Errors
    /// One line that names the place and the fix.
    pub(super) fn load(&self) -> anyhow::Result<CredentialsFile> {
        let path = self.path()?;
        if path.exists()
            && let Err(error) = check_private(&path, "key")
        {
            let _ = writeln!(io::stderr(), "warning: {error:#}");
        }
        CredentialsFile::load(&path).map_err(|error| explain(error, &path))
    }

    /// The file, to be changed.
    ///
    /// # Errors
    /// One line that names the place and the fix.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut Locked) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let path = self.path()?;
        let mut locked = Locked::open(&path).map_err(|error| explain(error, &path))?;
        let done = change(&mut locked)?;
        locked.save().map_err(|error| explain(error, &path))?;
        Ok(done)
    }
}

/// A credentials file that is to take a key.
pub(crate) struct Keeping {
    path: PathBuf,
    locked: Locked,
}

impl Keeping {
    /// Looks at the file first, so that no key is made that could not be kept. `chain`: whose key it is to be, if that is
    /// known; `force`: whether that takes the place of one that is there.
    ///
    /// # Errors
    /// One line that names the place and the fix.
    pub(crate) fn open(path: PathBuf, chain: Option<&ChainId>, force: bool) -> anyhow::Result<Self> {
        let failed = |error| explain(error, &path);
        let locked = Locked::open(&path).map_err(failed)?;
        if let Some(chain) = chain {
            let held = locked.file.chain(chain.as_str()).map_err(failed)?;
            ensure!(
                force || held.and_then(|held| held.key).is_none(),
                "the credentials file has a key for {chain} already, which would be lost; say --force to replace it. No key \
                 was created"
            );
        }
        locked.file.to_text().map_err(failed)?;
        Ok(Self { path, locked })
    }

    /// Keeps the key. The first chain of a file becomes the default one.
    ///
    /// # Errors
    /// One line that names the place and the fix.
    pub(crate) fn keep(
        &mut self,
        chain: &ChainId,
        key: &ServiceKey,
        endpoint: &Endpoint,
    ) -> anyhow::Result<()> {
        let failed = |error| explain(error, &self.path);
        let file = &mut self.locked.file;
        file.put(chain, key, Some(endpoint)).map_err(failed)?;
        if file.default_chain().is_none() {
            file.set_default(chain.as_str()).map_err(failed)?;
        }
        self.locked.save().map_err(failed)
    }

    /// The file as it is shown.
    pub(crate) fn shown(&self) -> String {
        shown(&self.path)
    }
}

/// A path as the vendor's tool prints it: a file below the home folder begins with `~`.
pub(super) fn shown(path: &Path) -> String {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    match home.as_deref().and_then(|home| path.strip_prefix(home).ok()) {
        Some(below) => format!("~/{}", below.display()),
        None => path.display().to_string(),
    }
}
