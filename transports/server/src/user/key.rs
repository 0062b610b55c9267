//! `strongroom key`: what the user's key encryption key wraps.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Auth, wait};
use crate::{
    output,
    table::{self, instant, shown},
};

#[derive(Debug, Args)]
pub(crate) struct KeyCommand {
    /// Answers as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: KeyAction,
}

#[derive(Debug, Subcommand)]
enum KeyAction {
    /// Lists the user's keys, without the keys themselves
    List(List),
}

impl KeyCommand {
    /// Does it.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            KeyAction::List(list) => wait(list.run(self.json)),
        }
    }
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    auth: Auth,
}

impl List {
    async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let (file, server) = self.auth.open()?;
        let keystore = server.keystore(&file)?;
        let kek = keystore.kek().await.map_err(|error| server.explain(error))?;
        let deks = keystore.deks().await.map_err(|error| server.explain(error))?;
        let pairs = keystore.key_pairs().await.map_err(|error| server.explain(error))?;
        if as_json {
            let deks = deks.iter().map(|dek| json!({ "id": dek.id, "created_ms": dek.created }));
            let pairs = pairs.iter().map(|pair| {
                json!({
                    "id": pair.id,
                    "external_identifiers": pair.external_identifiers,
                    "public_key": pair.public_key,
                    "created_ms": pair.created,
                })
            });
            return output::json(&json!({
                "kek": { "generation": kek.generation, "since_ms": kek.since, "keys": kek.keys, "rewrapped": kek.rewrapped },
                "deks": deks.collect::<Vec<_>>(),
                "keypairs": pairs.collect::<Vec<_>>(),
            }));
        }
        let about = match kek.rewrapped {
            Some(done) => format!("{} of {} keys rewrapped by the next", done, kek.keys),
            None => format!("wraps {} keys", kek.keys),
        };
        let kek = ["KEK".to_owned(), format!("generation {}", kek.generation), about, instant(kek.since)];
        let deks = deks
            .iter()
            .map(|dek| ["DEK".to_owned(), dek.id.to_string(), String::new(), instant(dek.created)]);
        let pairs = pairs.iter().map(|pair| {
            let names = shown(&pair.external_identifiers.join(" "));
            ["key pair".to_owned(), pair.id.to_string(), names, instant(pair.created)]
        });
        let rows: Vec<_> = std::iter::once(kek).chain(deks).chain(pairs).collect();
        Ok(table::print(["KIND", "ID", "ABOUT", "SINCE"], &rows)?)
    }
}
