//! Items and their slots.

use serde_json::Value;
use strongroom_engine::domains::vault::{
    Change, CreateItem, DeleteItem, DeleteSlot, GetItem, ListItems, SlotChange, SlotValue, UpdateItem,
    templates::Template,
};
use strongroom_primitives::{
    encoding,
    id::{ItemId, SlotId, TemplateId},
};

use super::{
    bodies,
    call::{Call, answer, nothing},
    members::{Members, id_of},
    problem::{self, Problem},
};
use crate::{
    exchange::{Response, StatusCode},
    path::query_pairs,
};

/// Longest label or name, in bytes. Source: dialects/meeco.md, section 9.
const LABEL_BYTES_MAX: usize = 1024;
/// Longest value of a slot, in bytes.
const VALUE_BYTES_MAX: usize = 256 * 1024;
/// Items in a page unless said otherwise, and at most.
const PER_PAGE: usize = 200;
const PER_PAGE_MAX: usize = 1_000;

fn refused(field: &'static str) -> impl Fn(strongroom_engine::EngineError) -> Problem {
    move |error| Problem::of(&error, field)
}

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
    let item = call.ask(create).await.map_err(refused("item"))?;
    answer(StatusCode::CREATED, bodies::one(&item))
}

/// `GET /items`
pub(super) async fn list(call: &Call<'_>) -> Result<Response, Problem> {
    let pairs = query_pairs(call.request.query.as_deref().unwrap_or_default());
    let mut limit = PER_PAGE;
    let mut list = ListItems { templates: Vec::new(), from: None, limit };
    for (name, value) in pairs.ok_or_else(|| Problem::field("query"))? {
        match &*name {
            _ if value.is_empty() => {}
            "template_ids" | "template_ids[]" => {
                let ids = value.split(',').map(|id| id_of(id.trim()).map(TemplateId::from_bytes));
                let ids = ids.collect::<Result<Vec<_>, _>>().map_err(|_| Problem::field("template_ids"))?;
                list.templates.extend(ids);
            }
            "next_page_after" => {
                let cursor = encoding::from_base64url(&value);
                list.from = Some(cursor.map_err(|_| Problem::field("next_page_after"))?);
            }
            "per_page" => {
                let wanted = value.parse().ok().filter(|wanted| (1..=PER_PAGE_MAX).contains(wanted));
                limit = wanted.ok_or_else(|| Problem::field("per_page"))?;
            }
            _ => {}
        }
    }
    let page = call.ask(ListItems { limit, ..list }).await.map_err(refused("next_page_after"))?;
    let next = page.next.as_deref().map(encoding::to_base64url);
    answer(StatusCode::OK, bodies::many(call.flavour, &page.items, next, limit))
}

/// `GET /items/{id}`
pub(super) async fn show(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    let Ok(id) = id_of(id).map(ItemId::from_bytes) else { return unknown(call).await };
    let item = call.ask(GetItem { id }).await.map_err(refused("id"))?;
    answer(StatusCode::OK, bodies::one(&item))
}

/// `PUT /items/{id}`
pub(super) async fn update(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    let mut item = call.members()?.object("item")?;
    let Ok(id) = id_of(id).map(ItemId::from_bytes) else { return unknown(call).await };
    let label = item.optional_text("label", LABEL_BYTES_MAX)?;
    let update = UpdateItem { id, label, slots: slots(&mut item)? };
    let item = call.ask(update).await.map_err(refused("item"))?;
    answer(StatusCode::OK, bodies::one(&item))
}

/// `DELETE /items/{id}`
pub(super) async fn delete(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    let Ok(id) = id_of(id).map(ItemId::from_bytes) else { return unknown(call).await };
    call.ask(DeleteItem { id }).await.map_err(refused("id"))?;
    nothing()
}

/// `DELETE /slots/{id}`
pub(super) async fn delete_slot(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    let Ok(id) = id_of(id).map(SlotId::from_bytes) else { return unknown(call).await };
    call.ask(DeleteSlot { id }).await.map_err(refused("id"))?;
    nothing()
}

/// An id that cannot be one: who may not ask at all learns that first.
async fn unknown(call: &Call<'_>) -> Result<Response, Problem> {
    call.who_am_i().await.map_err(refused("id"))?;
    Err(problem::NOT_FOUND)
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
            Some(text) => Change::Set(SlotValue::parse(&text).map_err(refused("encrypted_value"))?),
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
