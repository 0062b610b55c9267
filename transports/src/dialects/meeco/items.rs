//! Items and their slots.

use serde_json::Value;
use strongroom_engine::domains::vault::{
    Change, CreateItem, DeleteItem, DeleteSlot, GetItem, ListItems, SlotChange, SlotValue, UpdateItem,
    templates::Template,
};
use strongroom_primitives::id::{ItemId, SlotId, TemplateId};

use super::{
    bodies,
    call::{Call, answer, nothing},
    members::{Members, id_of},
    paging::Paging,
    problem::{self, Problem, about},
};
use crate::exchange::{Response, StatusCode};

/// Longest label or name, in bytes. Source: dialects/meeco.md, section 9.
const LABEL_BYTES_MAX: usize = 1024;
/// Longest value of a slot, in bytes.
const VALUE_BYTES_MAX: usize = 256 * 1024;

/// `POST /items`
pub(super) async fn create(call: &Call<'_>) -> Result<Response, Problem> {
    let mut members = call.members()?;
    let template = members.text("template_name", LABEL_BYTES_MAX)?;
    let mut item = members.object("item")?;
    let create = CreateItem {
        template: Template::named(&template).ok_or(problem::TEMPLATE_NOT_FOUND)?.id,
        label: item.text("label", LABEL_BYTES_MAX)?,
        name: item.optional_text("name", LABEL_BYTES_MAX)?.filter(|name| !name.is_empty()),
        slots: slots(&mut item)?,
    };
    let item = call.ask(create).await.map_err(about("item"))?;
    answer(StatusCode::CREATED, bodies::one(&item))
}

/// `GET /items`
pub(super) async fn list(call: &Call<'_>) -> Result<Response, Problem> {
    let (mut paging, mut templates) = (Paging::new(), Vec::new());
    for (name, value) in call.query()? {
        paging.read(&name, &value)?;
        if matches!(&*name, "template_ids" | "template_ids[]") && !value.is_empty() {
            let ids = value.split(',').map(|id| id_of(id.trim()).map(TemplateId::from_bytes));
            let ids = ids.collect::<Result<Vec<_>, _>>().map_err(|_| Problem::field("template_ids"))?;
            templates.extend(ids);
        }
    }
    let list = ListItems { templates, from: paging.from.clone(), limit: paging.per_page };
    let page = call.ask(list).await.map_err(about("next_page_after"))?;
    let mut body = bodies::many(&page.items);
    paging.close(&mut body, call.flavour, page.items.len(), page.next.as_deref());
    answer(StatusCode::OK, body)
}

/// `GET /items/{id}`
pub(super) async fn show(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    let id = ItemId::from_bytes(id_of(id)?);
    let item = call.ask(GetItem { id }).await.map_err(about("id"))?;
    answer(StatusCode::OK, bodies::one(&item))
}

/// `PUT /items/{id}`
pub(super) async fn update(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    let mut item = call.members()?.object("item")?;
    let id = ItemId::from_bytes(id_of(id)?);
    let label = item.optional_text("label", LABEL_BYTES_MAX)?;
    let update = UpdateItem { id, label, slots: slots(&mut item)? };
    let item = call.ask(update).await.map_err(about("item"))?;
    answer(StatusCode::OK, bodies::one(&item))
}

/// `DELETE /items/{id}`
pub(super) async fn delete(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    let id = ItemId::from_bytes(id_of(id)?);
    call.ask(DeleteItem { id }).await.map_err(about("id"))?;
    nothing()
}

/// `DELETE /slots/{id}`
pub(super) async fn delete_slot(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    let id = SlotId::from_bytes(id_of(id)?);
    call.ask(DeleteSlot { id }).await.map_err(about("id"))?;
    nothing()
}

/// `slots_attributes`
fn slots(item: &mut Members) -> Result<Vec<SlotChange>, Problem> {
    const FIELD: &str = "slots_attributes";
    let entries = match item.take(FIELD) {
        None => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(Problem::field(FIELD)),
    };
    let slots = entries.into_iter().map(|entry| match entry {
        Value::Object(members) => slot(Members::of(members)),
        _ => Err(Problem::field(FIELD)),
    });
    slots.collect()
}

fn slot(mut members: Members) -> Result<SlotChange, Problem> {
    // What is not encrypted never comes this far, not even into a log.
    match members.take("value") {
        None => {}
        Some(Value::String(text)) if text.is_empty() => {}
        Some(_) => return Err(problem::PLAINTEXT_VALUE),
    }
    let id = members.optional_text("id", 64)?.map(|id| id_of(&id).map(SlotId::from_bytes)).transpose()?;
    let kind = members.optional_text("slot_type_name", 64)?;
    let kind = kind.map(|name| bodies::type_named(&name).ok_or_else(|| Problem::field("slot_type_name")));
    let value = match members.is_null("encrypted_value") {
        true => Change::Clear,
        false => match members.optional_text("encrypted_value", VALUE_BYTES_MAX)? {
            None => Change::Keep,
            Some(text) => Change::Set(SlotValue::parse(&text).map_err(about("encrypted_value"))?),
        },
    };
    let ordinal = members.take("ordinal").map(serde_json::from_value).transpose();
    Ok(SlotChange {
        id,
        name: members.optional_text("name", LABEL_BYTES_MAX)?.filter(|name| !name.is_empty()),
        label: members.optional_text("label", LABEL_BYTES_MAX)?,
        kind: kind.transpose()?,
        value,
        ordinal: ordinal.map_err(|_| Problem::field("ordinal"))?,
        visible: members.flag("visible")?,
        required: members.flag("required")?,
        destroy: members.flag("_destroy")?.unwrap_or_default(),
    })
}
