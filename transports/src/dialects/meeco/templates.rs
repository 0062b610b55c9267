//! Templates, which are the same for everybody.

use serde_json::{Value, json};
use strongroom_engine::domains::vault::templates::{Template, templates};
use strongroom_primitives::id::TemplateId;

use super::{
    bodies,
    call::{Call, answer},
    members::{id_of, uuid},
    paging::Paging,
    problem::{self, Problem},
};
use crate::exchange::{Response, StatusCode};

/// `GET /item_templates`. None belongs to a classification, so whoever asks for those of one gets none.
pub(super) async fn list(call: &Call<'_>) -> Result<Response, Problem> {
    call.who_am_i().await?;
    let mut paging = Paging::new();
    let mut wanted: Vec<&Template> = templates().iter().collect();
    for (name, value) in call.query()? {
        paging.read(&name, &value)?;
        match &*name {
            "like" => {
                let part = value.to_lowercase();
                wanted.retain(|template| template.label.to_lowercase().contains(&part));
            }
            "by_classification[scheme]" | "by_classification[name]" if !value.is_empty() => wanted.clear(),
            _ => {}
        }
    }
    if let Some(from) = &paging.from {
        // A cursor is the id of the template that it stands before.
        wanted = wanted.into_iter().skip_while(|template| template.id.as_bytes()[..] != from[..]).collect();
    }
    let next = wanted.get(paging.per_page).map(|template| template.id.as_bytes().as_slice());
    wanted.truncate(paging.per_page);
    let slots: Vec<Value> = wanted.iter().flat_map(|template| slots_of(template)).collect();
    let mut body = json!({
        "item_templates": wanted.iter().map(|template| template_of(template)).collect::<Vec<_>>(),
        "slots": slots,
        "classification_nodes": [],
        "attachments": [],
        "thumbnails": [],
        "associations": [],
        "associations_to": [],
    });
    paging.close(&mut body, call.flavour, wanted.len(), next);
    answer(StatusCode::OK, body)
}

/// `GET /item_templates/{id}`
pub(super) async fn show(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    call.who_am_i().await?;
    let template = id_of(id).ok().and_then(|id| Template::of(TemplateId::from_bytes(id)));
    let template = template.ok_or(problem::NOT_FOUND)?;
    let body = json!({
        "item_template": template_of(template),
        "slots": slots_of(template).collect::<Vec<_>>(),
        "classification_nodes": [],
        "attachments": [],
        "thumbnails": [],
        "associations": [],
        "associations_to": [],
    });
    answer(StatusCode::OK, body)
}

fn template_of(template: &Template) -> Value {
    let ordinal = templates().iter().position(|known| known.id == template.id);
    json!({
        "id": uuid(template.id.as_bytes()),
        "name": template.name,
        "label": template.label,
        "description": "",
        "ordinal": ordinal,
        "visible": true,
        "user_id": Value::Null,
        "updated_at": bodies::TEMPLATES_SINCE,
        "created_at": bodies::TEMPLATES_SINCE,
        "image": Value::Null,
        "template_type": Value::Null,
        "background_color": Value::Null,
        "classification_node_ids": [],
        "association_ids": [],
        "associations_to_ids": [],
        "slot_ids": template.slots.iter().map(|slot| uuid(slot.id.as_bytes())).collect::<Vec<_>>(),
        "items_count": 0,
    })
}

fn slots_of(template: &'static Template) -> impl Iterator<Item = Value> {
    template.slots.iter().zip(0..).map(|(slot, ordinal)| {
        bodies::SlotBody {
            id: slot.id,
            name: slot.name,
            label: slot.label,
            kind: slot.kind,
            value: None,
            ordinal,
            visible: true,
            required: slot.required,
            owner: ("ItemTemplate", template.id.as_bytes()),
            times: None,
        }
        .body()
    })
}
