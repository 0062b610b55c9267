//! The command line: what can be said to `strongroom`, and nothing of what it does.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{
    admin::AdminCommand,
    api_key::ApiKeyCommand,
    config::{Flag, Sources, StorageKind},
    creds::CredsCommand,
    cryppo::CryppoCommand,
    keys::KeysCommand,
    psono::{DatastoreCommand, SecretCommand},
    recovery::RecoveryCommand,
    session::SessionCommand,
    store::StoreCommand,
    user::{ItemCommand, KekCommand, KeyCommand, UserCommand},
};

/// Keeps keys and records that it cannot read.
#[derive(Debug, Parser)]
#[command(name = "strongroom", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command may be told about the configuration.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// The configuration file [default: strongroom.toml, if it is there]
    #[arg(long, value_name = "FILE", env = "STRONGROOM_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// The data folder [default: strongroom-data]
    // Its variable is read with the others, so that `config show` can name it.
    #[arg(long, value_name = "FOLDER", global = true)]
    data: Option<PathBuf>,
    /// Sets any key of the configuration, as in --set server.workers=2
    #[arg(long, value_name = "KEY=VALUE", global = true)]
    set: Vec<String>,
}

/// What the servers may be told.
#[derive(Debug, Default, Args)]
pub(crate) struct Listening {
    /// Address and port of the public listener
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// Address and port of the operator's listener
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serves, and keeps everything in the data folder
    Serve(Listening),
    /// Serves from memory, and forgets everything in the end
    Dev(Listening),
    /// Looks at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Speaks to a running server as its operator
    Admin(Box<AdminCommand>),
    /// Keeps a user's keys, encrypted, in the cloud and here
    Keys(Box<KeysCommand>),
    /// Signs a person up, in and out, with a passphrase that no server sees
    User(Box<UserCommand>),
    /// Looks at the wrapped keys of a user
    Key(Box<KeyCommand>),
    /// Keeps items in a user's vault, with values that no server can read
    Item(Box<ItemCommand>),
    /// Replaces the key that a user's other keys are wrapped by
    Kek(Box<KekCommand>),
    /// Makes API keys for programs, and signs in with one
    ApiKey(Box<ApiKeyCommand>),
    /// Shows where a user is signed in, and ends sessions
    Session(Box<SessionCommand>),
    /// Shares a secret among holders, and makes it again with the shares of some of them
    Recovery(Box<RecoveryCommand>),
    /// Walks through a vault by an API key of its owner, on any server of the psono dialect
    Datastore(Box<DatastoreCommand>),
    /// Reads and changes secrets by an API key, on any server of the psono dialect
    Secret(Box<SecretCommand>),
    /// Keeps keys that sign requests to a chain of the Dragonchain dialect, here and at its server
    Creds(Box<CredsCommand>),
    /// Makes and reads keys and strings of Meeco's clients, without a server
    Cryppo(Box<CryppoCommand>),
    /// Asks a running server whether it is ready: exit code 0 if it is
    Health {
        /// The server's base URL
        #[arg(long, value_name = "URL")]
        server: Option<String>,
    },
    /// Looks at a store that no server has open, and moves its rows
    #[command(subcommand)]
    Store(StoreCommand),
    /// Prints completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Writes manual pages
    Man {
        /// Into which folder
        folder: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Prints every key with its value and where that came from
    Show {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Says whether a server could start with it, and which line to change if not
    Check,
    /// Prints a commented configuration with every key and its default
    Example,
}

impl Cli {
    /// What the configuration of this command is read from.
    pub(crate) fn sources(&self) -> anyhow::Result<Sources> {
        let mut flags = Vec::new();
        let mut flag = |flag: &str, key: &str, text: String| {
            flags.push(Flag { flag: flag.to_owned(), key: key.to_owned(), text });
        };
        for set in &self.settings.set {
            let Some((key, text)) = set.split_once('=') else {
                anyhow::bail!("--set takes a key and a value, as in --set server.workers=2");
            };
            flag(&format!("--set {key}"), key, text.to_owned());
        }
        if let Some(data) = &self.settings.data {
            flag("--data", "storage.path", data.display().to_string());
        }
        if let Command::Serve(listening) | Command::Dev(listening) = &self.command {
            if !listening.listen.is_empty() {
                flag("--listen", "server.listen", listening.listen.join(","));
            }
            if let Some(address) = &listening.admin_listen {
                flag("--admin-listen", "admin.listen", address.clone());
            }
        }
        if matches!(self.command, Command::Dev(_)) {
            let memory = clap::ValueEnum::to_possible_value(&StorageKind::Memory);
            let name = memory.map(|value| value.get_name().to_owned()).unwrap_or_default();
            flag("dev", "storage.kind", name);
        }
        let file = self.settings.config.clone();
        Ok(Sources { file, variables: environment(), flags })
    }
}

/// The environment, as far as it is text.
fn environment() -> Vec<(String, String)> {
    let all = std::env::vars_os();
    all.filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_put_together_consistently() {
        Cli::command().debug_assert();
    }
}
