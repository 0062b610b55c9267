//! Values of slots, each with its slot's name: from files, from standard input or, insisted on, from the command line.

use std::path::Path;

use anyhow::Context;
use clap::Args;
use strongroom_client::users::Field;
use strongroom_primitives::{
    cryppo::TEXT_BYTES_MAX,
    secret::{Secret, SecretText},
};

use crate::{
    input,
    secrets::{Insisted, STDIN, Stdin, said},
};

#[derive(Debug, Args)]
pub(super) struct Values {
    /// The value of a slot, as NAME=VALUE with --secrets-on-command-line; NAME=- takes it from standard input
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = said)]
    value: Vec<SecretText>,
    /// Takes the value of a slot from a file, byte for byte
    #[arg(long, value_name = "NAME=FILE")]
    value_file: Vec<String>,
}

impl Values {
    /// What the slots are to be.
    ///
    /// # Errors
    /// One line that names the fix and repeats no value.
    pub(super) fn read(&self, stdin: &mut Stdin, insisted: &Insisted) -> anyhow::Result<Vec<Field>> {
        let mut fields = Vec::with_capacity(self.value.len() + self.value_file.len());
        for said in &self.value {
            let (name, value) =
                pair(said.expose()).context("-v takes a name and a value, as in -v password=-")?;
            let value = if value == STDIN {
                stdin.read("value", TEXT_BYTES_MAX)?
            } else {
                insisted.check("value", "-v NAME=-")?;
                Secret::from(value.as_bytes())
            };
            fields.push(field(name, value));
        }
        for said in &self.value_file {
            let (name, path) = pair(said)
                .context("--value-file takes a name and a file, as in --value-file password=secret.txt")?;
            fields.push(field(name, input::all_of_file(Path::new(path), TEXT_BYTES_MAX)?));
        }
        Ok(fields)
    }
}

fn pair(said: &str) -> Option<(&str, &str)> {
    said.split_once('=').filter(|(name, _)| !name.is_empty())
}

fn field(name: &str, value: Secret) -> Field {
    Field { name: Some(name.to_owned()), value: Some(value), ..Field::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A-LEAK-01: what is wrong is named, and no value is repeated.
    #[test]
    fn a_value_has_a_name_and_is_not_repeated() {
        let insisted = Insisted::default();
        for bad in ["canary", "=canary", "name=canary"] {
            let values = Values { value: vec![SecretText::new(bad.to_owned())], value_file: Vec::new() };
            let error = format!("{:#}", values.read(&mut Stdin::default(), &insisted).err().unwrap());
            assert!(!error.contains("canary"), "{error}");
            assert!(!format!("{values:?}").contains("canary"));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a=b");
        std::fs::write(&path, b"\0x\n").unwrap();
        let value_file = vec![format!("slot={}", path.display())];
        let values = Values { value: Vec::new(), value_file };
        let fields = values.read(&mut Stdin::default(), &insisted).unwrap();
        assert_eq!(fields[0].name.as_deref(), Some("slot"));
        assert!(fields[0].value.as_ref().unwrap().matches(b"\0x\n"));
    }
}
