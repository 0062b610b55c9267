//! `creds remote` and `status`: signed requests, each sent once, and their answers as `{status, response, ok}`.

use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde_json::Value;
use strongroom_client::{
    ClientError,
    dragonchain::{Credentials, DragonchainClient, Endpoint, Given, KeyChange, Outcome},
};
use strongroom_primitives::{
    dc1::{ChainId, KeyId},
    json,
};

use super::{
    advice::{explain, unanswered},
    place::{Keeping, Place},
    say,
};
use crate::{trust::Trust, user::wait};

/// Longest permissions document, in bytes: what servers take as a body.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// Which chain, and where.
#[derive(Debug, Args)]
pub(super) struct At {
    /// The chain's public id [default: DRAGONCHAIN_ID, else the default of the credentials file]
    #[arg(long, value_name = "CHAIN", value_parser = ChainId::new, global = true)]
    chain: Option<ChainId>,
    /// Where the chain is served, path included [default: DRAGONCHAIN_ENDPOINT, else as the credentials file says]
    #[arg(long, value_name = "URL", value_parser = endpoint, global = true)]
    endpoint: Option<Endpoint>,
    #[command(flatten)]
    trust: Trust,
}

/// Reads an endpoint from the command line.
pub(crate) fn endpoint(text: &str) -> Result<Endpoint, String> {
    let read = Endpoint::read("--endpoint", text).map_err(|error| error.to_string())?;
    read.ok_or_else(|| "an endpoint is a URL".to_owned())
}

#[derive(Debug, Args)]
pub(super) struct RemoteCommand {
    #[command(flatten)]
    at: At,
    #[command(subcommand)]
    action: RemoteAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum RemoteAction {
    /// Creates a key and prints it, this once
    Add {
        #[command(flatten)]
        key: Key,
        /// Writes the key into the credentials file, with the chain's endpoint, and does not print it
        #[arg(long)]
        save: bool,
        /// With --save: replaces the key that the credentials file has for the chain
        #[arg(long, requires = "save")]
        force: bool,
    },
    /// Shows a key, without what it signs by
    Get {
        /// The key's id
        #[arg(value_parser = KeyId::new)]
        id: KeyId,
    },
    /// Lists the chain's keys
    Ls,
    /// Deletes a key, for good
    Rm {
        /// The key's id
        #[arg(value_parser = KeyId::new)]
        id: KeyId,
    },
    /// Changes a key's nickname or permissions
    Update {
        /// The key's id
        #[arg(value_parser = KeyId::new)]
        id: KeyId,
        #[command(flatten)]
        key: Key,
    },
    /// Shows what the server says of itself and the chain
    Status,
}

/// What is said of a key.
#[derive(Debug, Args)]
pub(super) struct Key {
    /// A name for people
    #[arg(short, long, value_name = "NAME")]
    nickname: Option<String>,
    /// What the key may do: a permissions document
    #[arg(
        short,
        long = "permissionsDocument",
        alias = "permissions-document",
        value_name = "JSON",
        value_parser = document
    )]
    permissions_document: Option<Value>,
}

/// An object of JSON with one meaning; whether it is a permissions document, the server says.
fn document(text: &str) -> Result<Value, String> {
    if text.len() > DOCUMENT_BYTES_MAX {
        return Err(format!("a permissions document has at most {DOCUMENT_BYTES_MAX} bytes"));
    }
    json::parse_object(text.as_bytes()).map(Value::Object).map_err(|error| error.to_string())
}

impl Key {
    fn change(&self) -> KeyChange {
        let Self { nickname, permissions_document } = self;
        KeyChange { nickname: nickname.clone(), permissions_document: permissions_document.clone() }
    }
}

impl RemoteCommand {
    /// Asks, and prints the answer.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn run(&self, place: &Place) -> anyhow::Result<ExitCode> {
        self.action.run(&self.at, place)
    }
}

impl RemoteAction {
    /// As [`RemoteCommand::run`].
    pub(super) fn run(&self, at: &At, place: &Place) -> anyhow::Result<ExitCode> {
        let credentials = at.credentials(place)?;
        let options = at.trust.options()?;
        let client =
            DragonchainClient::new(credentials.clone(), &options).map_err(|error| anyhow!("{error}"))?;
        if let Self::Add { key, save: true, force } = self {
            let kept = Keeping::open(place.path()?, Some(&credentials.chain), *force)?;
            return create_and_save(&client, key, &credentials, kept);
        }
        let outcome = wait(async { self.ask(&client).await.map_err(|error| failed(&error, &credentials)) })?;
        say(&outcome.to_text())?;
        Ok(code(&outcome))
    }

    async fn ask(&self, client: &DragonchainClient) -> Result<Outcome, ClientError> {
        match self {
            Self::Add { key, .. } => client.create_key(&key.change()).await,
            Self::Get { id } => client.get_key(id).await,
            Self::Ls => client.list_keys().await,
            Self::Rm { id } => client.delete_key(id).await,
            Self::Update { id, key } => client.update_key(id, &key.change()).await,
            Self::Status => client.status().await,
        }
    }
}

impl At {
    /// All that it takes to ask.
    ///
    /// # Errors
    /// One line that names the fix.
    fn credentials(&self, place: &Place) -> anyhow::Result<Credentials> {
        let given = Given { chain: self.chain.clone(), endpoint: self.endpoint.clone(), key: None };
        let variable = |name: &str| std::env::var(name).ok();
        Credentials::find(given, variable, || place.load()).map_err(|error: anyhow::Error| {
            // What is wrong with the file has been explained with the file.
            error
                .downcast()
                .map_or_else(|error| error, |error| explain(error, &place.path().unwrap_or_default()))
        })
    }
}

/// Creates a key and writes it down. A key that could not be kept all the same is printed.
fn create_and_save(
    client: &DragonchainClient,
    key: &Key,
    credentials: &Credentials,
    mut kept: Keeping,
) -> anyhow::Result<ExitCode> {
    let outcome =
        wait(async { client.create_key(&key.change()).await.map_err(|error| failed(&error, credentials)) })?;
    if !outcome.is_ok() {
        say(&outcome.to_text())?;
        return Ok(code(&outcome));
    }
    let Credentials { chain, endpoint, .. } = credentials;
    match outcome.created().map_err(Into::into).and_then(|made| kept.keep(chain, &made, endpoint)) {
        Ok(()) => say(&outcome.to_text_without_key())?,
        Err(error) => {
            say(&outcome.to_text())?;
            return Err(error.context("the key was created and is printed above, but not saved"));
        }
    }
    Ok(code(&outcome))
}

fn failed(error: &ClientError, credentials: &Credentials) -> anyhow::Error {
    unanswered(error, credentials.endpoint.as_str())
}

fn code(outcome: &Outcome) -> ExitCode {
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
