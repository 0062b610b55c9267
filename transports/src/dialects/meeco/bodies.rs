//! Items, slots and lists in the vendor's words: every field of every generation of clients, and every list that one
//! of them walks without looking whether it is there. Source: dialects/meeco.md, sections 6 and 7.

use serde_json::{Value, json};
use strongroom_engine::domains::vault::{Item, Slot, SlotType, templates::Template};
use strongroom_primitives::{id::SlotId, time::Timestamp};

use super::members::{instant, uuid};

/// Since when the templates are what they are.
pub(super) const TEMPLATES_SINCE: &str = "2026-01-01T00:00:00Z";

/// The names of the types of slots.
const TYPES: [(&str, SlotType); 12] = [
    ("key_value", SlotType::KeyValue),
    ("bool", SlotType::Bool),
    ("date", SlotType::Date),
    ("datetime", SlotType::Datetime),
    ("image", SlotType::Image),
    ("url", SlotType::Url),
    ("phone_number", SlotType::PhoneNumber),
    ("email", SlotType::Email),
    ("password", SlotType::Password),
    ("attachment", SlotType::Attachment),
    ("attachments_folder", SlotType::AttachmentsFolder),
    ("classification_node", SlotType::ClassificationNode),
];

/// The type of slots with this name.
pub(super) fn type_named(name: &str) -> Option<SlotType> {
    TYPES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

fn name_of(kind: SlotType) -> Option<&'static str> {
    TYPES.iter().find(|(_, known)| *known == kind).map(|(name, _)| *name)
}

/// A slot, of an item or of a template.
pub(super) struct SlotBody<'a> {
    pub(super) id: SlotId,
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    pub(super) kind: SlotType,
    pub(super) value: Option<&'a [u8]>,
    pub(super) ordinal: u32,
    pub(super) visible: bool,
    pub(super) required: bool,
    /// What it belongs to: kind and id.
    pub(super) owner: (&'static str, &'a [u8; 16]),
    /// When it was created and changed.
    pub(super) times: Option<(Timestamp, Timestamp)>,
}

impl SlotBody<'_> {
    pub(super) fn body(&self) -> Value {
        let (owner_kind, owner) = self.owner;
        let of_item = owner_kind == "Item";
        let value = self.value.map(String::from_utf8_lossy);
        json!({
            "id": uuid(self.id.as_bytes()),
            "own": true,
            "share_id": Value::Null,
            "name": self.name,
            "label": self.label,
            "description": Value::Null,
            // Clients decrypt exactly those that say so.
            "encrypted": value.is_some(),
            "encrypted_value": value,
            "encrypted_value_verification_key": Value::Null,
            "value_verification_hash": Value::Null,
            "ordinal": self.ordinal,
            "visible": self.visible,
            "required": self.required,
            "slot_type_name": name_of(self.kind),
            "classification_node_ids": [],
            "attachment_id": Value::Null,
            "attachment_ids": [],
            "attachments_folder_id": Value::Null,
            "item_id": if of_item { Value::from(uuid(owner)) } else { Value::Null },
            "slotable_id": uuid(owner),
            "slotable_type": owner_kind,
            "image": Value::Null,
            "creator": Value::Null,
            "original_id": Value::Null,
            "owner_id": Value::Null,
            "created_at": self.times.map_or(Value::from(TEMPLATES_SINCE), |(created, _)| instant(created)),
            "updated_at": self.times.map_or(Value::from(TEMPLATES_SINCE), |(_, updated)| instant(updated)),
        })
    }
}

fn slot_of(item: &Item, slot: &Slot) -> Value {
    SlotBody {
        id: slot.id,
        name: &slot.name,
        label: &slot.label,
        kind: slot.kind,
        value: slot.value.as_deref(),
        ordinal: slot.ordinal,
        visible: slot.visible,
        required: slot.required,
        owner: ("Item", item.id.as_bytes()),
        times: Some((slot.created, slot.updated)),
    }
    .body()
}

fn item_of(item: &Item) -> Value {
    let template = Template::of(item.template);
    json!({
        "id": uuid(item.id.as_bytes()),
        "own": true,
        "name": item.name,
        "label": item.label,
        "description": Value::Null,
        "created_at": instant(item.created),
        "updated_at": instant(item.updated),
        "item_template_id": uuid(item.template.as_bytes()),
        "item_template_label": template.map(|template| template.label),
        "ordinal": 1,
        "visible": true,
        "image": Value::Null,
        "item_image": Value::Null,
        "item_image_background_colour": Value::Null,
        "background_color": Value::Null,
        "classification_node_ids": [],
        "association_ids": [],
        "associations_to_ids": [],
        "slot_ids": item.slots.iter().map(|slot| uuid(slot.id.as_bytes())).collect::<Vec<_>>(),
        "me": false,
        "original_id": Value::Null,
        "owner_id": Value::Null,
        // Anything else sends clients to the service of shares.
        "share_id": Value::Null,
        "shareable": false,
        "share_count": 0,
        "valid_share_count": 0,
    })
}

/// The body of one item.
pub(super) fn one(item: &Item) -> Value {
    json!({
        "item": item_of(item),
        "slots": item.slots.iter().map(|slot| slot_of(item, slot)).collect::<Vec<_>>(),
        "shares": [],
        "associations": [],
        "associations_to": [],
        "attachments": [],
        "classification_nodes": [],
        "thumbnails": [],
    })
}

/// The body of a page of items, without what [`super::paging`] adds.
pub(super) fn many(items: &[Item]) -> Value {
    let slots = items.iter().flat_map(|item| item.slots.iter().map(move |slot| slot_of(item, slot)));
    json!({
        "items": items.iter().map(item_of).collect::<Vec<_>>(),
        "slots": slots.collect::<Vec<_>>(),
        "shares": [],
        "associations": [],
        "associations_to": [],
        "attachments": [],
        "classification_nodes": [],
        "thumbnails": [],
    })
}
