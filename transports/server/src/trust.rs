//! Which servers a command believes, and what it shows to others on the way.

use std::{fs, path::PathBuf};

use anyhow::Context;
use clap::Args;
use strongroom_client::ClientOptions;

#[derive(Debug, Args)]
pub(crate) struct Trust {
    /// A PEM file: the certificates that the server's must descend from, instead of this machine's roots
    #[arg(long, value_name = "FILE")]
    trusted_certificates: Option<PathBuf>,
    /// Sends tokens over http:// to another machine, where others on the way can read them
    #[arg(long)]
    allow_plaintext: bool,
}

impl Trust {
    /// The options of a client that believes no others.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(crate) fn options(&self) -> anyhow::Result<ClientOptions> {
        let read = |path: &PathBuf| {
            fs::read(path).with_context(|| format!("cannot read the trusted certificates {}", path.display()))
        };
        let roots_pem = self.trusted_certificates.as_ref().map(read).transpose()?;
        Ok(ClientOptions { roots_pem, allow_plaintext: self.allow_plaintext, ..ClientOptions::default() })
    }
}
