//! Where passphrases and Secret Keys come from: a question, a file, standard input or, insisted on, the command line.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use clap::Args;
use strongroom_primitives::{secret::SecretText, secret_key::SecretKey, two_skd::PASSPHRASE_BYTES_MAX};

use crate::{
    input,
    secrets::{Insisted, STDIN, Stdin, check_private, one_line, said},
};

/// Longest file of a Secret Key, in bytes.
const SECRET_KEY_FILE_BYTES_MAX: usize = 1024;

#[derive(Debug, Args)]
#[group(id = "passphrase_source", multiple = false)]
pub(super) struct PassphraseSource {
    /// The passphrase, with --secrets-on-command-line; `-` takes it from standard input. Without any it is asked for
    #[arg(short, long, value_name = "PASSPHRASE", allow_hyphen_values = true, value_parser = said)]
    passphrase: Option<SecretText>,
    /// Takes the passphrase from this file, less the line break at its end
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseSource {
    /// The passphrase of somebody who has one.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn read(&self, stdin: &mut Stdin, insisted: &Insisted) -> anyhow::Result<SecretText> {
        let (given, file) = (self.passphrase.as_ref(), self.passphrase_file.as_deref());
        read(given, file, stdin, insisted, || ask("passphrase: ", "--passphrase-file"))
    }

    /// A new passphrase, asked for twice if it is asked for.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn read_new(&self, stdin: &mut Stdin, insisted: &Insisted) -> anyhow::Result<SecretText> {
        let (given, file) = (self.passphrase.as_ref(), self.passphrase_file.as_deref());
        read(given, file, stdin, insisted, || ask_twice("--passphrase-file"))
    }
}

#[derive(Debug, Args)]
#[group(id = "new_passphrase_source", multiple = false)]
pub(super) struct NewPassphraseSource {
    /// The new passphrase, with --secrets-on-command-line; `-` takes it from standard input. Without any it is asked for
    #[arg(short, long, value_name = "PASSPHRASE", allow_hyphen_values = true, value_parser = said)]
    new_passphrase: Option<SecretText>,
    /// Takes the new passphrase from this file, less the line break at its end
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

impl NewPassphraseSource {
    /// The new passphrase.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn read(&self, stdin: &mut Stdin, insisted: &Insisted) -> anyhow::Result<SecretText> {
        let (given, file) = (self.new_passphrase.as_ref(), self.new_passphrase_file.as_deref());
        read(given, file, stdin, insisted, || ask_twice("--new-passphrase-file"))
    }
}

fn read(
    given: Option<&SecretText>,
    file: Option<&Path>,
    stdin: &mut Stdin,
    insisted: &Insisted,
    ask: impl FnOnce() -> anyhow::Result<SecretText>,
) -> anyhow::Result<SecretText> {
    let text = |bytes| one_line(&bytes).context("a passphrase is text");
    let passphrase = match (given, file) {
        (Some(given), _) if given.expose() == STDIN => {
            text(stdin.read("passphrase", PASSPHRASE_BYTES_MAX + 2)?)?
        }
        (Some(given), _) => {
            insisted.check("passphrase", "-p -")?;
            given.clone()
        }
        (None, Some(path)) => {
            check_private(path, "passphrase")?;
            text(input::all_of_file(path, PASSPHRASE_BYTES_MAX + 2)?)?
        }
        (None, None) => ask()?,
    };
    ensure!(!passphrase.expose().is_empty(), "the passphrase is empty");
    Ok(passphrase)
}

fn ask(question: &str, flag: &str) -> anyhow::Result<SecretText> {
    let typed = rpassword::prompt_password(question)
        .with_context(|| format!("no terminal to ask for the passphrase; name its file with {flag}"))?;
    Ok(SecretText::new(typed))
}

fn ask_twice(flag: &str) -> anyhow::Result<SecretText> {
    let first = ask("new passphrase: ", flag)?;
    let second = ask("the same again: ", flag)?;
    ensure!(first.matches(second.expose()), "these are two passphrases; nothing was done");
    Ok(first)
}

/// Reads a Secret Key from a file that nobody else can read.
///
/// # Errors
/// One line that names the fix.
pub(super) fn secret_key(path: &Path) -> anyhow::Result<SecretKey> {
    check_private(path, "Secret Key")?;
    let bytes = input::all_of_file(path, SECRET_KEY_FILE_BYTES_MAX)?;
    let text = one_line(&bytes).with_context(|| format!("{} is no text", path.display()))?;
    SecretKey::parse(text.expose()).map_err(|error| anyhow!("{}: {error}", path.display()))
}
