//! Where keys, values and strings come from: a file, standard input, a question on the terminal, or, insisted on, the
//! command line.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use clap::Args;
use strongroom_primitives::{
    cryppo::{TEXT_BYTES_MAX, WrappingKey},
    rsa::{PRIVATE_PEM_BYTES_MAX, PUBLIC_PEM_BYTES_MAX, PrivateKey, PublicKey},
    secret::{Secret, SecretText},
};

use super::advice::{explain_key, explain_rsa_key};
use crate::{
    input,
    secrets::{Insisted, STDIN, Stdin, check_private, one_line, said},
};

/// Largest file of a printed key, in bytes: 44 characters and a line break are what it should have.
const KEY_FILE_BYTES_MAX: usize = 1024;

#[derive(Debug, Args)]
#[group(id = "key_source", multiple = false)]
pub(super) struct KeySource {
    /// The key as genkey prints it, with --secrets-on-command-line; `-` takes it from standard input. Without any it is
    /// asked for
    #[arg(short, long, value_name = "KEY", allow_hyphen_values = true, value_parser = said)]
    key: Option<SecretText>,
    /// Takes the key from this file
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl KeySource {
    /// The key.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn read(&self, stdin: &mut Stdin, insisted: &Insisted) -> anyhow::Result<WrappingKey> {
        let (text, from) = match (&self.key, &self.key_file) {
            (Some(key), _) if key.expose() == STDIN => {
                (one_line(&stdin.read("key", KEY_FILE_BYTES_MAX)?), "standard input".to_owned())
            }
            (Some(key), _) => {
                insisted.check("key", "-k -")?;
                (Some(key.clone()), "the command line".to_owned())
            }
            (None, Some(path)) => {
                check_private(path, "key")?;
                (one_line(&input::all_of_file(path, KEY_FILE_BYTES_MAX)?), path.display().to_string())
            }
            (None, None) => {
                let typed = rpassword::prompt_password("key: ")
                    .context("no terminal to ask for the key; name its file with --key-file")?;
                (Some(SecretText::new(typed)), "what was typed".to_owned())
            }
        };
        parse_key(text.as_ref(), &from)
    }
}

/// A printed key; `from` says where it came from.
///
/// # Errors
/// One line that names the fix.
pub(super) fn parse_key(text: Option<&SecretText>, from: &str) -> anyhow::Result<WrappingKey> {
    let text = text.with_context(|| format!("{from} holds bytes that are no text, so no key"))?;
    WrappingKey::from_text(text).map_err(|error| explain_key(error, from))
}

#[derive(Debug, Args)]
#[group(id = "value_source", multiple = false)]
pub(super) struct ValueSource {
    /// The value, with --secrets-on-command-line; `-` takes it from standard input, as happens without any
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true, value_parser = said)]
    value: Option<SecretText>,
    /// Takes the value from this file, byte for byte
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
}

impl ValueSource {
    /// The value, byte for byte. An empty one has to be said.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn read(&self, stdin: &mut Stdin, insisted: &Insisted) -> anyhow::Result<Secret> {
        let value = match (&self.value, &self.value_file) {
            (Some(value), _) if value.expose().is_empty() => return Ok(Secret::new(Vec::new())),
            (Some(value), _) if value.expose() != STDIN => {
                insisted.check("value", "-v -")?;
                Secret::from(value.expose().as_bytes())
            }
            (None, Some(path)) => input::all_of_file(path, TEXT_BYTES_MAX)?,
            (None, None) if io::stdin().is_terminal() => {
                Secret::new(rpassword::prompt_password("value: ")?.into_bytes())
            }
            (Some(_) | None, _) => stdin.read("value", TEXT_BYTES_MAX)?,
        };
        ensure!(
            !value.is_empty(),
            "there is nothing to encrypt: the value is empty; say -v '' if that is meant"
        );
        Ok(value)
    }
}

/// A string: said, or from standard input. It is not secret.
///
/// # Errors
/// One line that names the fix.
pub(super) fn serialized(said: Option<&str>, stdin: &mut Stdin) -> anyhow::Result<String> {
    if let Some(said) = said.filter(|said| *said != STDIN) {
        return Ok(said.to_owned());
    }
    ensure!(
        said.is_some() || !io::stdin().is_terminal(),
        "name the string with -s, or send it through standard input"
    );
    string_of(&stdin.read("string", TEXT_BYTES_MAX)?)
}

/// What to sign or to verify: a file, or standard input.
///
/// # Errors
/// If it cannot be read or is longer than any string.
pub(super) fn file(path: Option<&Path>) -> anyhow::Result<Secret> {
    match path.filter(|path| *path != Path::new(STDIN)) {
        Some(path) => input::all_of_file(path, TEXT_BYTES_MAX),
        None => input::all_of_stdin(TEXT_BYTES_MAX),
    }
}

/// A string out of a file, less the line break at its end.
///
/// # Errors
/// If it is no text.
pub(super) fn string_of(bytes: &Secret) -> anyhow::Result<String> {
    let text = one_line(bytes).context("this is no cryppo string: it holds bytes that are no text")?;
    Ok(text.expose().to_owned())
}

/// Reads a private key from a file that nobody else can read.
///
/// # Errors
/// One line that names the fix.
pub(super) fn private_key(path: &Path) -> anyhow::Result<PrivateKey> {
    check_private(path, "private key")?;
    let bytes = input::all_of_file(path, PRIVATE_PEM_BYTES_MAX)?;
    let pem = str::from_utf8(bytes.expose()).ok().map(|pem| SecretText::new(pem.to_owned()));
    let pem = pem.with_context(|| format!("{} is not a PEM file", path.display()))?;
    PrivateKey::from_pem(&pem).map_err(|error| explain_rsa_key(error, path))
}

/// Reads a public key.
///
/// # Errors
/// One line that names the fix.
pub(super) fn public_key(path: &Path) -> anyhow::Result<PublicKey> {
    let bytes = input::all_of_file(path, PUBLIC_PEM_BYTES_MAX)?;
    let pem = str::from_utf8(bytes.expose()).ok();
    let pem = pem.with_context(|| format!("{} is not a PEM file", path.display()))?;
    PublicKey::from_pem(pem).map_err(|error| explain_rsa_key(error, path))
}
