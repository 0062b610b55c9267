//! `strongroom kek`: rotation of the key encryption key.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use strongroom_client::users::{OpenKek, Progress};

use super::{Auth, UserFile, server::Server, wait};
use crate::{
    output,
    process::{Asked, Signals},
};

#[derive(Debug, Args)]
pub(crate) struct KekCommand {
    /// Answers as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: KekAction,
}

#[derive(Debug, Subcommand)]
enum KekAction {
    /// Replaces the key encryption key: begins a rotation, or goes on with the one that is under way
    Rotate(Rotate),
}

impl KekCommand {
    /// Does it. The exit code is that of a process that a signal killed, where one interrupted it.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        match &self.command {
            KekAction::Rotate(rotate) => wait(rotate.run(self.json)),
        }
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Every key is wrapped by a new key encryption key, which then takes the old one's place. Until then \
nothing depends on the new one: a rotation that is interrupted is gone on with by the same command, on any device of the \
user's, or given up with --cancel."
)]
struct Rotate {
    #[command(flatten)]
    auth: Auth,
    /// Gives the rotation up that is under way; every key stays as it was
    #[arg(long)]
    cancel: bool,
}

impl Rotate {
    async fn run(&self, as_json: bool) -> anyhow::Result<ExitCode> {
        let (file, server) = self.auth.open()?;
        if self.cancel {
            return self.cancel(&file, &server, as_json).await;
        }
        UserFile::check_replaceable(&self.auth.auth)?;
        let keystore = server.keystore(&file)?;
        let mut signals = Signals::listen().context("signals cannot be listened to")?;
        let bar = Bar::new();
        let rotating = keystore.rotate_kek(|progress| bar.show(progress));
        let rotated = tokio::select! {
            biased;
            rotated = rotating => rotated,
            code = stop(&mut signals) => {
                bar.end();
                let _ = writeln!(
                    io::stderr(),
                    "interrupted; nothing is lost: `strongroom kek rotate` goes on with it, and with --cancel gives it up"
                );
                return Ok(ExitCode::from(code));
            }
        };
        bar.end();
        let OpenKek { key, generation, keys, .. } = rotated.map_err(|error| server.explain(error))?;
        UserFile { key_encryption_key: key, ..file }.replace(&self.auth.auth)?;
        if as_json {
            output::json(&json!({ "generation": generation, "keys": keys }))?;
        } else {
            writeln!(io::stdout(), "generation {generation} wraps {keys} keys")?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn cancel(&self, file: &UserFile, server: &Server, as_json: bool) -> anyhow::Result<ExitCode> {
        let cancelled = server.keystore(file)?.cancel_rotation().await;
        let cancelled = cancelled.map_err(|error| server.explain(error))?;
        if as_json {
            output::json(&json!({ "cancelled": cancelled }))?;
        } else if !cancelled {
            writeln!(io::stdout(), "there is no rotation under way")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Waits for a signal that asks to end. Its exit code.
async fn stop(signals: &mut Signals) -> u8 {
    loop {
        if let Asked::Stop { code } = signals.next().await {
            return u8::try_from(code).unwrap_or(1);
        }
    }
}

/// How far it has come: a bar on a terminal, lines elsewhere.
struct Bar(Option<ProgressBar>);

impl Bar {
    fn new() -> Self {
        Self(io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("rewrapping keys [{wide_bar}] {pos} of {len}");
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        }))
    }

    fn show(&self, Progress { done, of }: Progress) {
        match &self.0 {
            Some(bar) => {
                bar.set_length(of);
                bar.set_position(done);
            }
            None => {
                let _ = writeln!(io::stderr(), "rewrapped {done} of {of} keys");
            }
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
