//! The way into a vault, and out of it again.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use strongroom_client::{
    ClientOptions,
    psono::{ANSWER_BYTES_MAX, AttachedSecrets, PsonoApiKey, PsonoClient, PsonoClientError},
};

use super::{
    advice::explain,
    key_file::{self, API_KEY_FILE},
};
use crate::trust::Trust;

#[derive(Debug, Args)]
pub(super) struct Auth {
    /// The API key file
    #[arg(long, value_name = "FILE", default_value = API_KEY_FILE, env = "STRONGROOM_API_KEY")]
    api_key: PathBuf,
    #[command(flatten)]
    trust: Trust,
}

impl Auth {
    /// The API key, and how its server is asked. Asks nobody yet.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn open(&self) -> anyhow::Result<Door> {
        let key = key_file::read(&self.api_key)?;
        let options = ClientOptions { answer_bytes_max: ANSWER_BYTES_MAX, ..self.trust.options()? };
        Ok(Door { key, options })
    }
}

/// An API key and the way to its server.
pub(super) struct Door {
    key: PsonoApiKey,
    options: ClientOptions,
}

impl Door {
    /// Does something within a session, which ends with it, however that went.
    ///
    /// # Errors
    /// What `work` fails with, and one line that names the fix.
    pub(super) async fn within<T>(
        &self,
        work: impl AsyncFnOnce(&PsonoClient) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let client = PsonoClient::login(self.key.clone(), &device(), &self.options).await;
        let client = client.map_err(|error| self.explain(&error))?;
        let done = work(&client).await;
        if let Err(error) = client.logout().await {
            // What was asked for has been done, or has failed for a reason of its own; the session ends by itself.
            let _ = writeln!(io::stderr(), "warning: the session was not ended: {:#}", self.explain(&error));
        }
        done
    }

    /// The secrets that are attached to the API key, which need no session.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn attached(&self) -> anyhow::Result<AttachedSecrets> {
        AttachedSecrets::new(self.key.clone(), &self.options).map_err(|error| self.explain(&error))
    }

    /// A failure, and the way out of it.
    pub(super) fn explain(&self, error: &PsonoClientError) -> anyhow::Error {
        explain(error, &self.key)
    }
}

/// What the owner reads in the list of sessions. Source: seed 001.
fn device() -> String {
    format!("Console Client {}", rustix::system::uname().nodename().to_string_lossy())
}
