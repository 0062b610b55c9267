//! `strongroom secret`: one secret, by its id or by where it is in the vault.

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use serde_json::json;
use strongroom_client::psono::{PsonoClientError, PsonoSecret};
use strongroom_primitives::{id::SecretId, secret::SecretText};

use super::{
    datastore::find,
    door::{Auth, Door},
    values::Values,
};
use crate::{
    output,
    place::Place,
    secrets::Stdin,
    table::{self, shown},
    user::wait,
};

#[derive(Debug, Args)]
pub(crate) struct SecretCommand {
    /// Answers as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: SecretAction,
}

#[derive(Debug, Subcommand)]
enum SecretAction {
    /// Prints a secret, or one field of it as it is
    Get(Get),
    /// Changes fields of a secret, unless somebody else changes it meanwhile
    Set(Set),
}

impl SecretCommand {
    /// Does it.
    ///
    /// # Errors
    /// One line that says what is the matter and, where there is something to do about it, what.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            SecretAction::Get(command) => wait(command.run(self.json)),
            SecretAction::Set(command) => wait(command.run(self.json)),
        }
    }
}

/// A secret, and when it was written, if it was and the server says so.
struct Found {
    secret: PsonoSecret,
    write_date: Option<String>,
}

/// New values of fields, by their names.
type Changes = [(String, SecretText)];

/// Finds a secret, and changes it if there is something to change. One that is named by its id is asked for as one
/// attached to the API key first, which takes one question and no session; a vault is walked only where that is refused.
async fn find_and_change(door: &Door, said: &str, changes: &Changes) -> anyhow::Result<Found> {
    let explained = |error: PsonoClientError| door.explain(&error);
    if let Ok(id) = SecretId::from_uuid(said) {
        let attached = door.attached()?;
        match attached.secret(id).await {
            Err(error) if is_refused(&error) => {}
            read => {
                let mut secret = read.map_err(explained)?;
                let write_date = match change(&mut secret, changes) {
                    true => attached.set_secret(&secret).await.map_err(explained)?,
                    false => None,
                };
                return Ok(Found { secret, write_date });
            }
        }
    }
    door.within(async |client| {
        let walked = client.walk().await.map_err(explained)?;
        let there = find(&walked, said)?.secret.as_ref().context("what was found has no secret")?;
        let mut secret = client.secret(there.id, &there.key).await.map_err(explained)?;
        let write_date = match change(&mut secret, changes) {
            true => client.set_secret(&secret).await.map_err(explained)?,
            false => None,
        };
        Ok(Found { secret, write_date })
    })
    .await
}

/// Whether there was something to change.
fn change(secret: &mut PsonoSecret, changes: &Changes) -> bool {
    for (name, value) in changes {
        secret.set(name, value);
    }
    !changes.is_empty()
}

/// Whether it may be had in another way: it is not attached, or the API key may not read on this one.
fn is_refused(error: &PsonoClientError) -> bool {
    let problem = error.client().and_then(|error| error.problem());
    problem.is_some_and(|problem| matches!(problem.status, 400 | 403 | 404))
}

#[derive(Debug, Args)]
struct Get {
    /// Its id, or its path: the names of its folders and its own, with slashes between them
    secret: String,
    /// Prints this field as it is, and nothing else
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
    #[command(flatten)]
    auth: Auth,
    #[command(flatten)]
    place: Place,
}

impl Get {
    async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        ensure!(
            self.field.is_some() || !self.place.is_file(),
            "--output takes the value of one field: name it with --field"
        );
        self.place.check()?;
        let secret = find_and_change(&self.auth.open()?, &self.secret, &[]).await?.secret;
        if let Some(name) = &self.field {
            let value = secret.field(name).with_context(|| {
                let names: Vec<_> = secret.names().map(shown).collect();
                format!("there is no field {name:?}; there are {}", names.join(", "))
            })?;
            return match as_json && !self.place.is_file() {
                true => self.place.put_line("value", None, value.expose(), true),
                false => self.place.put_bytes("value", value.expose().as_bytes(), as_json),
            };
        }
        if as_json {
            // The document as it is, with whatever others have put into it.
            return self.place.put_line("secret", None, secret.json().expose(), false);
        }
        let value = |name| secret.field(name).map(|value| shown(value.expose())).unwrap_or_default();
        let rows: Vec<_> = secret.names().map(|name| [shown(name), value(name)]).collect();
        Ok(table::print(["FIELD", "VALUE"], &rows)?)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  printf hunter2 | strongroom secret set 'work/mail' --field website_password_password=-
  strongroom secret set 6b0ee7a3-4c0c-4a3f-8d4a-0a8d3a6f1c11 --value-file note_notes=notes.txt")]
struct Set {
    /// Its id, or its path: the names of its folders and its own, with slashes between them
    secret: String,
    #[command(flatten)]
    values: Values,
    #[command(flatten)]
    auth: Auth,
}

impl Set {
    async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let door = self.auth.open()?;
        let values = self.values.read(&mut Stdin::default())?;
        let Found { secret, write_date } = find_and_change(&door, &self.secret, &values).await?;
        let document = json!({ "id": secret.id.to_uuid(), "write_date": write_date });
        if as_json { output::json(&document) } else { Ok(()) }
    }
}
