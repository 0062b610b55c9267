//! Writing items: made from a template, changed slot by slot, deleted.

use serde::Serialize;
use strongroom_primitives::id::{ItemId, SlotId, TemplateId};

use super::{
    Item, SlotChange, StoredVaultUser, Vault, check_filled,
    rows::{StoredItem, StoredSlotPlace, delete_item, reads_of, write_item},
    slots,
    templates::Template,
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::{EngineError, Quota},
    keyspace::{self, Keyspace},
};

/// Draws ids of slots.
fn slot_ids(moment: &Moment<'_>) -> impl FnMut() -> SlotId {
    || SlotId::from_bytes(moment.entropy.array())
}

/// Brings the user's counts up to date and refuses what is too much.
fn account_for(
    user: &mut StoredVaultUser,
    before: Option<&Item>,
    item: &Item,
    moment: &Moment<'_>,
) -> Result<(), EngineError> {
    let limits = moment.limits;
    let bytes = item.bytes();
    if bytes > limits.item_bytes_max {
        return Err(EngineError::ItemTooLarge { bytes, max: limits.item_bytes_max });
    }
    let former = before.map_or(0, |before| before.bytes() as u64);
    let grown = bytes as u64 > former;
    user.bytes = user.bytes.saturating_sub(former).saturating_add(bytes as u64);
    user.items += u64::from(before.is_none());
    if before.is_none() && user.items > limits.vault_items_max {
        return Err(EngineError::QuotaExceeded { what: Quota::Items, max: limits.vault_items_max });
    }
    // Who is over it, because it was lowered, may still make things smaller.
    if grown && user.bytes > limits.vault_bytes_max {
        return Err(EngineError::QuotaExceeded { what: Quota::ItemBytes, max: limits.vault_bytes_max });
    }
    Ok(())
}

/// Makes an item from a template: its slots are cloned, then changed as told. A change may name a slot of the template
/// by its id there.
#[derive(Debug, Clone, Serialize)]
pub struct CreateItem {
    /// The template.
    pub template: TemplateId,
    /// What people know the item by, 1 byte to 1 KiB.
    pub label: String,
    /// What programs know it by, 1 byte to 1 KiB; the label says it unless given, as with slots.
    pub name: Option<String>,
    /// What is done to the slots of the template.
    pub slots: Vec<SlotChange>,
}

impl Command for CreateItem {
    type Domain = Vault;
    type Reply = Item;
    const NAME: &'static str = "create_item";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::vault_user(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Item>, EngineError> {
        let mut user = StoredVaultUser::of(view, who.account)?;
        let template = Template::of(self.template).ok_or(EngineError::UnknownTemplate)?;
        let (now, max) = (moment.now, moment.limits.vault_text_bytes_max);
        check_filled("label", &self.label, max)?;
        self.name.iter().try_for_each(|name| check_filled("name", name, max))?;
        let mut draw = slot_ids(moment);
        let cloned = template.clone_slots(now);
        let mut slots = slots::apply(cloned, &self.slots, moment.limits, now, &mut draw)?;
        // Up to here they were known by the ids that they have in the template.
        slots.iter_mut().for_each(|slot| slot.id = draw());
        let item = Item {
            id: ItemId::created(now, moment.entropy.array()),
            template: template.id,
            name: self.name.clone().unwrap_or_else(|| slots::name_of(&self.label)),
            label: self.label.clone(),
            slots,
            created: now,
            updated: now,
        };
        account_for(&mut user, None, &item, moment)?;
        write_item(Decision::reply(item.clone()), who.account, &user, None, item).done()
    }
}

/// Changes an item: its label, and slot by slot.
#[derive(Debug, Clone, Serialize)]
pub struct UpdateItem {
    /// Which.
    pub id: ItemId,
    /// Its new label, 1 byte to 1 KiB.
    pub label: Option<String>,
    /// What is done to its slots. Those that are not named stay as they are.
    pub slots: Vec<SlotChange>,
}

impl Command for UpdateItem {
    type Domain = Vault;
    type Reply = Item;
    const NAME: &'static str = "update_item";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        reads_of(who.account, self.id)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Item>, EngineError> {
        let before = StoredItem::of(view, who.account, self.id)?;
        let mut user = StoredVaultUser::of(view, who.account)?;
        let mut item = before.clone();
        if let Some(label) = &self.label {
            check_filled("label", label, moment.limits.vault_text_bytes_max)?;
            item.label.clone_from(label);
        }
        item.slots = slots::apply(item.slots, &self.slots, moment.limits, moment.now, slot_ids(moment))?;
        item.updated = moment.now;
        account_for(&mut user, Some(&before), &item, moment)?;
        write_item(Decision::reply(item.clone()), who.account, &user, Some(&before), item).done()
    }
}

/// Deletes an item with its slots.
#[derive(Debug, Clone, Serialize)]
pub struct DeleteItem {
    /// Which.
    pub id: ItemId,
}

impl Command for DeleteItem {
    type Domain = Vault;
    type Reply = ();
    const NAME: &'static str = "delete_item";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        reads_of(who.account, self.id)
    }

    fn decide(&self, view: &View<'_>, who: &Principal, _: &mut Moment<'_>) -> Result<Step<()>, EngineError> {
        let item = StoredItem::of(view, who.account, self.id)?;
        let mut user = StoredVaultUser::of(view, who.account)?;
        user.items = user.items.saturating_sub(1);
        user.bytes = user.bytes.saturating_sub(item.bytes() as u64);
        delete_item(Decision::reply(()), who.account, &user, &item).done()
    }
}

/// Deletes a slot of whatever item it is in.
#[derive(Debug, Clone, Serialize)]
pub struct DeleteSlot {
    /// Which.
    pub id: SlotId,
}

impl Command for DeleteSlot {
    type Domain = Vault;
    type Reply = ();
    const NAME: &'static str = "delete_slot";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::vault_user(who.account)).row(keyspace::slot_place(who.account, self.id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let place: Option<StoredSlotPlace> = view.row(&keyspace::slot_place(who.account, self.id))?;
        let id = place.ok_or(EngineError::UnknownSlot)?.item;
        if !view.has(&keyspace::item(who.account, id)) {
            return Ok(Step::Need(reads_of(who.account, id)));
        }
        let before = StoredItem::of(view, who.account, id)?;
        let mut user = StoredVaultUser::of(view, who.account)?;
        let mut item = before.clone();
        item.slots.retain(|slot| slot.id != self.id);
        item.updated = moment.now;
        account_for(&mut user, Some(&before), &item, moment)?;
        write_item(Decision::reply(()), who.account, &user, Some(&before), item).done()
    }
}
