//! Items as they are shown: tables for people, documents for programs.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};
use strongroom_client::wire::{Item, Slot, Template};
use strongroom_primitives::{cryppo::read_text, encoding, id::TemplateId, secret::Secret};
use zeroize::Zeroizing;

use crate::{
    output,
    table::{self, instant, shown},
};

/// Prints which item it is.
///
/// # Errors
/// If standard output is gone.
pub(super) fn id(item: &Item, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return output::json(&json!({ "id": item.id }));
    }
    Ok(writeln!(io::stdout(), "{}", item.id)?)
}

/// Prints items without their values.
///
/// # Errors
/// If standard output is gone.
pub(super) fn items(items: &[Item], templates: &[Template], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return output::json(&items.iter().map(|item| described(item, templates)).collect::<Vec<_>>());
    }
    let row = |item: &Item| {
        let names: Vec<_> = item.slots.iter().map(|slot| shown(&slot.name)).collect();
        let template = shown(template_name(item.template, templates));
        [item.id.to_string(), template, shown(&item.label), names.join(" "), instant(item.updated)]
    };
    let rows: Vec<_> = items.iter().map(row).collect();
    Ok(table::print(["ITEM", "TEMPLATE", "LABEL", "SLOTS", "CHANGED"], &rows)?)
}

/// Prints an item with the values of its slots, which are in the slots' order.
///
/// # Errors
/// If standard output is gone.
pub(super) fn item(
    item: &Item,
    values: &[Option<Secret>],
    templates: &[Template],
    as_json: bool,
) -> anyhow::Result<()> {
    let mut slots: Vec<_> = item.slots.iter().zip(values).collect();
    slots.sort_by_key(|(slot, _)| slot.ordinal);
    if as_json {
        return output::json(&Whole { item: described(item, templates), slots: Slots(slots) });
    }
    writeln!(io::stdout(), "{} ({})", shown(&item.label), shown(template_name(item.template, templates)))?;
    let row = |(slot, value): &(&Slot, &Option<Secret>)| {
        let value = value.as_ref().map(|value| shown(read_text(value).expose())).unwrap_or_default();
        [shown(&slot.name), value]
    };
    let rows: Vec<_> = slots.iter().map(row).collect();
    Ok(table::print(["SLOT", "VALUE"], &rows)?)
}

fn template_name(id: TemplateId, templates: &[Template]) -> &str {
    templates.iter().find(|template| template.id == id).map_or("", |template| &template.name)
}

fn described(item: &Item, templates: &[Template]) -> Value {
    json!({
        "id": item.id,
        "template": template_name(item.template, templates),
        "name": item.name,
        "label": item.label,
        "slot_names": item.slots.iter().map(|slot| &slot.name).collect::<Vec<_>>(),
        "created_ms": item.created,
        "updated_ms": item.updated,
    })
}

/// An item with its values. Not a value of `serde_json`, which would keep copies of them.
#[derive(Serialize)]
struct Whole<'i> {
    #[serde(flatten)]
    item: Value,
    slots: Slots<'i>,
}

struct Slots<'i>(Vec<(&'i Slot, &'i Option<Secret>)>);

impl Serialize for Slots<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'s> {
            id: String,
            name: &'s str,
            label: &'s str,
            kind: strongroom_client::wire::SlotType,
            value: Option<&'s str>,
        }
        use serde::ser::SerializeSeq as _;
        let mut sequence = serializer.serialize_seq(Some(self.0.len()))?;
        for (slot, value) in &self.0 {
            let value = value.as_ref().map(|value| Zeroizing::new(encoding::to_base64(value.expose())));
            sequence.serialize_element(&Shown {
                id: slot.id.to_string(),
                name: &slot.name,
                label: &slot.label,
                kind: slot.kind,
                value: value.as_deref().map(String::as_str),
            })?;
        }
        sequence.end()
    }
}
