//! `strongroom user`, `key`, `item` and `kek`: the user's side of the keystore and the vault, by hand. Source: seed 000,
//! whose guide does the same with a tool of its vendor's.
//!
//! What belongs together lies in a user file (`file`): the Secret Key, the tokens of both sessions and the keys that the
//! passphrase opens. Whoever has that file needs no passphrase, so it is written with mode 0600, never over another one,
//! and refused when others can read it. The passphrase itself is asked for, or comes from a file or standard input.

mod advice;
mod create;
mod file;
mod item;
mod kek;
mod key;
mod login;
mod passphrase;
mod passwd;
mod server;
mod session;

use std::{
    future::Future,
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use clap::{Args, Subcommand};

pub(crate) use item::ItemCommand;
pub(crate) use kek::KekCommand;
pub(crate) use key::KeyCommand;
pub(crate) use login::label;
pub(crate) use server::Server;

use crate::process;
use file::UserFile;

/// What the user file is called unless said otherwise. Source: seed 000.
const USER_FILE: &str = ".user.yaml";

#[derive(Debug, Args)]
pub(crate) struct UserCommand {
    /// Answers as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: UserAction,
}

#[derive(Debug, Subcommand)]
enum UserAction {
    /// Makes a user with keys and a vault, and prints the user file
    Create(create::Create),
    /// Signs in to keystore and vault, and prints the user file
    Login(login::Login),
    /// Shows who the server takes the user for
    Get(session::Get),
    /// Ends the sessions of a user file
    Logout(session::Logout),
    /// Changes the passphrase, and brings the user file up to date
    Passwd(passwd::Passwd),
}

impl UserCommand {
    /// Does it.
    ///
    /// # Errors
    /// One line that says what is the matter and, where there is something to do about it, what.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            UserAction::Create(command) => wait(command.run(self.json)),
            UserAction::Login(command) => wait(command.run(self.json)),
            UserAction::Get(command) => wait(command.run(self.json)),
            UserAction::Logout(command) => wait(command.run(self.json)),
            UserAction::Passwd(command) => wait(command.run(self.json)),
        }
    }
}

/// Whose file, and which server if not the one that it names.
#[derive(Debug, Args)]
pub(crate) struct Auth {
    /// The user file
    #[arg(short, long, value_name = "FILE", default_value = USER_FILE)]
    auth: PathBuf,
    #[command(flatten)]
    at: server::At,
}

impl Auth {
    /// The user file.
    ///
    /// # Errors
    /// One line that names the fix.
    fn file(&self) -> anyhow::Result<UserFile> {
        UserFile::read(&self.auth)
    }

    /// The file, and the way to the server.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(crate) fn open(&self) -> anyhow::Result<(UserFile, Server)> {
        let file = self.file()?;
        let server = self.at.open(file.server.as_deref())?;
        Ok((file, server))
    }
}

/// Runs one command to its end, and keeps memory with keys in it out of core dumps.
pub(crate) fn wait<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    process::prepare();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}

/// Tells people at a terminal what takes so long.
pub(crate) fn tell(what: &str) {
    if io::stderr().is_terminal() {
        let _ = writeln!(io::stderr(), "{what}");
    }
}
