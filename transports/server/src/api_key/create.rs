//! A new API key, in a file for the program that is to sign in with it.

use std::io::{self, Write};

use anyhow::{anyhow, ensure};
use clap::Args;
use serde_json::json;
use strongroom_client::{api_keys::ApiKeyOptions, keyknox::ports::Ports};
use strongroom_primitives::id::ApiKeyId;

use super::{Open, advice::explain_owner, key_file::ApiKeyFile};
use crate::{output, place::Place, span::End, user::Auth};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom api-key create --title backup --read -o .api-key.toml
  strongroom api-key create --title deploy --read --write --restrict --expires 30d -o .api-key.toml

Whoever has the file does what the key may, and nothing of it can be had again from the server.")]
pub(super) struct Create {
    /// What to call it; the server can read it
    #[arg(long)]
    title: String,
    /// It may look
    #[arg(long)]
    read: bool,
    /// It may change something
    #[arg(long)]
    write: bool,
    /// It reaches nothing but the secrets that are attached to it
    #[arg(long)]
    restrict: bool,
    /// Its program may hand the server the key of its secrets, which then opens them, if the operator allows that
    #[arg(long)]
    insecure: bool,
    /// When it ends: a span of time (30d), a day or an instant [default: when it is revoked]
    #[arg(long, value_name = "END")]
    expires: Option<End>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    auth: Auth,
}

impl Create {
    /// Makes the key.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        ensure!(
            self.read || self.write,
            "an API key that may do nothing is of no use: say --read, --write or both"
        );
        self.place.check()?;
        let open = Open::of(&self.auth)?;
        let now = Ports::system().clock.now();
        let expires = self.expires.map(|end| end.from(now));
        ensure!(
            expires.is_none_or(|at| at > now),
            "--expires lies in the past, so the API key would be of no use"
        );
        let options = ApiKeyOptions {
            title: self.title.clone(),
            read: self.read,
            write: self.write,
            restrict: self.restrict,
            insecure: self.insecure,
            expires,
        };
        let made = open.keys.create(options, &open.owner).await;
        let made = made.map_err(|error| explain_owner(error, &open.server))?;
        let id = made.key.id;
        if let Err(error) = ApiKeyFile::new(&open.server.url, made).put(&self.place, as_json) {
            return Err(take_back(&open, id, error).await);
        }
        match self.place.file() {
            Some(file) if as_json => output::json(&json!({ "api_key": id, "file": file })),
            Some(_) => Ok(writeln!(io::stdout(), "{id}")?),
            None => Ok(()),
        }
    }
}

/// Ends a key that nobody could be given.
async fn take_back(open: &Open, id: ApiKeyId, error: anyhow::Error) -> anyhow::Error {
    match open.keys.revoke(id).await {
        Ok(()) => error.context("no API key was made"),
        Err(_) => anyhow!(
            "{error:#}. The API key was made all the same: end it with `strongroom api-key revoke {id}`"
        ),
    }
}
