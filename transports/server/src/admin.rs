//! `strongroom admin`: the operator's commands, and both ends of what they say to a running server.
//!
//! Private keys never pass the server: `--generate` makes a pair here, keeps the private half in a file and sends the
//! public one.

pub(crate) mod api;
mod caller;
mod chain;
mod desk;
mod identity;
mod service_key;
mod sessions;
mod tokens;

use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use serde::Serialize;
use strongroom_engine::{Identity, Right, Rights};
use strongroom_primitives::{
    encoding,
    id::{AccountId, RealmId, SessionId, Subject},
    sign::SigningKey,
};

pub(crate) use caller::{TOKEN_VARIABLE, admin_url, client, explain};
pub(crate) use desk::Desk;

use crate::table::{self, instant, instant_or, shown};
use crate::{
    config::{Config, PublicKey, RightsList},
    data::{random, write_private},
};
use caller::Caller;
use chain::ChainCommand;
use identity::IdentityCommand;
use service_key::ServiceKeyCommand;
use sessions::SessionCommand;
use tokens::NewToken;

/// Rows of one page when all accounts are listed.
const PAGE_ROWS: usize = 1_000;

#[derive(Debug, Args)]
pub(crate) struct AdminCommand {
    /// The base URL of the operator's listener [default: that of the server in the data folder]
    #[arg(long, value_name = "URL", global = true)]
    server: Option<String>,
    /// The file with the operator's token [default: operator.token in the data folder]
    #[arg(long, value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,
    /// Answers as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Area,
}

#[derive(Debug, Subcommand)]
enum Area {
    /// Applications and their keys
    #[command(subcommand)]
    App(Box<AppCommand>),
    /// Bearer tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Accounts
    #[command(subcommand)]
    Account(AccountCommand),
    /// Open sessions of accounts
    #[command(subcommand)]
    Session(SessionCommand),
    /// The keys by which clients know the server
    #[command(subcommand)]
    Identity(IdentityCommand),
    /// Tenants of signed requests, and their root keys
    #[command(subcommand)]
    Chain(ChainCommand),
    /// Keys of a chain, which sign requests
    #[command(subcommand)]
    ServiceKey(ServiceKeyCommand),
    /// How the server is
    Status,
}

#[derive(Debug, Subcommand)]
enum AppCommand {
    /// Makes an application known, with its first key
    Add(NewKey),
    /// Lists applications and their keys
    List,
    /// Revokes the keys of an application at once
    Revoke {
        /// The application's id
        id: RealmId,
        /// Only this key
        #[arg(long, value_name = "KEY-ID")]
        key: Option<String>,
    },
    /// Further keys of an application
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Adds a key
    Add(NewKey),
}

#[derive(Debug, Args)]
struct NewKey {
    /// The application's id
    id: RealmId,
    /// The key's id, as tokens name it [default: a random one]
    #[arg(long)]
    key_id: Option<String>,
    #[command(flatten)]
    key: KeySource,
    /// What its tokens may do: create, get, reset
    #[arg(long, value_delimiter = ',', value_parser = right, default_value = "create,get,reset")]
    rights: Vec<Right>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct KeySource {
    /// The public key: Ed25519, SubjectPublicKeyInfo in base64
    #[arg(long, value_name = "BASE64")]
    public_key: Option<PublicKey>,
    /// Makes a pair: the private key goes into this new file (PKCS#8 in base64, mode 0600)
    #[arg(long, value_name = "FILE")]
    generate: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Who {
    /// The application's id
    app: RealmId,
    /// The identity
    identity: Subject,
}

impl Who {
    fn identity(&self) -> Identity {
        Identity { realm: self.app.clone(), subject: self.identity.clone() }
    }
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Issues a bearer token and prints it, this once: of an application, or with --identity one of the misakey
    /// interface
    Issue(Box<NewToken>),
    /// Lists the bearer tokens of an identity, without the tokens
    List {
        #[command(flatten)]
        who: Who,
    },
    /// Revokes a bearer token at once
    Revoke {
        #[command(flatten)]
        who: Who,
        /// The token's session, as listed
        session: SessionId,
    },
}

#[derive(Debug, Subcommand)]
enum AccountCommand {
    /// Shows one account
    Show {
        #[command(flatten)]
        who: Who,
    },
    /// Lists all accounts
    List,
    /// Refuses everything the account asks, at once
    Suspend {
        #[command(flatten)]
        who: Who,
    },
    /// Lets a suspended account act again
    Resume {
        #[command(flatten)]
        who: Who,
    },
    /// Leaves an account only some of its application's rights
    Limit {
        #[command(flatten)]
        who: Who,
        /// What it may still do: create, get, reset
        #[arg(long, value_delimiter = ',', value_parser = right, required = true)]
        rights: Vec<Right>,
    },
    /// Ends an account for ever and removes everything it keeps
    Erase {
        #[command(flatten)]
        who: Who,
        /// Does not ask whether that is meant
        #[arg(long)]
        yes: bool,
    },
}

fn right(text: &str) -> Result<Right, String> {
    match text {
        "create" => Ok(Right::Create),
        "get" => Ok(Right::Get),
        "reset" => Ok(Right::Reset),
        _ => Err("a right is create, get or reset".to_owned()),
    }
}

impl AdminCommand {
    /// Does what was asked.
    ///
    /// # Errors
    /// One line that says what is the matter.
    pub(crate) fn run(&self, config: &Config) -> anyhow::Result<()> {
        let caller = Caller::find(self.server.as_deref(), self.token_file.clone(), config)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            match &self.command {
                Area::App(command) => self.app(&caller, command).await,
                Area::Token(command) => self.token(&caller, command).await,
                Area::Account(command) => self.account(&caller, command).await,
                Area::Session(command) => self.session(&caller, command).await,
                Area::Identity(command) => self.identity(&caller, command).await,
                Area::Chain(command) => self.chain(&caller, command).await,
                Area::ServiceKey(command) => self.service_key(&caller, command).await,
                Area::Status => self.status(&caller).await,
            }
        })
    }

    /// Prints an answer: as JSON, or as `table` does.
    fn print<T: Serialize>(
        &self,
        answer: &T,
        table: impl FnOnce(&T) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        if self.json {
            writeln!(io::stdout(), "{}", serde_json::to_string_pretty(answer)?)?;
        } else {
            table(answer)?;
        }
        Ok(())
    }

    async fn app(&self, caller: &Caller, command: &AppCommand) -> anyhow::Result<()> {
        match command {
            AppCommand::Add(key) => self.add_key(caller, key, true).await,
            AppCommand::Key(KeyCommand::Add(key)) => self.add_key(caller, key, false).await,
            AppCommand::List => {
                let apps = caller.ask(&api::ListApps {}).await?;
                self.print(&apps, |apps| {
                    let row = |app: &api::App, key: &api::AppKey| {
                        [
                            app.id.to_string(),
                            shown(&key.key_id),
                            names(key.rights),
                            name(&key.source),
                            instant(key.since),
                            key.public_key.to_string(),
                        ]
                    };
                    let rows: Vec<_> =
                        apps.iter().flat_map(|app| app.keys.iter().map(move |key| row(app, key))).collect();
                    table::print(["APPLICATION", "KEY ID", "RIGHTS", "FROM", "SINCE", "PUBLIC KEY"], &rows)
                })
            }
            AppCommand::Revoke { id, key } => {
                let revoked = caller.ask(&api::RevokeApp { id: id.clone(), key_id: key.clone() }).await?;
                self.print(&revoked, |revoked| {
                    let mut out = io::stdout();
                    for key_id in &revoked.key_ids {
                        writeln!(out, "revoked: {}", shown(key_id))?;
                    }
                    for key_id in &revoked.configured {
                        let key_id = shown(key_id);
                        writeln!(
                            out,
                            "{key_id} comes back at the next start unless it leaves the configuration"
                        )?;
                    }
                    Ok(())
                })
            }
        }
    }

    async fn add_key(&self, caller: &Caller, key: &NewKey, new: bool) -> anyhow::Result<()> {
        let key_id = match &key.key_id {
            Some(key_id) => key_id.clone(),
            None => encoding::to_hex(&random::<16>()?),
        };
        let public_key = match (&key.key.public_key, &key.key.generate) {
            (Some(public_key), _) => public_key.clone(),
            (None, Some(file)) => generate(file)?,
            (None, None) => bail!("give --public-key or --generate"),
        };
        let rights = RightsList(key.rights.iter().copied().collect());
        let ask = api::AddAppKey { id: key.id.clone(), key_id, public_key, rights, new };
        caller.ask(&ask).await.with_context(|| match &key.key.generate {
            // It is not known whether a server that did not answer has the public half by now.
            Some(file) => format!("the pair stays in {}, public key {}", file.display(), ask.public_key),
            None => format!("no key was added to {}", ask.id),
        })?;
        self.print(&ask, |ask| {
            let mut out = io::stdout();
            writeln!(out, "application  {}", ask.id)?;
            writeln!(out, "key id       {}", shown(&ask.key_id))?;
            writeln!(out, "public key   {}", ask.public_key)?;
            if let Some(file) = &key.key.generate {
                writeln!(out, "private key  in {}", file.display())?;
            }
            Ok(())
        })
    }

    async fn token(&self, caller: &Caller, command: &TokenCommand) -> anyhow::Result<()> {
        match command {
            TokenCommand::Issue(new) => self.issue(caller, new).await,
            TokenCommand::List { who } => {
                let tokens = caller.ask(&api::ListTokens { identity: who.identity() }).await?;
                self.print(&tokens, |tokens| {
                    let row = |token: &api::Token| {
                        [
                            token.session.to_string(),
                            shown(&token.label),
                            names(token.rights),
                            instant(token.opened),
                            instant_or(token.expires, "-"),
                        ]
                    };
                    let rows: Vec<_> = tokens.iter().map(row).collect();
                    table::print(["SESSION", "LABEL", "RIGHTS", "SINCE", "EXPIRES"], &rows)
                })
            }
            TokenCommand::Revoke { who, session } => {
                let done =
                    caller.ask(&api::RevokeToken { identity: who.identity(), session: *session }).await?;
                self.print(&done, |_| writeln!(io::stdout(), "revoked: {session}"))
            }
        }
    }

    async fn account(&self, caller: &Caller, command: &AccountCommand) -> anyhow::Result<()> {
        let set = async |who: &Who, suspended, rights| -> anyhow::Result<()> {
            let account =
                caller.ask(&api::SetAccount { identity: who.identity(), suspended, rights }).await?;
            self.print(&account, |account| print_accounts(std::slice::from_ref(account)))
        };
        match command {
            AccountCommand::Show { who } => {
                let account = caller.ask(&api::ShowAccount { identity: who.identity() }).await?;
                let account = account.context("this identity has written nothing yet")?;
                self.print(&account, |account| print_accounts(std::slice::from_ref(account)))
            }
            AccountCommand::List => {
                let mut accounts = Vec::new();
                let mut after: Option<AccountId> = None;
                loop {
                    let page = caller.ask(&api::ListAccounts { after, limit: PAGE_ROWS }).await?;
                    accounts.extend(page.accounts);
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                self.print(&accounts, |accounts| print_accounts(accounts))
            }
            AccountCommand::Suspend { who } => set(who, Some(true), None).await,
            AccountCommand::Resume { who } => set(who, Some(false), None).await,
            AccountCommand::Limit { who, rights } => {
                set(who, None, Some(RightsList(rights.iter().copied().collect::<Rights>()))).await
            }
            AccountCommand::Erase { who, yes } => {
                ensure!(*yes || confirmed(who)?, "nothing was erased");
                let erased = caller.ask(&api::EraseAccount { identity: who.identity() }).await?;
                self.print(&erased, |erased| writeln!(io::stdout(), "erased: {}", erased.account))
            }
        }
    }

    async fn status(&self, caller: &Caller) -> anyhow::Result<()> {
        let status = caller.ask(&api::Status {}).await?;
        self.print(&status, |status| {
            let mut out = io::stdout();
            let state = match (status.ready, status.draining) {
                (true, _) => "ready",
                (false, true) => "going down",
                (false, false) => "not ready",
            };
            writeln!(out, "state      {state}")?;
            writeln!(out, "version    {}", status.version)?;
            writeln!(out, "process    {}", status.pid)?;
            writeln!(out, "since      {}", instant(status.since))?;
            let forgets = if status.durable { "" } else { ", forgets when it stops" };
            let encrypted = if status.encrypted { "encrypted" } else { "not encrypted" };
            writeln!(out, "storage    {}, {encrypted}{forgets}", status.storage)?;
            if let Some(reason) = &status.refusing_writes {
                writeln!(out, "writes     refused: {reason}")?;
            }
            writeln!(out, "in flight  {}", status.in_flight)?;
            writeln!(out, "followed   {}", status.followed_topics)?;
            writeln!(out, "public     {}", status.public.join(", "))?;
            writeln!(out, "admission  {}", status.admission_key)?;
            writeln!(out, "channel    {}", status.channel_key)?;
            match &status.identity {
                Some(identity) => {
                    let api::IdentityKeys { generation, verify_key, .. } = &identity.keys;
                    let former = identity.former.as_ref().map_or_else(String::new, |former| {
                        format!("; {} answers until {}", former.keys.generation, instant(former.until))
                    });
                    writeln!(out, "identity   {verify_key} (generation {generation}{former})")
                }
                None => writeln!(out, "identity   unknown while the store does not answer"),
            }
        })
    }
}

fn print_accounts(accounts: &[api::Account]) -> io::Result<()> {
    let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let row = |account: &api::Account| {
        let identity = account.identity.as_ref();
        [
            account.account.to_string(),
            identity.map_or_else(|| "-".to_owned(), |identity| identity.realm.to_string()),
            identity.map_or_else(|| "-".to_owned(), |identity| shown(identity.subject.as_str())),
            name(&account.state),
            names(account.rights),
            count(account.records),
            count(account.bytes),
            instant(account.since),
        ]
    };
    let rows: Vec<_> = accounts.iter().map(row).collect();
    table::print(
        ["ACCOUNT", "APPLICATION", "IDENTITY", "STATE", "RIGHTS", "RECORDS", "BYTES", "SINCE"],
        &rows,
    )
}

fn names(rights: RightsList) -> String {
    let names: Vec<String> = rights.0.iter().map(|right| name(&right)).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(",") }
}

/// The name under which a value of an enum travels.
fn name(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    value.as_ref().and_then(serde_json::Value::as_str).unwrap_or("?").to_owned()
}

/// Makes a key pair, keeps the private half in a new file and gives back the public one.
fn generate(file: &Path) -> anyhow::Result<PublicKey> {
    ensure!(!file.exists(), "{} exists, and a key in it would be lost", file.display());
    let key = SigningKey::from_seed(&random()?);
    write_private(file, format!("{}\n", encoding::to_base64(&*key.to_pkcs8())).as_bytes())?;
    Ok(PublicKey(key.verifying_key()))
}

fn confirmed(who: &Who) -> anyhow::Result<bool> {
    ensure!(io::stdin().is_terminal(), "an erasure cannot be undone; say --yes if it is meant");
    let identity = shown(who.identity.as_str());
    let question = format!("Everything that {identity} of {} keeps will be gone. Its name", who.app);
    typed(&question, who.identity.as_str())
}

/// Whether somebody at a terminal types `word` when asked to go on.
pub(crate) fn typed(question: &str, word: &str) -> anyhow::Result<bool> {
    let mut out = io::stdout();
    write!(out, "{question}, to go on: ")?;
    out.flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']) == word)
}
