//! `strongroom datastore`: what there is, without its secrets.

use std::io::{self, Write};

use anyhow::{anyhow, ensure};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use strongroom_client::psono::{DatastoreInfo, Entry, Skipped, Walked};
use strongroom_primitives::id::DatastoreId;

use super::door::Auth;
use crate::{
    output,
    table::{self, shown},
    user::wait,
};

#[derive(Debug, Args)]
pub(crate) struct DatastoreCommand {
    /// Answers as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: DatastoreAction,
}

#[derive(Debug, Subcommand)]
enum DatastoreAction {
    /// Lists the datastores of the API key's owner
    List(List),
    /// Prints what is in a datastore, shares included: one line for each entry, and none of its secret
    Read(Read),
}

impl DatastoreCommand {
    /// Does it.
    ///
    /// # Errors
    /// One line that says what is the matter and, where there is something to do about it, what.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            DatastoreAction::List(command) => wait(command.run(self.json)),
            DatastoreAction::Read(command) => wait(command.run(self.json)),
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
        let door = self.auth.open()?;
        let list = door
            .within(async |client| client.datastores().await.map_err(|error| door.explain(&error)))
            .await?;
        if as_json {
            return output::json(&list.iter().map(described).collect::<Vec<_>>());
        }
        let row = |each: &DatastoreInfo| {
            let default = if each.is_default { "default" } else { "" };
            [each.id.to_uuid(), shown(&each.kind), shown(&each.description), default.to_owned()]
        };
        let rows: Vec<_> = list.iter().map(row).collect();
        Ok(table::print(["DATASTORE", "TYPE", "DESCRIPTION", ""], &rows)?)
    }
}

fn described(each: &DatastoreInfo) -> Value {
    json!({
        "id": each.id.to_uuid(),
        "type": each.kind,
        "description": each.description,
        "is_default": each.is_default,
    })
}

#[derive(Debug, Args)]
struct Read {
    /// Which [default: all that have secrets]
    #[arg(value_parser = datastore_id)]
    datastore: Option<DatastoreId>,
    #[command(flatten)]
    auth: Auth,
    /// Shows what lies in the bin too
    #[arg(long)]
    deleted: bool,
}

fn datastore_id(text: &str) -> Result<DatastoreId, String> {
    DatastoreId::from_uuid(text).map_err(|error| error.to_string())
}

impl Read {
    async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let door = self.auth.open()?;
        let mut walked = door
            .within(async |client| {
                let walked = match self.datastore {
                    Some(id) => client.walk_datastore(id).await,
                    None => client.walk().await,
                };
                walked.map_err(|error| door.explain(&error))
            })
            .await?;
        walked.entries.retain(|entry| self.deleted || !entry.deleted);
        if as_json { output::json(&document(&walked)) } else { print(&walked) }
    }
}

/// A path as it is shown and named. Names may have slashes in them: a path that is not clear is refused where it matters.
pub(super) fn path_of(path: &[std::sync::Arc<str>]) -> String {
    path.join("/")
}

fn document(walked: &Walked) -> Value {
    let entry = |entry: &Entry| {
        json!({
            "datastore": entry.datastore.to_uuid(),
            "path": path_of(&entry.path),
            "names": entry.path,
            "type": entry.kind,
            "secret_id": entry.secret.as_ref().map(|secret| secret.id.to_uuid()),
            "shares": entry.shares.iter().map(|share| share.to_uuid()).collect::<Vec<_>>(),
            "deleted": entry.deleted,
        })
    };
    let skipped = |skipped: &Skipped| {
        json!({
            "datastore": skipped.datastore.to_uuid(),
            "path": path_of(&skipped.path),
            "share_id": skipped.share.map(|share| share.to_uuid()),
            "why": skipped.why.to_string(),
        })
    };
    json!({
        "entries": walked.entries.iter().map(entry).collect::<Vec<_>>(),
        "skipped": walked.skipped.iter().map(skipped).collect::<Vec<_>>(),
    })
}

/// Entries on standard output; what was passed over on standard error.
fn print(walked: &Walked) -> anyhow::Result<()> {
    let row = |entry: &Entry| {
        let secret = entry.secret.as_ref().map(|secret| secret.id.to_uuid()).unwrap_or_default();
        [shown(&path_of(&entry.path)), shown(&entry.kind), secret]
    };
    let rows: Vec<_> = walked.entries.iter().map(row).collect();
    table::print(["PATH", "TYPE", "SECRET"], &rows)?;
    for skipped in &walked.skipped {
        let share = skipped.share.map(|share| format!(" (share {})", share.to_uuid())).unwrap_or_default();
        writeln!(io::stderr(), "skipped {}{share}: {}", shown(&path_of(&skipped.path)), skipped.why)?;
    }
    Ok(())
}

/// The one entry with a secret that goes by `said`: its secret's id, or its path.
///
/// # Errors
/// One line that names the fix: none, or more than one.
pub(super) fn find<'w>(walked: &'w Walked, said: &str) -> anyhow::Result<&'w Entry> {
    let is_it = |entry: &&Entry| {
        let Some(secret) = &entry.secret else { return false };
        secret.id.to_uuid().eq_ignore_ascii_case(said) || (!entry.deleted && path_of(&entry.path) == said)
    };
    let mut found = walked.entries.iter().filter(is_it);
    let first = found.next().ok_or_else(|| {
        let skipped = match walked.skipped.len() {
            0 => String::new(),
            count => format!(", and {count} things in the vault could not be looked into"),
        };
        anyhow!("there is no secret {:?}{skipped}; `strongroom datastore read` lists them", shown(said))
    })?;
    // One secret may hang in several places.
    let id = |entry: &Entry| entry.secret.as_ref().map(|secret| secret.id.to_uuid()).unwrap_or_default();
    let others: Vec<_> = found.map(id).filter(|other| *other != id(first)).collect();
    ensure!(
        others.is_empty(),
        "several secrets are called {:?}; name one by its id: {} {}",
        shown(said),
        id(first),
        others.join(" ")
    );
    Ok(first)
}
