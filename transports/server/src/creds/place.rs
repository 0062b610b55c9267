//! Which credentials file.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use strongroom_client::dragonchain::{CredentialsFile, Locked, default_path};

use super::advice::explain;
use crate::secrets::check_private;

#[derive(Debug, Args)]
pub(super) struct Place {
    /// The credentials file [default: ~/.coiin/credentials; ~/.dragonchain/credentials if there is only that]
    #[arg(long, value_name = "FILE", env = "COIIN_CREDENTIALS_FILE", global = true)]
    credentials_file: Option<PathBuf>,
}

impl Place {
    /// Where the file is, or would be.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn path(&self) -> anyhow::Result<PathBuf> {
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

/// A path as the vendor's tool prints it: a file below the home folder begins with `~`.
pub(super) fn shown(path: &Path) -> String {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    match home.as_deref().and_then(|home| path.strip_prefix(home).ok()) {
        Some(below) => format!("~/{}", below.display()),
        None => path.display().to_string(),
    }
}
