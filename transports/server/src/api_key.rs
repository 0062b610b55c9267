//! `strongroom api-key`: a person makes API keys for programs, and a program signs in with one. Source: seed 001, whose
//! console client signs in like this, and `docs/api-keys.md`.
//!
//! Who asks is either a person with a user file, or a program that has an API key file (`key_file`) and nothing else.
//! Whoever has that file does what the key may, so it is written with mode 0600 and refused when others can read it.

mod advice;
mod attach;
mod change;
mod create;
mod key_file;
mod list;
mod login;

use anyhow::Context;
use clap::{Args, Subcommand};
use strongroom_client::{
    Client,
    api_keys::{ApiKeys, OwnerKeys},
    wire::ApiKey,
};
use strongroom_primitives::id::ApiKeyId;

pub(crate) use list::titles;

use advice::explain_owner;

use crate::user::{Auth, Server, wait};

#[derive(Debug, Args)]
pub(crate) struct ApiKeyCommand {
    /// Answers as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: ApiKeyAction,
}

#[derive(Debug, Subcommand)]
enum ApiKeyAction {
    /// Makes an API key, and prints the file that a program signs in with
    Create(create::Create),
    /// Lists the user's API keys, without the keys themselves
    List(list::List),
    /// Changes what an API key may do; its open sessions may do no more from their next request on
    Update(change::Update),
    /// Ends API keys for ever, and their sessions with them
    Revoke(change::Revoke),
    /// Attaches a secret to an API key, which then reaches it also where it is restricted
    Attach(attach::Attach),
    /// Lists the secrets that are attached to an API key
    Attached(attach::Attached),
    /// Takes secrets off the API keys that they are attached to
    Detach(attach::Detach),
    /// Signs in with an API key file, and shows what the key may do
    Login(login::Login),
    /// Ends the session of a token that `login` gave
    Logout(login::Logout),
}

impl ApiKeyCommand {
    /// Does it.
    ///
    /// # Errors
    /// One line that says what is the matter and, where there is something to do about it, what.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            ApiKeyAction::Create(command) => wait(command.run(self.json)),
            ApiKeyAction::List(command) => wait(command.run(self.json)),
            ApiKeyAction::Update(command) => wait(command.run(self.json)),
            ApiKeyAction::Revoke(command) => wait(command.run(self.json)),
            ApiKeyAction::Attach(command) => wait(command.run(self.json)),
            ApiKeyAction::Attached(command) => wait(command.run(self.json)),
            ApiKeyAction::Detach(command) => wait(command.run(self.json)),
            ApiKeyAction::Login(command) => wait(command.run(self.json)),
            ApiKeyAction::Logout(command) => wait(command.run(self.json)),
        }
    }
}

/// A person's API keys, and the way to them.
struct Open {
    client: Client,
    keys: ApiKeys,
    owner: OwnerKeys,
    server: Server,
}

impl Open {
    /// By the keystore session of a user file. Asks nobody.
    ///
    /// # Errors
    /// One line that names the fix.
    fn of(auth: &Auth) -> anyhow::Result<Self> {
        let (file, server) = auth.open()?;
        let client = server.keystore(&file)?.client().clone();
        let keys = client.api_keys();
        Ok(Self { client, keys, owner: OwnerKeys::derived(&file.data_encryption_key), server })
    }

    /// One of them.
    ///
    /// # Errors
    /// One line that names the fix.
    async fn find(&self, id: ApiKeyId) -> anyhow::Result<ApiKey> {
        let keys = self.keys.list().await.map_err(|error| explain_owner(error, &self.server))?;
        let found = keys.into_iter().find(|key| key.id == id);
        found.with_context(|| {
            format!("there is no API key {id}; `strongroom api-key list` shows which there are")
        })
    }
}
