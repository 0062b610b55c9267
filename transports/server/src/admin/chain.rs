//! `strongroom admin chain`: tenants of signed requests, and their root keys.
//!
//! A root key may do everything with its chain, and its secret is shown once. Source: dialects/dragonchain.md, section 6.

use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use strongroom_client::{
    dragonchain::{Endpoint, ServiceKey},
    wire::{Chain, NewChain, RootKey, TokenText},
};
use strongroom_primitives::dc1::{ChainId, KeyId};

use super::{AdminCommand, caller::Caller, typed};
use crate::{
    creds::{Keeping, Place, endpoint},
    input,
    secrets::{check_private, one_line},
    table::{self, instant},
};

/// Largest file with a root key, in bytes; longer secrets are refused by the server.
const KEY_FILE_BYTES_MAX: usize = 1_024;

#[derive(Debug, Subcommand)]
pub(super) enum ChainCommand {
    /// Makes a chain and prints its root key, this once
    Create {
        /// The chain's id [default: a new one]
        #[arg(long, value_name = "CHAIN", value_parser = ChainId::new)]
        id: Option<ChainId>,
        #[command(flatten)]
        root: Root,
        #[command(flatten)]
        keep: Keep,
    },
    /// Lists chains
    List,
    /// Gives a chain a new root key and prints it, this once; the one before signs nothing any more
    RotateRoot {
        /// The chain's id
        #[arg(value_parser = ChainId::new)]
        chain: ChainId,
        #[command(flatten)]
        root: Root,
        #[command(flatten)]
        keep: Keep,
        /// Does not ask whether that is meant
        #[arg(long)]
        yes: bool,
    },
}

/// What the operator says of a root key.
#[derive(Debug, Args)]
pub(super) struct Root {
    /// The root key's id [default: a new one for a new chain, else the present one]
    #[arg(long, value_name = "ID", value_parser = KeyId::new)]
    root_key_id: Option<KeyId>,
    /// The file with the root key, 32 to 256 characters on one line [default: a new key]
    #[arg(long, value_name = "FILE")]
    root_key_file: Option<PathBuf>,
}

impl Root {
    fn secret(&self) -> anyhow::Result<Option<TokenText>> {
        self.root_key_file.as_deref().map(read).transpose()
    }
}

fn read(file: &Path) -> anyhow::Result<TokenText> {
    check_private(file, "root key")?;
    let bytes = input::all_of_file(file, KEY_FILE_BYTES_MAX)?;
    one_line(&bytes).map(TokenText).with_context(|| format!("{} is not text", file.display()))
}

/// Where a root key is kept.
#[derive(Debug, Args)]
pub(super) struct Keep {
    /// Writes the root key into the credentials file, and does not print it
    #[arg(long, requires = "endpoint")]
    save_credentials: bool,
    /// With --save-credentials: where programs reach the chain, path included
    #[arg(long, value_name = "URL", value_parser = endpoint, requires = "save_credentials")]
    endpoint: Option<Endpoint>,
    /// With --save-credentials: replaces the key that the credentials file has for the chain
    #[arg(long, requires = "save_credentials")]
    force: bool,
    #[command(flatten)]
    place: Place,
}

impl Keep {
    /// The credentials file and the endpoint, if the key is to be kept there.
    fn open(&self, chain: Option<&ChainId>) -> anyhow::Result<Option<(Keeping, &Endpoint)>> {
        let Some(endpoint) = self.endpoint.as_ref().filter(|_| self.save_credentials) else {
            return Ok(None);
        };
        Ok(Some((Keeping::open(self.place.path()?, chain, self.force)?, endpoint)))
    }
}

impl AdminCommand {
    pub(super) async fn chain(&self, caller: &Caller, command: &ChainCommand) -> anyhow::Result<()> {
        let chains = caller.native()?.chains();
        match command {
            ChainCommand::Create { id, root, keep } => {
                let new = NewChain { id: id.clone(), root: root.root_key_id.clone(), secret: root.secret()? };
                let kept = keep.open(id.as_ref())?;
                let made = chains.create(new).await.map_err(|error| caller.explain(&error))?;
                self.hand_over(&made, kept)
            }
            ChainCommand::List => {
                let list = chains.list().await.map_err(|error| caller.explain(&error))?;
                self.print(&list, |list| print(list))
            }
            ChainCommand::RotateRoot { chain, root, keep, yes } => {
                let secret = root.secret()?;
                // Nobody waits for the file while a person types.
                ensure!(*yes || confirmed(chain)?, "nothing was rotated");
                let kept = keep.open(Some(chain))?;
                let rotated = chains.rotate_root(chain.clone(), root.root_key_id.clone(), secret).await;
                self.hand_over(&rotated.map_err(|error| caller.explain(&error))?, kept)
            }
        }
    }

    /// Prints a root key, or what is left to say of it once it is kept. One that cannot be kept is printed.
    fn hand_over(&self, key: &RootKey, kept: Option<(Keeping, &Endpoint)>) -> anyhow::Result<()> {
        let Some((mut file, endpoint)) = kept else { return self.print(key, print_key) };
        let credentials = ServiceKey::new("the answer", key.id.as_str(), &key.secret.0);
        let kept = credentials
            .map_err(Into::into)
            .and_then(|credentials| file.keep(&key.chain, &credentials, endpoint));
        if let Err(error) = kept {
            self.print(key, print_key)?;
            return Err(error.context("the root key is printed above, but not saved"));
        }
        let file = file.shown();
        let said = serde_json::json!({ "chain": key.chain, "id": key.id, "credentials_file": file });
        self.print(&said, |_| {
            table::facts(&[
                ("chain", key.chain.to_string()),
                ("key id", key.id.to_string()),
                ("root key", format!("in {file}")),
            ])?;
            advise(&key.chain)
        })
    }
}

fn print_key(key: &RootKey) -> io::Result<()> {
    let RootKey { chain, id, secret } = key;
    let mut out = io::stdout();
    writeln!(out, "chain     {chain}")?;
    writeln!(out, "key id    {id}")?;
    writeln!(out, "root key  {}", secret.0.expose())?;
    advise(chain)
}

fn advise(chain: &ChainId) -> io::Result<()> {
    writeln!(
        io::stdout(),
        "\nThe root key may do everything with the chain and is not shown again: keep it offline, and give programs keys of\n\
         their own, from `strongroom admin service-key create --chain {chain}`."
    )
}

fn print(chains: &[Chain]) -> io::Result<()> {
    let row = |chain: &Chain| {
        [chain.id.to_string(), chain.root.to_string(), chain.keys.to_string(), instant(chain.since)]
    };
    let rows: Vec<_> = chains.iter().map(row).collect();
    table::print(["CHAIN", "ROOT KEY", "KEYS", "SINCE"], &rows)
}

/// Whether somebody at a terminal wants what a rotation does.
fn confirmed(chain: &ChainId) -> anyhow::Result<bool> {
    ensure!(
        io::stdin().is_terminal(),
        "whoever signs with the present root key is refused from then on; say --yes if it is meant"
    );
    let mut out = io::stdout();
    writeln!(
        out,
        "The present root key of {chain} signs nothing any more, on every node; other keys go on."
    )?;
    typed("yes", "yes")
}
