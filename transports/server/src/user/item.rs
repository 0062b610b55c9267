//! `strongroom item`: what the user keeps in the vault. Labels and names are plain text at the server; values are
//! encrypted here.

mod shown;
mod values;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use serde_json::json;
use strongroom_client::{
    users::{Field, Vault},
    wire::{Item, Slot, Template},
};
use strongroom_primitives::id::{ItemId, TemplateId};

use super::{Auth, server::Server, wait};
use crate::{
    output,
    place::Place,
    secrets::{Insisted, Stdin},
};
use values::Values;

#[derive(Debug, Args)]
pub(crate) struct ItemCommand {
    /// Answers as JSON, with values in base64
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: ItemAction,
}

#[derive(Debug, Subcommand)]
enum ItemAction {
    /// Makes an item, and prints its id
    Create(Create),
    /// Lists items, without their values
    List(List),
    /// Prints an item with its values, or the value of one slot as it is
    Get(Get),
    /// Changes an item's label or slots
    Update(Update),
    /// Removes items, or one slot of an item
    Remove(Remove),
}

impl ItemCommand {
    /// Does it.
    ///
    /// # Errors
    /// One line that says what is the matter and, where there is something to do about it, what.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            ItemAction::Create(command) => wait(command.run(self.json)),
            ItemAction::List(command) => wait(command.run(self.json)),
            ItemAction::Get(command) => wait(command.run(self.json)),
            ItemAction::Update(command) => wait(command.run(self.json)),
            ItemAction::Remove(command) => wait(command.run(self.json)),
        }
    }
}

/// The user's vault, and the way to it.
struct Open {
    vault: Vault,
    server: Server,
}

impl Open {
    fn of(auth: &Auth) -> anyhow::Result<Self> {
        let (file, server) = auth.open()?;
        Ok(Self { vault: server.vault(&file)?, server })
    }

    async fn templates(&self) -> anyhow::Result<Vec<Template>> {
        self.vault.templates().await.map_err(|error| self.server.explain(error))
    }

    async fn item(&self, id: ItemId) -> anyhow::Result<Item> {
        self.vault.item(id).await.map_err(|error| self.server.explain(error))
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  strongroom item create -l 'My bank' -t password --value-file password=secret.txt
  printf hunter2 | strongroom item create -l 'My bank' -t password -v password=-
  strongroom item create -l Note -v text=hello --secrets-on-command-line")]
struct Create {
    #[command(flatten)]
    auth: Auth,
    /// What to call it; the server can read it
    #[arg(short, long)]
    label: String,
    /// The name or the id of the template
    #[arg(short, long, default_value = "custom")]
    template: String,
    #[command(flatten)]
    values: Values,
    #[command(flatten)]
    insisted: Insisted,
}

impl Create {
    async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let open = Open::of(&self.auth)?;
        let fields = self.values.read(&mut Stdin::default(), &self.insisted)?;
        let template = template(&self.template, &open.templates().await?)?;
        let made = open.vault.create(template, &self.label, fields).await;
        let made = made.map_err(|error| open.server.explain(error))?;
        shown::id(&made, as_json)
    }
}

/// A template by name or id.
fn template(said: &str, templates: &[Template]) -> anyhow::Result<TemplateId> {
    let found = templates.iter().find(|template| template.name == said || template.id.to_string() == said);
    let found = found.map(|template| template.id);
    found.with_context(|| {
        let names: Vec<_> = templates.iter().map(|template| template.name.as_str()).collect();
        format!("there is no template {said:?}; there are {}", names.join(", "))
    })
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    auth: Auth,
}

impl List {
    async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let open = Open::of(&self.auth)?;
        let templates = open.templates().await?;
        let items = open.vault.items().await.map_err(|error| open.server.explain(error))?;
        shown::items(&items, &templates, as_json)
    }
}

#[derive(Debug, Args)]
struct Get {
    /// Which
    item: ItemId,
    /// Prints the value of this slot byte for byte, and nothing else
    #[arg(long, value_name = "NAME")]
    slot: Option<String>,
    #[command(flatten)]
    auth: Auth,
    #[command(flatten)]
    place: Place,
}

impl Get {
    async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        ensure!(
            self.slot.is_some() || !self.place.is_file(),
            "--output takes the value of one slot: name it with --slot"
        );
        self.place.check()?;
        let open = Open::of(&self.auth)?;
        let item = open.item(self.item).await?;
        let value = |slot: &Slot| open.vault.open(slot).map_err(|error| open.server.explain(error));
        if let Some(name) = &self.slot {
            let value = value(slot(&item, name)?)?;
            let value = value.with_context(|| format!("the slot {name:?} has no value"))?;
            return self.place.put_bytes("value", value.expose(), as_json);
        }
        let values = item.slots.iter().map(value).collect::<anyhow::Result<Vec<_>>>()?;
        shown::item(&item, &values, &open.templates().await?, as_json)
    }
}

/// A slot by its name.
fn slot<'i>(item: &'i Item, name: &str) -> anyhow::Result<&'i Slot> {
    let found = item.slots.iter().find(|slot| slot.name == name);
    found.with_context(|| {
        let names: Vec<_> = item.slots.iter().map(|slot| slot.name.as_str()).collect();
        format!("there is no slot {name:?}; there are {}", names.join(", "))
    })
}

#[derive(Debug, Args)]
struct Update {
    /// Which
    item: ItemId,
    #[command(flatten)]
    auth: Auth,
    /// What to call it from now on; the server can read it
    #[arg(short, long)]
    label: Option<String>,
    #[command(flatten)]
    values: Values,
    #[command(flatten)]
    insisted: Insisted,
}

impl Update {
    async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let open = Open::of(&self.auth)?;
        let fields = self.values.read(&mut Stdin::default(), &self.insisted)?;
        ensure!(
            self.label.is_some() || !fields.is_empty(),
            "nothing to change: say --label, -v or --value-file"
        );
        let changed = open.vault.update(self.item, self.label.clone(), fields).await;
        let changed = changed.map_err(|error| open.server.explain(error))?;
        if as_json { shown::id(&changed, true) } else { Ok(()) }
    }
}

#[derive(Debug, Args)]
struct Remove {
    /// Which
    #[arg(required = true)]
    items: Vec<ItemId>,
    /// Removes only this slot
    #[arg(long, value_name = "NAME")]
    slot: Option<String>,
    #[command(flatten)]
    auth: Auth,
}

impl Remove {
    async fn run(&self, as_json: bool) -> anyhow::Result<()> {
        let open = Open::of(&self.auth)?;
        for id in &self.items {
            match &self.slot {
                Some(name) => {
                    let item = open.item(*id).await?;
                    let field = Field { id: Some(slot(&item, name)?.id), remove: true, ..Field::default() };
                    open.vault.update(*id, None, vec![field]).await.map(drop)
                }
                None => open.vault.delete(*id).await,
            }
            .map_err(|error| open.server.explain(error))?;
        }
        if as_json { output::json(&json!({ "removed": self.items, "slot": self.slot })) } else { Ok(()) }
    }
}
