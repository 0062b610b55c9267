//! `strongroom creds`: keys that sign requests in the Dragonchain dialect, in the credentials file of this machine and at
//! a server. Source: seed 003, whose tool is called `coiin`; dialects/dragonchain.md, sections 7 and 8.
//!
//! Under the name `coiin` the binary has these commands and nothing else, so that what is written for that tool runs.
//! What they print is that tool's, to the character; that they fail with exit code 1 is ours.

mod advice;
mod answers;
mod local;
mod place;
mod remote;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

pub(crate) use place::{Keeping, Place};
pub(crate) use remote::endpoint;
use remote::{At, RemoteAction};

/// The name under which the binary is that tool.
pub(crate) const COIIN: &str = "coiin";

#[derive(Debug, Args)]
pub(crate) struct CredsCommand {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: CredsAction,
}

#[derive(Debug, Subcommand)]
enum CredsAction {
    /// Keeps keys in the credentials file of this machine
    #[command(subcommand)]
    Local(local::LocalAction),
    /// Makes, shows, changes and deletes keys at the server, with a signed request
    Remote(remote::RemoteCommand),
}

impl CredsCommand {
    /// Does it. The code says whether the server agreed.
    ///
    /// # Errors
    /// One line that says what is the matter and, where there is something to do about it, what.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        match &self.command {
            CredsAction::Local(action) => action.run(&self.place).map(|()| ExitCode::SUCCESS),
            CredsAction::Remote(command) => command.run(&self.place),
        }
    }
}

/// Keys that sign requests, on this machine and at a chain's server.
#[derive(Debug, Parser)]
#[command(name = COIIN, version, max_term_width = 100)]
pub(crate) struct Coiin {
    #[command(subcommand)]
    command: CoiinCommand,
}

#[derive(Debug, Subcommand)]
enum CoiinCommand {
    /// Keeps keys on this machine and at the server
    Creds(Box<CredsCommand>),
    /// Shows what the server says of itself and the chain
    Status {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        at: At,
    },
}

impl Coiin {
    /// As [`CredsCommand::run`].
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        match &self.command {
            CoiinCommand::Creds(command) => command.run(),
            CoiinCommand::Status { place, at } => RemoteAction::Status.run(at, place),
        }
    }
}

/// Prints a line on standard output.
fn say(line: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("standard output is gone")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_put_together_consistently() {
        Coiin::command().debug_assert();
    }
}
