//! Answers on standard output: documents for programs, secrets as bytes for pipes, text for people.

use std::io::{self, IsTerminal, Write};

use anyhow::ensure;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::table;

/// Prints a document on a line of its own.
///
/// # Errors
/// If standard output is gone.
pub(crate) fn json(document: &impl Serialize) -> anyhow::Result<()> {
    let mut text = Zeroizing::new(serde_json::to_vec(document)?);
    text.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&text)?;
    Ok(out.flush()?)
}

/// Prints bytes as they are. On a terminal a line break follows them.
///
/// # Errors
/// If they would command a terminal, or standard output is gone.
pub(crate) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let to_people = out.is_terminal();
    let is_text = std::str::from_utf8(bytes).is_ok_and(|text| table::shown(text) == text);
    ensure!(
        !to_people || is_text,
        "this is not plain text; use --output FILE, or --json, or send it into a pipe"
    );
    out.write_all(bytes)?;
    if to_people {
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
