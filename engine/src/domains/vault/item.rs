//! Items and slots as they are kept and shown.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{ItemId, SlotId, TemplateId},
    time::Timestamp,
};

/// What the value of a slot is, once its owner has opened it. Source: dialects/meeco.md, section 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the vendor's names say it all")]
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
    /// A cryppo string, at most 256 KiB.
    pub value: Option<Bytes>,
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

/// What a slot or an item takes beside its texts, in bytes, at most.
const OVERHEAD_BYTES: usize = 64;

impl Item {
    /// What it counts for in quotas, in bytes: at least what its row takes.
    pub(super) fn bytes(&self) -> usize {
        let slots = self.slots.iter().map(|slot| {
            OVERHEAD_BYTES + slot.name.len() + slot.label.len() + slot.value.as_ref().map_or(0, Bytes::len)
        });
        OVERHEAD_BYTES + self.name.len() + self.label.len() + slots.sum::<usize>()
    }
}
