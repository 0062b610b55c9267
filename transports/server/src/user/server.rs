//! The way to a server.

use anyhow::Context;
use clap::Args;
use strongroom_client::{
    Client, ClientOptions, Credentials,
    users::{Keystore, UserError, Users, Vault},
};

use super::{UserFile, advice::explain};
use crate::trust::Trust;

/// Where a server is looked for that nothing else is said of: what `strongroom serve` listens on.
const DEFAULT_SERVER: &str = "http://127.0.0.1:8470";

/// How often the server is tried: a person waits.
const TRIES_MAX: u32 = 4;

#[derive(Debug, Args)]
pub(super) struct At {
    /// The server's URL [default: the one in the user file, else http://127.0.0.1:8470]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    #[command(flatten)]
    trust: Trust,
}

impl At {
    /// A way to the server; `known` is what the user file says. Asks nobody yet.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn open(&self, known: Option<&str>) -> anyhow::Result<Server> {
        let url = self.server.as_deref().or(known).unwrap_or(DEFAULT_SERVER).trim_end_matches('/').to_owned();
        let options = ClientOptions { tries_max: TRIES_MAX, ..self.trust.options()? };
        let client = Client::http(&url, Credentials::nobody(), options).context("--server")?;
        Ok(Server { url, client })
    }
}

/// A server, asked by nobody in particular.
pub(crate) struct Server {
    pub(crate) url: String,
    client: Client,
}

impl Server {
    /// Signing up and in.
    pub(super) fn users(&self) -> Users {
        Users::new(&self.client)
    }

    /// The keystore, by the session of a user file.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(crate) fn keystore(&self, file: &UserFile) -> anyhow::Result<Keystore> {
        let opened = self.users().keystore(&file.keystore_access_token, file.passphrase_derived_key.clone());
        opened.map_err(|error| self.explain(error))
    }

    /// The vault, by the session of a user file.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(crate) fn vault(&self, file: &UserFile) -> anyhow::Result<Vault> {
        let opened = self.users().vault(&file.vault_access_token, file.data_encryption_key.clone());
        opened.map_err(|error| self.explain(error))
    }

    /// A failure, and the way out of it.
    pub(crate) fn explain(&self, error: impl Into<UserError>) -> anyhow::Error {
        explain(&error.into(), &self.url)
    }
}
