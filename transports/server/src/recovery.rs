//! `strongroom recovery`: a secret is shared among people, devices and papers, asked for, approved, refused and made
//! again. Source: `docs/recovery.md`.
//!
//! Whoever acts is the user of a user file. Two more files belong to this: a holder's key (`key`), whose public half goes
//! to the owner from hand to hand, and the state of a recovery (`state`), with the key that shares are sealed to.
//! Both open shares, so they are written with mode 0600 and refused when others can read them.

mod advice;
mod approve;
mod holders;
mod key;
mod list;
mod recover;
mod shown;
mod split;
mod state;
mod words;

use std::io::{self, IsTerminal};

use anyhow::ensure;
use clap::{Args, Subcommand};
use strongroom_client::recovery::{Recovery, RecoveryError};

use crate::{
    admin::typed,
    user::{Auth, Server, wait},
};

#[derive(Debug, Args)]
pub(crate) struct RecoveryCommand {
    /// Answers as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: RecoveryAction,
}

#[derive(Debug, Subcommand)]
enum RecoveryAction {
    /// Makes a holder's key, and the public file that the owner of a secret needs of it
    Key(key::Make),
    /// Shares a secret among holders, in a new escrow
    Split(split::Split),
    /// Shares the secret of an escrow anew; all shares and papers of before are worth nothing then
    Refresh(split::Refresh),
    /// Lists the user's escrows, those that they hold a share of included
    List(list::List),
    /// Shows an escrow, its holders and its requests
    Show(list::Show),
    /// Deletes escrows, and with them every share that the server keeps
    Delete(list::Delete),
    /// Lists the requests that are under way, or gives the user's share to one of them
    Approve(approve::Approve),
    /// Refuses a request for an escrow of the user's
    Veto(approve::Veto),
    /// Asks the holders of an escrow for their shares, waits, and makes the secret again
    Recover(recover::Recover),
}

impl RecoveryCommand {
    /// Does it.
    ///
    /// # Errors
    /// One line that says what is the matter and, where there is something to do about it, what.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            RecoveryAction::Key(command) => command.run(self.json),
            RecoveryAction::Split(command) => wait(command.run(self.json)),
            RecoveryAction::Refresh(command) => wait(command.run(self.json)),
            RecoveryAction::List(command) => wait(command.run(self.json)),
            RecoveryAction::Show(command) => wait(command.run(self.json)),
            RecoveryAction::Delete(command) => wait(command.run(self.json)),
            RecoveryAction::Approve(command) => wait(command.run(self.json)),
            RecoveryAction::Veto(command) => wait(command.run(self.json)),
            RecoveryAction::Recover(command) => wait(command.run(self.json)),
        }
    }
}

/// A user's escrows, and the way to them.
struct Open {
    recovery: Recovery,
    server: Server,
}

impl Open {
    /// By the keystore session of a user file. Asks nobody.
    ///
    /// # Errors
    /// One line that names the fix.
    fn of(auth: &Auth) -> anyhow::Result<Self> {
        let (file, server) = auth.open()?;
        let recovery = server.keystore(&file)?.client().recovery();
        Ok(Self { recovery, server })
    }

    /// A failure, and the way out of it.
    fn explain(&self, error: impl Into<RecoveryError>) -> anyhow::Error {
        advice::explain(error.into(), &self.server)
    }
}

/// Refuses what cannot be undone, unless `yes` is said or somebody at a terminal types `word`.
///
/// # Errors
/// If nobody does; nothing was done then.
fn confirm(yes: bool, what: &str, word: &str) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    ensure!(io::stdin().is_terminal(), "{what}; say --yes if it is meant");
    ensure!(typed(&format!("{what}. Type {word}"), word)?, "nothing was done");
    Ok(())
}
