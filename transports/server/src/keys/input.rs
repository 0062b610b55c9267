//! Where a key comes from: a file, standard input, a question on the terminal, or, insisted on, the command line.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

use anyhow::{Context, ensure};
use clap::Args;
use strongroom_primitives::secret::Secret;

use super::profile::Notes;
use crate::input;

/// Largest key that is taken, in bytes: all keys together take no more than this in the cloud.
const KEY_BYTES_MAX: usize = 100 * 1024;

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct Source {
    /// Takes the key from this file, byte for byte
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Takes the key from the command line, where other users of this machine and the shell's history see it
    #[arg(long, value_name = "TEXT")]
    text_on_command_line: Option<String>,
}

impl Source {
    /// The key.
    ///
    /// # Errors
    /// If it cannot be read, is empty or too long.
    pub(super) fn read(&self, name: &str) -> anyhow::Result<Secret> {
        let key = match (&self.file, &self.text_on_command_line) {
            (Some(path), _) => input::all_of_file(path, KEY_BYTES_MAX)?,
            (None, Some(text)) => Secret::from(text.as_bytes()),
            (None, None) if io::stdin().is_terminal() => {
                let typed = rpassword::prompt_password(format!("{}: ", crate::table::shown(name)))?;
                Secret::new(typed.into_bytes())
            }
            (None, None) => input::all_of_stdin(KEY_BYTES_MAX)?,
        };
        ensure!(!key.is_empty(), "there is nothing to store: the key is empty");
        ensure!(key.len() <= KEY_BYTES_MAX, "the key is larger than {KEY_BYTES_MAX} bytes");
        Ok(key)
    }
}

/// Notes, each as NAME=TEXT.
///
/// # Errors
/// If one is something else.
pub(super) fn notes(given: &[String]) -> anyhow::Result<Option<Notes>> {
    let notes = given.iter().map(|note| {
        let (name, text) =
            note.split_once('=').context("--note takes a name and a text, as in --note device=phone")?;
        Ok((name.to_owned(), text.to_owned()))
    });
    let notes: Notes = notes.collect::<anyhow::Result<_>>()?;
    Ok((!notes.is_empty()).then_some(notes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(file: Option<PathBuf>, text: Option<&str>) -> Source {
        Source { file, text_on_command_line: text.map(str::to_owned) }
    }

    #[test]
    fn a_file_is_taken_byte_for_byte_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let read = |bytes: Vec<u8>| {
            std::fs::write(&path, bytes).unwrap();
            source(Some(path.clone()), None).read("x")
        };
        assert!(read(b"\0key\n".to_vec()).unwrap().matches(b"\0key\n"));
        assert_eq!(read(vec![7; KEY_BYTES_MAX]).unwrap().len(), KEY_BYTES_MAX);
        assert!(read(vec![7; KEY_BYTES_MAX + 1]).is_err());
        assert!(read(Vec::new()).is_err());
        assert!(source(None, Some("")).read("x").is_err());
    }

    #[test]
    fn notes_have_a_name_and_a_text() {
        let given = |notes_given: &[&str]| {
            notes(&notes_given.iter().map(|note| (*note).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(given(&[]).unwrap(), None);
        assert_eq!(given(&["a=b=c"]).unwrap().unwrap()["a"], "b=c");
        assert!(given(&["a"]).is_err());
    }
}
