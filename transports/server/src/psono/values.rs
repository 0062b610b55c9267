//! Values of a secret's fields, each with its name: from files, from standard input or, insisted on, from the command
//! line.

use std::path::Path;

use anyhow::{Context, ensure};
use clap::Args;
use strongroom_client::psono::FIELD_BYTES_MAX;
use strongroom_primitives::secret::{Secret, SecretText};

use crate::{
    input,
    secrets::{Insisted, STDIN, Stdin, said},
};

#[derive(Debug, Args)]
pub(super) struct Values {
    /// The value of a field, as NAME=VALUE with --secrets-on-command-line; NAME=- takes it from standard input
    #[arg(long, value_name = "NAME=VALUE", value_parser = said)]
    field: Vec<SecretText>,
    /// Takes the value of a field from a file, all of it
    #[arg(long, value_name = "NAME=FILE")]
    value_file: Vec<String>,
    #[command(flatten)]
    insisted: Insisted,
}

impl Values {
    /// Names and values.
    ///
    /// # Errors
    /// One line that names the fix and repeats no value.
    pub(super) fn read(&self, stdin: &mut Stdin) -> anyhow::Result<Vec<(String, SecretText)>> {
        let mut values = Vec::with_capacity(self.field.len() + self.value_file.len());
        for said in &self.field {
            let (name, value) =
                pair(said.expose()).context("--field takes a name and a value, as in --field password=-")?;
            let value = if value == STDIN {
                stdin.read("value", FIELD_BYTES_MAX)?
            } else {
                self.insisted.check("value", "--field NAME=-")?;
                Secret::from(value.as_bytes())
            };
            values.push((name.to_owned(), text(name, &value)?));
        }
        for said in &self.value_file {
            let (name, path) = pair(said)
                .context("--value-file takes a name and a file, as in --value-file password=secret.txt")?;
            let value = input::all_of_file(Path::new(path), FIELD_BYTES_MAX)?;
            values.push((name.to_owned(), text(name, &value)?));
        }
        ensure!(!values.is_empty(), "nothing to change: say --field NAME=- or --value-file NAME=FILE");
        Ok(values)
    }
}

fn pair(said: &str) -> Option<(&str, &str)> {
    said.split_once('=').filter(|(name, _)| !name.is_empty())
}

/// Fields of this protocol are texts.
fn text(name: &str, value: &Secret) -> anyhow::Result<SecretText> {
    let text = str::from_utf8(value.expose()).ok();
    let text =
        text.with_context(|| format!("the value of {name:?} is no UTF-8 text, which all fields are"))?;
    Ok(SecretText::new(text.to_owned()))
}
