//! Any order of commands against a model.

use std::collections::BTreeMap;

use proptest::prelude::*;
use strongroom_primitives::id::{ItemId, SlotId};

use super::*;
use crate::error::EngineError;

/// What is done to a vault, in any order.
#[derive(Debug, Clone)]
enum Deed {
    Create(&'static str, Vec<Touch>),
    Update(usize, Vec<Touch>),
    Delete(usize),
    DeleteSlot(usize, usize),
}

/// What is done to a slot: by label, or by its number in the item.
#[derive(Debug, Clone)]
enum Touch {
    Label(u8, Option<u8>),
    Number(usize, Option<u8>),
    Destroy(usize),
}

fn touches() -> impl Strategy<Value = Vec<Touch>> {
    let value = || prop::option::of(1_u8..9);
    let touch = prop_oneof![
        (0_u8..4, value()).prop_map(|(label, value)| Touch::Label(label, value)),
        (0_usize..4, value()).prop_map(|(number, value)| Touch::Number(number, value)),
        (0_usize..4).prop_map(Touch::Destroy),
    ];
    prop::collection::vec(touch, 0..4)
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let template = prop_oneof![Just("custom"), Just("password")];
    let deed = prop_oneof![
        3 => (template, touches()).prop_map(|(template, touches)| Deed::Create(template, touches)),
        4 => (0_usize..4, touches()).prop_map(|(item, touches)| Deed::Update(item, touches)),
        1 => (0_usize..4).prop_map(Deed::Delete),
        2 => (0_usize..4, 0_usize..4).prop_map(|(item, slot)| Deed::DeleteSlot(item, slot)),
    ];
    prop::collection::vec(deed, 0..20)
}

/// The value that stands for a number; `None` clears it.
fn value(number: Option<u8>) -> Change<SlotValue> {
    number.map_or(Change::Clear, |n| Change::Set(SlotValue::parse(&wrapped_text(n.into(), n)).unwrap()))
}

/// The values of an item's slots, by id.
type Values = BTreeMap<SlotId, Option<u8>>;

fn values_of(item: &Item) -> Values {
    let number = |text: &[u8]| (1..9).find(|n| wrapped_text((*n).into(), *n).as_bytes() == text).unwrap();
    item.slots.iter().map(|slot| (slot.id, slot.value.as_deref().map(number))).collect()
}

/// What becomes of slots: gone, or holding the value that stands for a number.
type Expected = Vec<(SlotId, Option<Option<u8>>)>;

/// The changes, and what they make of the slots that are named by id.
fn changes(touches: &[Touch], item: Option<&Item>) -> (Vec<SlotChange>, Expected) {
    let (mut changes, mut expected) = (Vec::new(), Vec::new());
    let mut gone: Vec<SlotId> = Vec::new();
    for touch in touches {
        let id = |number: &usize| item.and_then(|item| item.slots.get(*number)).map(|slot| slot.id);
        match touch {
            Touch::Label(label, number) => {
                let label = Some(format!("Label {label}"));
                changes.push(SlotChange { label, value: value(*number), ..SlotChange::default() });
            }
            Touch::Number(number, to) => {
                if let Some(id) = id(number).filter(|id| !gone.contains(id)) {
                    changes.push(SlotChange { id: Some(id), value: value(*to), ..SlotChange::default() });
                    expected.push((id, Some(*to)));
                }
            }
            Touch::Destroy(number) => {
                if let Some(id) = id(number).filter(|id| !gone.contains(id)) {
                    changes.push(SlotChange { id: Some(id), destroy: true, ..SlotChange::default() });
                    expected.push((id, None));
                    gone.push(id);
                }
            }
        }
    }
    (changes, expected)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever is done, what was written is what is read, the counts are of what is there, every slot is found, and
    /// nothing is left of what is gone.
    #[test]
    fn a_vault_holds_what_was_put_into_it(deeds in deeds()) {
        let (mut desk, ann) = desk();
        let mut kept: BTreeMap<ItemId, Item> = BTreeMap::new();
        for deed in deeds {
            desk.wait(std::time::Duration::from_millis(1));
            let nth = |n: usize| kept.values().nth(n).cloned();
            match deed {
                Deed::Create(template, touches) => {
                    let (slots, _) = changes(&touches, None);
                    let template = Template::named(template).unwrap();
                    let item = desk.run(&ann, &CreateItem { template: template.id, slots, ..custom() }).unwrap();
                    let labels = touches.iter().filter(|touch| matches!(touch, Touch::Label(..))).count();
                    prop_assert_eq!(item.slots.len(), template.slots.len() + labels);
                    kept.insert(item.id, item);
                }
                Deed::Update(n, touches) => if let Some(before) = nth(n) {
                    let (slots, expected) = changes(&touches, Some(&before));
                    let labelled: Vec<_> = slots.iter().filter_map(|slot| slot.label.clone()).collect();
                    let after = desk.run(&ann, &UpdateItem { id: before.id, label: None, slots }).unwrap();
                    let (was, mut is) = (values_of(&before), values_of(&after));
                    let by_label = |id: &SlotId| {
                        before.slots.iter().any(|slot| slot.id == *id && labelled.contains(&slot.label))
                    };
                    let mut wanted = was;
                    for (id, to) in expected {
                        match to {
                            Some(to) => drop(wanted.insert(id, to)),
                            None => drop(wanted.remove(&id)),
                        }
                    }
                    // A label finds its slot or makes one: that much is tested by example.
                    wanted.retain(|id, _| !by_label(id));
                    is.retain(|id, _| !by_label(id) && before.slots.iter().any(|slot| slot.id == *id));
                    prop_assert_eq!(is, wanted);
                    kept.insert(after.id, after);
                },
                Deed::Delete(n) => if let Some(item) = nth(n) {
                    desk.run(&ann, &DeleteItem { id: item.id }).unwrap();
                    kept.remove(&item.id);
                },
                Deed::DeleteSlot(n, slot) => if let Some(mut item) = nth(n) && slot < item.slots.len() {
                    let id = item.slots.remove(slot).id;
                    desk.run(&ann, &DeleteSlot { id }).unwrap();
                    prop_assert_eq!(desk.run(&ann, &DeleteSlot { id }), Err(EngineError::UnknownSlot));
                    item.updated = desk.now;
                    kept.insert(item.id, item);
                },
            }
            let page = desk.run(&ann, &ListItems { templates: Vec::new(), from: None, limit: 100 }).unwrap();
            prop_assert_eq!(page.items, kept.values().cloned().collect::<Vec<_>>());
            let user = desk.run(&ann, &GetVaultUser {}).unwrap();
            let bytes: usize = kept.values().map(Item::bytes).sum();
            prop_assert_eq!((user.items, user.bytes), (kept.len() as u64, bytes as u64));
            let slots: usize = kept.values().map(|item| item.slots.len()).sum();
            let rows = [b'm', b'n', b'l'].map(|prefix| desk.rows_under(prefix));
            prop_assert_eq!(rows, [kept.len(), kept.len(), slots]);
        }
        for row in desk.values_under(b'm') {
            let item: rows::StoredItem = crate::codec::decode(&row).unwrap();
            prop_assert!(row.len() <= item.0.bytes(), "a row takes no more than it counts for");
        }
    }
}
