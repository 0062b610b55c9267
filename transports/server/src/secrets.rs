//! Secrets that people hand over: on standard input, in files that nobody else reads, and on the command line only where
//! they insist.

use std::{fs, path::Path};

use anyhow::{Context, ensure};
use clap::Args;
use strongroom_primitives::secret::{Secret, SecretText};

use crate::{config::is_world_readable, input};

/// Names standard input.
pub(crate) const STDIN: &str = "-";

/// Standard input, which gives one thing only.
#[derive(Debug, Default)]
pub(crate) struct Stdin {
    given: Option<&'static str>,
}

impl Stdin {
    /// All of it, for `what`.
    ///
    /// # Errors
    /// If it gave something else already, cannot be read or has more than `bytes_max`.
    pub(crate) fn read(&mut self, what: &'static str, bytes_max: usize) -> anyhow::Result<Secret> {
        if let Some(given) = self.given {
            anyhow::bail!("standard input gives the {given} already; the {what} must come from elsewhere");
        }
        self.given = Some(what);
        input::all_of_stdin(bytes_max)
    }
}

#[derive(Debug, Default, Args)]
pub(crate) struct Insisted {
    /// Takes secrets from the command line, where other users of this machine see them while the command runs
    /// and the shell's history keeps them
    #[arg(long)]
    secrets_on_command_line: bool,
}

impl Insisted {
    /// Refuses a secret that stands on the command line, unless that is insisted on. `through_stdin`: how to say that it
    /// comes from standard input.
    ///
    /// # Errors
    /// One line that names the other ways.
    pub(crate) fn check(&self, what: &str, through_stdin: &str) -> anyhow::Result<()> {
        ensure!(
            self.secrets_on_command_line,
            "other users of this machine see a {what} on the command line, and the shell's history keeps it: name a file \
             with --{what}-file, send it through standard input with `{through_stdin}`, or insist with --secrets-on-command-line"
        );
        Ok(())
    }
}

/// Takes a text over from the command line.
pub(crate) fn said(text: &str) -> Result<SecretText, std::convert::Infallible> {
    Ok(SecretText::new(text.to_owned()))
}

/// The text of a file without the line break at its end, if it is text.
pub(crate) fn one_line(bytes: &Secret) -> Option<SecretText> {
    let text = str::from_utf8(bytes.expose()).ok()?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    Some(SecretText::new(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}

/// Refuses a file of secrets that others can read.
///
/// # Errors
/// One line that names the fix.
pub(crate) fn check_private(path: &Path, what: &str) -> anyhow::Result<()> {
    let shown = path.display();
    let metadata = fs::metadata(path).with_context(|| format!("cannot read {shown}"))?;
    ensure!(
        !is_world_readable(&metadata),
        "{shown} holds a {what} and others on this machine can read it; run `chmod 600 {shown}`"
    );
    Ok(())
}
