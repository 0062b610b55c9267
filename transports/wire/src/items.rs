//! What is kept in a vault: items, made from templates, with slots. Labels and names are plain text, values are not.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{ItemId, SlotId, TemplateId},
    time::Timestamp,
};

use crate::{Change, CryppoString};

/// What the value of a slot is, once its owner has opened it. Source: dialects/meeco.md, section 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it all")]
pub enum SlotType {
    KeyValue,
    Bool,
    Date,
    Datetime,
    Image,
    Url,
    PhoneNumber,
    Email,
    Password,
    Attachment,
    AttachmentsFolder,
    ClassificationNode,
}

/// A new item: the slots of its template, changed as told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewItem {
    /// The template.
    pub template: TemplateId,
    /// What people know the item by, 1 byte to 1 KiB.
    pub label: String,
    /// What programs know it by, 1 byte to 1 KiB; the label says it unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is done to the slots of the template, which go by their ids there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<SlotChange>,
}

/// A change of one slot, or a new one.
///
/// It is for the slot with this id; without an id, for the first slot with this name that no earlier change of the same
/// request was for; and if there is none, it makes one. Without a name, the label says it: in lower case, each run of
/// other characters than ASCII letters and digits as one `_`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotChange {
    /// Which slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<SlotId>,
    /// What programs know it by, 1 byte to 1 KiB. With an id, its new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What people know it by, at most 1 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What its value is; a new slot is a `key_value` unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<SlotType>,
    /// Its value: `Aes256Gcm`, at most 256 KiB.
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub value: Change<CryppoString>,
    /// Where it stands; a new slot stands last unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<u32>,
    /// Whether it is shown before it is asked for; a new slot is unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible: Option<bool>,
    /// Whether people are asked to fill it; a new slot is not unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// Whether it goes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub destroy: bool,
}

/// One field of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Which.
    pub id: SlotId,
    /// What programs know it by. Not always unique within an item.
    pub name: String,
    /// What people know it by.
    pub label: String,
    /// What its value is.
    pub kind: SlotType,
    /// Its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<CryppoString>,
    /// Where it stands among the item's slots, the smallest first.
    pub ordinal: u32,
    /// Whether it is shown before it is asked for.
    pub visible: bool,
    /// Whether people are asked to fill it.
    pub required: bool,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

/// Something that is kept in a vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Which.
    pub id: ItemId,
    /// What it was made from.
    pub template: TemplateId,
    /// What programs know it by.
    pub name: String,
    /// What people know it by.
    pub label: String,
    /// Its slots, in the order in which they came.
    pub slots: Vec<Slot>,
    /// When it was created.
    pub created: Timestamp,
    /// When it or one of its slots was last changed.
    pub updated: Timestamp,
}

/// A page of items, in the order in which they were created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemPage {
    /// The items.
    pub items: Vec<Item>,
    /// The `cursor` of the next page, if there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The templates that items are made from, the same for everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateList {
    /// All of them, in the order in which they are shown.
    pub templates: Vec<Template>,
}

/// A template. Its id and those of its slots never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Which.
    pub id: TemplateId,
    /// What programs know it by.
    pub name: String,
    /// What people know it by.
    pub label: String,
    /// The slots that an item of it begins with, in their order.
    pub slots: Vec<TemplateSlot>,
}

/// A slot of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateSlot {
    /// Which.
    pub id: SlotId,
    /// What programs know it by.
    pub name: String,
    /// What people know it by.
    pub label: String,
    /// What its value is.
    pub kind: SlotType,
    /// Whether people are asked to fill it.
    pub required: bool,
}
