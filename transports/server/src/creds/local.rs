//! `creds local`: the credentials file of this machine.

use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use serde::{Serialize, Serializer};
use strongroom_client::dragonchain::{CredentialsFile, Endpoint, Section, ServiceKey};
use strongroom_primitives::{dc1::ChainId, secret::SecretText};
use zeroize::Zeroizing;

use super::{
    advice::explain,
    answers::Answers,
    place::{self, Place},
    say,
};
use crate::table::shown;

#[derive(Debug, Subcommand)]
pub(super) enum LocalAction {
    /// Asks for endpoint, key id and key of a chain, three lines on standard input if that is no terminal, and writes
    /// them in place of what the file has for it
    Add {
        /// The chain's public id
        #[arg(value_name = "CHAIN", value_parser = ChainId::new)]
        chain: ChainId,
        /// Leaves the default chain as it is
        #[arg(short, long)]
        dont_set_default: bool,
    },
    /// Prints the file as JSON
    Ls {
        /// Shows keys
        #[arg(short = 'k', long)]
        show_keys: bool,
    },
    /// Takes a chain out of the file
    Rm {
        /// The chain's public id
        chain: String,
    },
    /// Says or sets which chain is meant when none is named
    #[command(subcommand)]
    Default(DefaultAction),
}

#[derive(Debug, Subcommand)]
pub(super) enum DefaultAction {
    /// Prints the default chain
    Get,
    /// Makes a chain of the file the default one
    Set {
        /// The chain's public id
        chain: String,
    },
}

impl LocalAction {
    /// Does it.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(super) fn run(&self, place: &Place) -> anyhow::Result<()> {
        match self {
            Self::Add { chain, dont_set_default } => add(place, chain, !dont_set_default),
            Self::Ls { show_keys } => list(&place.load()?, *show_keys),
            Self::Rm { chain } => remove(place, chain),
            Self::Default(DefaultAction::Get) => {
                let file = place.load()?;
                let none = "no default is set; `creds local default set CHAIN` sets one";
                say(&shown(file.default_chain().context(none)?))
            }
            Self::Default(DefaultAction::Set { chain }) => {
                let path = place.path()?;
                place
                    .change(|locked| locked.file.set_default(chain).map_err(|error| explain(error, &path)))?;
                say(&format!("Success. Default has been set to \"{chain}\"."))
            }
        }
    }
}

fn add(place: &Place, chain: &ChainId, set_default: bool) -> anyhow::Result<()> {
    let path = place.path()?;
    let failed = |error| explain(error, &path);
    let mut answers = Answers::new();
    let endpoint = Endpoint::read("the answer", &answers.ask("ENDPOINT: ")?).map_err(failed)?;
    let id = answers.ask("HMAC KEY ID: ")?;
    let secret = answers.ask_hidden("HMAC KEY: ")?;
    ensure!(
        !id.is_empty() && !secret.expose().is_empty(),
        "endpoint, key id and key are three lines; the key or its id is missing, and nothing was written"
    );
    let key = ServiceKey::new("the answer", &id, &secret).map_err(failed)?;
    // Nobody waits for the file while a person types.
    place.change(|locked| {
        locked.file.put(chain, &key, endpoint.as_ref()).map_err(failed)?;
        if set_default { locked.file.set_default(chain.as_str()).map_err(failed) } else { Ok(()) }
    })?;
    if set_default {
        say(&format!("Default EAL set to {chain}."))?;
    }
    say(&format!("Success. New Credentials written to {}", place::shown(&path)))
}

fn remove(place: &Place, chain: &str) -> anyhow::Result<()> {
    let path = place.path()?;
    let failed = |error| explain(error, &path);
    let mut looked_at = place.load()?;
    looked_at.remove(chain).map_err(failed)?;
    let unset = looked_at.default_chain() == Some(chain) && {
        let question = format!("{chain} is the default EAL. Unset the default? [Y/n] ");
        match Answers::new().ask(&question)?.to_lowercase().as_str() {
            "" | "y" | "yes" => true,
            "n" | "no" => false,
            _ => bail!("that is neither y nor n; nothing was removed"),
        }
    };
    place.change(|locked| {
        locked.file.remove(chain).map_err(failed)?;
        // Another process may have set another default meanwhile.
        if unset && locked.file.default_chain() == Some(chain) {
            locked.file.unset_default();
        }
        Ok(())
    })?;
    say(&format!("{chain} credentials have been deleted on this machine."))
}

/// Prints the file, in its order.
fn list(file: &CredentialsFile, show_keys: bool) -> anyhow::Result<()> {
    let text = Zeroizing::new(serde_json::to_string_pretty(&Shown { file, show_keys })?);
    say(&text)
}

/// The file as a document. Not a map of `serde_json`, which would keep copies of keys.
struct Shown<'f> {
    file: &'f CredentialsFile,
    show_keys: bool,
}

struct ShownSection<'f> {
    section: &'f Section,
    show_keys: bool,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let show_keys = self.show_keys;
        let sections = self.file.sections();
        serializer.collect_map(sections.map(|section| (section.name(), ShownSection { section, show_keys })))
    }
}

impl Serialize for ShownSection<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = |name: &str, value: &SecretText| {
            let is_shown = self.show_keys || Section::is_public(name);
            Zeroizing::new(if is_shown { shown(value.expose()) } else { "<hidden>".to_owned() })
        };
        serializer.collect_map(self.section.options().map(|(name, text)| (name, Text(value(name, text)))))
    }
}

struct Text(Zeroizing<String>);

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
