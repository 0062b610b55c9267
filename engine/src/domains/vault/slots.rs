//! What a command does to the slots of an item. Source: dialects/meeco.md, section 6, "slots_attributes".

use std::{collections::BTreeSet, fmt};

use bytes::Bytes;
use serde::Serialize;
use strongroom_primitives::{cryppo::Wrapped, id::SlotId, time::Timestamp};

use super::{Change, Slot, SlotType, check_filled, check_text};
use crate::{error::EngineError, limits::Limits};

/// A value that only its owner can open: the only thing that becomes the value of a slot.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SlotValue(Bytes);

impl SlotValue {
    /// Checks that `text` is an `Aes256Gcm` string of at most 256 KiB. What it encrypts may be empty. The long part of a
    /// write's work happens here, before it waits its turn.
    ///
    /// # Errors
    /// [`EngineError::SlotValueInvalid`].
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        let wrapped = Wrapped::parse(text).map_err(|reason| EngineError::SlotValueInvalid { reason })?;
        Ok(Self(wrapped.into_string().into()))
    }
}

impl From<SlotValue> for Bytes {
    fn from(value: SlotValue) -> Self {
        value.0
    }
}

impl fmt::Debug for SlotValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlotValue({} bytes)", self.0.len())
    }
}

/// A change of one slot, or a new one.
///
/// It is for the slot with this id; without an id, for the first slot with this name that no earlier change of the same
/// command was for; and if there is none, it makes one. Without a name, the label says it: in lower case, each run of
/// other characters than ASCII letters and digits as one `_`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SlotChange {
    /// Which slot.
    pub id: Option<SlotId>,
    /// What programs know it by, 1 byte to 1 KiB. With an id, its new name.
    pub name: Option<String>,
    /// What people know it by, at most 1 KiB.
    pub label: Option<String>,
    /// What its value is; a new slot is a [`SlotType::KeyValue`] unless said otherwise.
    pub kind: Option<SlotType>,
    /// Its value.
    pub value: Change<SlotValue>,
    /// Where it stands; a new slot stands last unless said otherwise.
    pub ordinal: Option<u32>,
    /// Whether it is shown before it is asked for; a new slot is unless said otherwise.
    pub visible: Option<bool>,
    /// Whether people are asked to fill it; a new slot is not unless said otherwise.
    pub required: Option<bool>,
    /// Whether the slot goes. Then all else but id and name means nothing.
    pub destroy: bool,
}

impl SlotChange {
    fn check(&self, limits: &Limits) -> Result<(), EngineError> {
        let max = limits.vault_text_bytes_max;
        self.name.iter().try_for_each(|name| check_filled("name", name, max))?;
        self.label.iter().try_for_each(|label| check_text("label", label, max))
    }

    fn name(&self) -> Option<String> {
        self.name.clone().or_else(|| self.label.as_deref().filter(|label| !label.is_empty()).map(name_of))
    }

    fn apply_to(&self, slot: &mut Slot, now: Timestamp) {
        let Self { id, name, label, kind, value, ordinal, visible, required, destroy: _ } = self;
        if let (Some(_), Some(name)) = (id, name) {
            slot.name.clone_from(name);
        }
        if let Some(label) = label {
            slot.label.clone_from(label);
        }
        slot.kind = kind.unwrap_or(slot.kind);
        value.apply(&mut slot.value);
        slot.ordinal = ordinal.unwrap_or(slot.ordinal);
        slot.visible = visible.unwrap_or(slot.visible);
        slot.required = required.unwrap_or(slot.required);
        slot.updated = now;
    }
}

/// The name that a label stands for where no name is given.
pub(super) fn name_of(label: &str) -> String {
    let mut name = String::with_capacity(label.len());
    for c in label.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.ends_with('_') {
            name.push('_');
        }
    }
    name
}

/// Applies the changes in their order. `fresh` draws an id for a new slot.
///
/// # Errors
/// [`EngineError::UnknownSlot`] for an id that is none of theirs; [`EngineError::FieldSize`];
/// [`EngineError::TooManySlots`] for more changes, or in the end more slots, than an item may have.
pub(super) fn apply(
    mut slots: Vec<Slot>,
    changes: &[SlotChange],
    limits: &Limits,
    now: Timestamp,
    mut fresh: impl FnMut() -> SlotId,
) -> Result<Vec<Slot>, EngineError> {
    let max = limits.item_slots_max;
    if changes.len() > max {
        return Err(EngineError::TooManySlots { max });
    }
    let mut touched: BTreeSet<SlotId> = BTreeSet::new();
    for change in changes {
        change.check(limits)?;
        let name = change.name();
        let at = match change.id {
            Some(id) => Some(slots.iter().position(|slot| slot.id == id).ok_or(EngineError::UnknownSlot)?),
            None => {
                slots.iter().position(|slot| !touched.contains(&slot.id) && Some(&slot.name) == name.as_ref())
            }
        };
        match at {
            Some(at) if change.destroy => drop(slots.remove(at)),
            Some(at) => {
                change.apply_to(&mut slots[at], now);
                touched.insert(slots[at].id);
            }
            // It is gone already.
            None if change.destroy => {}
            None => {
                let max = limits.vault_text_bytes_max;
                let name = name.ok_or(EngineError::FieldSize { field: "label", bytes: 0, max })?;
                let mut slot = Slot {
                    id: fresh(),
                    label: name.clone(),
                    name,
                    kind: SlotType::KeyValue,
                    value: None,
                    ordinal: slots.iter().map(|slot| slot.ordinal.saturating_add(1)).max().unwrap_or(0),
                    visible: true,
                    required: false,
                    created: now,
                    updated: now,
                };
                change.apply_to(&mut slot, now);
                touched.insert(slot.id);
                slots.push(slot);
            }
        }
    }
    if slots.len() > max {
        return Err(EngineError::TooManySlots { max });
    }
    Ok(slots)
}
