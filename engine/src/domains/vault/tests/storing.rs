//! Items and slots.

use std::collections::BTreeSet;

use strongroom_primitives::{
    cryppo::CryppoError,
    id::{ItemId, SlotId},
};

use super::{templates::templates, *};
use crate::{
    domains::accounts::{EraseAccount, PurgeAccount},
    error::{EngineError, Quota},
    feed::Event,
};

fn names(item: &Item) -> Vec<&str> {
    item.slots.iter().map(|slot| slot.name.as_str()).collect()
}

fn list(desk: &mut Desk, who: &Principal, templates: &[&str], limit: usize) -> Vec<Vec<Item>> {
    let templates: Vec<_> = templates.iter().map(|name| Template::named(name).unwrap().id).collect();
    let (mut pages, mut from) = (Vec::new(), None);
    loop {
        let page = desk.run(who, &ListItems { templates: templates.clone(), from, limit }).unwrap();
        pages.push(page.items);
        from = page.next;
        if from.is_none() {
            return pages;
        }
    }
}

/// Ids that clients keep must not change: a new template is a new line.
#[test]
fn templates_are_what_they_were() {
    let mut ids = BTreeSet::new();
    let mut lines = Vec::new();
    for template in templates() {
        assert_eq!(Template::named(template.name), Template::of(template.id));
        assert!(ids.insert(*template.id.as_bytes()));
        assert!(template.slots.iter().all(|slot| ids.insert(*slot.id.as_bytes())));
        let slots: Vec<String> = template
            .slots
            .iter()
            .map(|slot| format!("{}={}", slot.name, &slot.id.to_string()[..8]))
            .collect();
        lines.push(format!("{} {} {}", template.name, template.id, slots.join(" ")).trim().to_owned());
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    custom dfbb9b6fbb5341cfb7df86a0b6165abd
    password a632673f755f4b029ac3cbff4b8c4525 website=b21d84f2 username=93d5e60e password=5489611b notes=e5ece302
    vehicle 39ab64d97a684cb895dceb246fef7b4a make_or_model=3729d6d8 model_name=0aa06f9d licence_plate=c42d592d vin=75d98fa8 purchase_date=871ae9c5 image=0b1943e1
    bank_card 98098e0139084aada7cfcc71698e6580 cardholder=a1f5c923 number=6b35ae49 expires=5fe1bbb5 security_code=a2dcd92a pin=4fb15c08
    identity 573b04e22af5496ba8d44727a232e2ff full_name=0faff752 date_of_birth=0451517e email=a5193dac phone_number=32ddabd7 address=7046897b
    passport 45e3ba4dbcbe41a1861e8d15affaad43 number=b1422580 country=79af2431 issued=a1dcc403 expires=ab4214b8 image=0e006f96
    ");
    assert_eq!(Template::named("Custom"), None);
}

#[test]
fn an_item_begins_with_the_slots_of_its_template() {
    let (mut desk, ann) = desk();
    let template = Template::named("password").unwrap();
    let by_id =
        SlotChange { id: Some(template.slots[1].id), value: Change::Set(sealed(1)), ..SlotChange::default() };
    let slots = vec![by_id, labelled("Password"), labelled("Recovery  Code №2")];
    let create = CreateItem { template: template.id, label: "My Bank".to_owned(), name: None, slots };
    let item = desk.run(&ann, &create).unwrap();
    assert_eq!(item.name, "my_bank");
    assert_eq!(names(&item), ["website", "username", "password", "notes", "recovery_code_2"]);
    let filled: Vec<bool> = item.slots.iter().map(|slot| slot.value.is_some()).collect();
    assert_eq!(filled, [false, true, true, false, true]);
    let ordinals: Vec<u32> = item.slots.iter().map(|slot| slot.ordinal).collect();
    assert_eq!(ordinals, [0, 1, 2, 3, 4]);
    assert_eq!(item.slots[2].kind, SlotType::Password);
    assert!(item.slots[2].required && item.slots[2].visible);
    assert_eq!(item.slots[4].label, "Recovery  Code №2");
    assert!(
        template.slots.iter().all(|slot| item.slots.iter().all(|one| one.id != slot.id)),
        "ids of their own"
    );
    assert_eq!(desk.run(&ann, &GetItem { id: item.id }).unwrap(), item);
    assert_eq!(desk.events, [Event::ItemPut { item: item.id }]);
    let unknown =
        CreateItem { template: strongroom_primitives::id::TemplateId::from_bytes([0; 16]), ..custom() };
    assert_eq!(desk.run(&ann, &unknown), Err(EngineError::UnknownTemplate));
    let bob = desk.who("bob");
    assert_eq!(desk.run(&bob, &custom()), Err(EngineError::UnknownVaultUser));
}

#[test]
fn an_update_changes_what_it_names_and_nothing_else() {
    let (mut desk, ann) = desk();
    let create = CreateItem { slots: vec![labelled("One"), labelled("Two"), labelled("Three")], ..custom() };
    let item = desk.run(&ann, &create).unwrap();
    let [one, two, three] = [0, 1, 2].map(|n: usize| item.slots[n].clone());
    desk.wait(std::time::Duration::from_secs(1));
    let destroyed = SlotChange { name: Some("three".to_owned()), destroy: true, ..SlotChange::default() };
    let renamed = SlotChange {
        id: Some(two.id),
        name: Some("second".to_owned()),
        value: Change::Clear,
        visible: Some(false),
        ..SlotChange::default()
    };
    let slots = vec![renamed, destroyed.clone(), labelled("Four")];
    let changed = desk.run(&ann, &UpdateItem { id: item.id, label: None, slots }).unwrap();
    assert_eq!(names(&changed), ["one", "second", "four"]);
    assert_eq!(changed.slots[0], one, "untouched");
    let expected = Slot { name: "second".to_owned(), value: None, visible: false, updated: desk.now, ..two };
    assert_eq!(changed.slots[1], expected);
    assert_eq!((changed.label.as_str(), changed.created, changed.updated), ("Thing", item.created, desk.now));
    let again = desk.run(&ann, &UpdateItem { id: item.id, label: None, slots: vec![destroyed] });
    assert_eq!(names(&again.unwrap()), ["one", "second", "four"], "what is gone already may go again");
    let lost = SlotChange { id: Some(three.id), ..SlotChange::default() };
    let lost = UpdateItem { id: item.id, label: Some("New".to_owned()), slots: vec![labelled("x"), lost] };
    assert_eq!(desk.run(&ann, &lost), Err(EngineError::UnknownSlot), "all of it or nothing");
    assert_eq!(desk.run(&ann, &GetItem { id: item.id }).unwrap().slots.len(), 3);
}

/// Labels in other scripts come to one and the same name. No value may be lost over that.
#[test]
fn two_slots_of_one_name_in_one_command_are_two_slots() {
    let (mut desk, ann) = desk();
    let slots = vec![
        labelled("鍵"),
        labelled("名"),
        SlotChange { label: Some("!".to_owned()), ..SlotChange::default() },
    ];
    let item = desk.run(&ann, &CreateItem { slots: slots.clone(), ..custom() }).unwrap();
    assert_eq!(names(&item), ["_", "_", "_"]);
    let again = desk.run(&ann, &UpdateItem { id: item.id, label: None, slots }).unwrap();
    let ids = |item: &Item| item.slots.iter().map(|slot| (slot.id, slot.label.clone())).collect::<Vec<_>>();
    assert_eq!(ids(&again), ids(&item), "each found its own");
}

/// Only what was encrypted becomes a value; the type leaves no other way in.
#[test]
fn a_plain_value_is_refused() {
    let refusal = |text: &str| SlotValue::parse(text).unwrap_err();
    assert_eq!(refusal("hunter2"), EngineError::SlotValueInvalid { reason: CryppoError::Parts });
    assert_eq!(refusal(""), EngineError::SlotValueInvalid { reason: CryppoError::Parts });
    let other = wrapped_text(3, 7).replace("Gcm", "Ofb");
    assert_eq!(refusal(&other), EngineError::SlotValueInvalid { reason: CryppoError::Strategy });
    assert!(SlotValue::parse(&wrapped_text(0, 7)).is_ok(), "nothing may be encrypted too");
    // 97 bytes of the text are not data.
    let most = (256 * 1024 - wrapped_text(0, 7).len()) / 4 * 3;
    assert!(SlotValue::parse(&wrapped_text(most, 7)).is_ok());
    for more in [4, 1 << 20] {
        let longer = wrapped_text(most, 7).replacen('.', &format!(".{}", "A".repeat(more)), 1);
        assert_eq!(refusal(&longer), EngineError::SlotValueInvalid { reason: CryppoError::TooLong });
    }
    assert_eq!(format!("{:?}", sealed(0)), format!("SlotValue({} bytes)", wrapped_text(0, 7).len()));
}

#[test]
fn texts_and_numbers_of_slots_have_limits_at_the_exact_place() {
    let (mut desk, ann) = desk();
    let max = desk.limits.vault_text_bytes_max;
    let text = |bytes: usize| "x".repeat(bytes);
    for bytes in [0, max + 1, max * 10] {
        let refused = Err(EngineError::FieldSize { field: "label", bytes, max });
        assert_eq!(desk.run(&ann, &CreateItem { label: text(bytes), ..custom() }), refused);
    }
    for bytes in [max + 1, max * 10] {
        let slots = vec![labelled(&text(bytes))];
        let refused = Err(EngineError::FieldSize { field: "label", bytes, max });
        assert_eq!(desk.run(&ann, &CreateItem { slots, ..custom() }), refused);
        let slots = vec![SlotChange { name: Some(text(bytes)), ..SlotChange::default() }];
        let refused = Err(EngineError::FieldSize { field: "name", bytes, max });
        assert_eq!(desk.run(&ann, &CreateItem { slots, ..custom() }), refused);
    }
    let nameless = CreateItem { slots: vec![SlotChange::default()], ..custom() };
    assert_eq!(desk.run(&ann, &nameless), Err(EngineError::FieldSize { field: "label", bytes: 0, max }));
    let most =
        CreateItem { label: text(max), name: Some(text(max)), slots: vec![labelled(&text(max))], ..custom() };
    assert!(desk.run(&ann, &most).is_ok());

    let max = desk.limits.item_slots_max;
    let many = |n: usize| {
        (0..n).map(|n| SlotChange { label: Some(n.to_string()), ..SlotChange::default() }).collect()
    };
    for n in [max + 1, max * 10] {
        let create = CreateItem { slots: many(n), ..custom() };
        assert_eq!(desk.run(&ann, &create), Err(EngineError::TooManySlots { max }));
    }
    let item = desk.run(&ann, &CreateItem { slots: many(max), ..custom() }).unwrap();
    let more = UpdateItem { id: item.id, label: None, slots: vec![labelled("one more")] };
    assert_eq!(desk.run(&ann, &more), Err(EngineError::TooManySlots { max }));
}

#[test]
fn items_and_bytes_are_counted() {
    let (mut desk, ann) = desk();
    desk.limits.vault_items_max = 2;
    let first = desk.run(&ann, &CreateItem { slots: vec![labelled("a")], ..custom() }).unwrap();
    desk.run(&ann, &custom()).unwrap();
    let user = desk.run(&ann, &GetVaultUser {}).unwrap();
    let listed: usize = list(&mut desk, &ann, &[], 10).concat().iter().map(Item::bytes).sum();
    assert_eq!((user.items, user.bytes), (2, listed as u64));
    let refused = Err(EngineError::QuotaExceeded { what: Quota::Items, max: 2 });
    assert_eq!(desk.run(&ann, &custom()), refused);

    desk.limits.vault_bytes_max = user.bytes;
    let longer = UpdateItem { id: first.id, label: Some("Things".to_owned()), slots: Vec::new() };
    let refused = Err(EngineError::QuotaExceeded { what: Quota::ItemBytes, max: user.bytes });
    assert_eq!(desk.run(&ann, &longer), refused);
    desk.limits.vault_bytes_max = 1;
    let shorter = UpdateItem { label: Some("T".to_owned()), ..longer };
    assert!(desk.run(&ann, &shorter).is_ok(), "who is over the limit may make things smaller");
    desk.run(&ann, &DeleteItem { id: first.id }).unwrap();
    assert_eq!(desk.run(&ann, &GetVaultUser {}).unwrap().items, 1);

    let (mut desk, ann) = self::desk();
    let bytes = desk.run(&ann, &CreateItem { slots: vec![labelled("a")], ..custom() }).unwrap().bytes();
    desk.limits.item_bytes_max = bytes;
    assert!(desk.run(&ann, &CreateItem { slots: vec![labelled("a")], ..custom() }).is_ok());
    desk.limits.item_bytes_max = bytes - 1;
    let refused = Err(EngineError::ItemTooLarge { bytes, max: bytes - 1 });
    assert_eq!(desk.run(&ann, &CreateItem { slots: vec![labelled("a")], ..custom() }), refused);
}

/// An item of somebody else is one that never was.
#[test]
fn items_and_slots_are_their_owners_alone() {
    let (mut desk, ann) = desk();
    let item = desk.run(&ann, &CreateItem { slots: vec![labelled("a")], ..custom() }).unwrap();
    let bob = desk.who("bob");
    desk.open_account(&bob);
    let token = token(&mut desk, &bob);
    let nobody = desk.nobody();
    let bob = desk.run(&nobody, &create(&token, rsa_pem(2))).unwrap();
    let bob = caller(&desk, &bob.user.identity);
    for id in [item.id, ItemId::from_bytes([9; 16])] {
        assert_eq!(desk.run(&bob, &GetItem { id }), Err(EngineError::UnknownItem));
        assert_eq!(desk.run(&bob, &DeleteItem { id }), Err(EngineError::UnknownItem));
        let update = UpdateItem { id, label: None, slots: Vec::new() };
        assert_eq!(desk.run(&bob, &update), Err(EngineError::UnknownItem));
    }
    for id in [item.slots[0].id, SlotId::from_bytes([9; 16])] {
        assert_eq!(desk.run(&bob, &DeleteSlot { id }), Err(EngineError::UnknownSlot));
    }
    let mine = desk.run(&bob, &custom()).unwrap();
    let change = SlotChange { id: Some(item.slots[0].id), ..SlotChange::default() };
    let theirs = UpdateItem { id: mine.id, label: None, slots: vec![change] };
    assert_eq!(desk.run(&bob, &theirs), Err(EngineError::UnknownSlot));
    let cursor = desk.run(&ann, &ListItems { templates: Vec::new(), from: None, limit: 1 }).unwrap();
    assert_eq!(cursor.next, None);
    for from in [vec![0], vec![b'n'], vec![b'n', 0xff], vec![0xff; 64]] {
        let page = ListItems { templates: Vec::new(), from: Some(from), limit: 10 };
        assert!(desk.run(&bob, &page).unwrap().items.iter().all(|item| item.id == mine.id));
    }
    assert_eq!(desk.run(&ann, &GetItem { id: item.id }).unwrap(), item);
}

#[test]
fn a_slot_can_be_deleted_without_saying_where_it_is() {
    let (mut desk, ann) = desk();
    let item = desk.run(&ann, &CreateItem { slots: vec![labelled("a"), labelled("b")], ..custom() }).unwrap();
    let id = item.slots[0].id;
    desk.run(&ann, &DeleteSlot { id }).unwrap();
    assert_eq!(desk.run(&ann, &DeleteSlot { id }), Err(EngineError::UnknownSlot));
    assert_eq!(names(&desk.run(&ann, &GetItem { id: item.id }).unwrap()), ["b"]);
    desk.run(&ann, &DeleteItem { id: item.id }).unwrap();
    assert_eq!(desk.run(&ann, &DeleteSlot { id: item.slots[1].id }), Err(EngineError::UnknownSlot));
    assert_eq!([b'm', b'n', b'l'].map(|prefix| desk.rows_under(prefix)), [0, 0, 0]);
    let put = Event::ItemPut { item: item.id };
    assert_eq!(desk.events, [put.clone(), put, Event::ItemDeleted { item: item.id }]);
}

#[test]
fn items_are_listed_by_age_and_template_in_pages_of_some_megabytes() {
    let (mut desk, ann) = desk();
    let make = |desk: &mut Desk, name: &str, slots: Vec<SlotChange>| {
        desk.wait(std::time::Duration::from_millis(1));
        let template = Template::named(name).unwrap().id;
        desk.run(&ann, &CreateItem { template, slots, ..custom() }).unwrap().id
    };
    let all: Vec<ItemId> =
        (0..7).map(|n| make(&mut desk, ["custom", "vehicle"][n % 2], vec![labelled("a")])).collect();
    let ids = |pages: Vec<Vec<Item>>| pages.concat().iter().map(|item| item.id).collect::<Vec<_>>();
    assert_eq!(ids(list(&mut desk, &ann, &[], 3)), all);
    assert_eq!(list(&mut desk, &ann, &[], 3).iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    assert_eq!(ids(list(&mut desk, &ann, &["vehicle"], 2)), [all[1], all[3], all[5]]);
    assert_eq!(ids(list(&mut desk, &ann, &["vehicle", "custom"], 10)), all);
    assert!(ids(list(&mut desk, &ann, &["identity"], 2)).is_empty());

    let (mut desk, ann) = self::desk();
    let large = |n: usize| SlotChange { value: Change::Set(sealed(196_000)), ..labelled(&n.to_string()) };
    let large: Vec<SlotChange> = (0..3).map(large).collect();
    for _ in 0..7 {
        desk.wait(std::time::Duration::from_millis(1));
        desk.run(&ann, &CreateItem { slots: large.clone(), ..custom() }).unwrap();
    }
    let pages = list(&mut desk, &ann, &[], 100);
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [5, 2], "784 kB each");
}

#[test]
fn an_erased_user_leaves_nothing_and_frees_the_key() {
    let (mut desk, ann) = desk();
    for _ in 0..40 {
        desk.run(&ann, &CreateItem { slots: vec![labelled("a"), labelled("b")], ..custom() }).unwrap();
    }
    desk.run(&ann, &EraseAccount { identity: None }).unwrap();
    let node = desk.node();
    while desk.run(&node, &PurgeAccount { account: ann.account }).unwrap().more {}
    assert_eq!(b"VFmnlSs".map(|prefix| desk.rows_under(prefix)), [0; 7]);
    let (bob, nobody) = (desk.who("bob"), desk.nobody());
    desk.open_account(&bob);
    let token = token(&mut desk, &bob);
    assert!(desk.run(&nobody, &create(&token, rsa_pem(1))).is_ok());
}

/// A new shape takes a new format byte and a reader for the old.
#[test]
fn rows_on_disk_are_what_released_versions_read() {
    let (mut desk, ann) = desk();
    desk.run(&ann, &UpdateVaultUser { country: Change::Set("AU".to_owned()), ..UpdateVaultUser::default() })
        .unwrap();
    desk.run(&ann, &CreateItem { slots: vec![labelled("a")], ..custom() }).unwrap();
    let rows = b"VFmnl".map(|prefix| strongroom_primitives::encoding::to_hex(&desk.values_under(prefix)[0]));
    // What comes behind is the key in PEM, which stands there as it came.
    let rows = rows.map(|row| row.chars().take(480).collect::<String>());
    insta::assert_snapshot!(rows.join("\n"), @r"
    01057661756c74640ace4702d7da62a48e727c3568b5baa07a8e5dd4f60e8284b2db39c65adc2680909282e733000102415500000001f301
    0110317d83e5eb68d4a056cf12c7f67fa13acc032d2d2d2d2d424547494e205055424c4943204b45592d2d2d2d2d0d0a4d494942496a414e42676b71686b6947397730424151454641414f43415138414d49494243674b4341514541364f7268426d2f4b4b654d6a61776a724b624e6a0d0a2b2b49453747586a334d714b704154444c6f43417252556569437034382b42336a4c6d3958484773667176395a74587565537439716e7463554850667056454b0d0a5a5950476a5335524342656e634c6462334d66546375654b76554a2b7137744947374c4a586e6a7051664e456a6a647269506166484d356c2f756a35
    0110019e7044880009ca9211099d30d99f9610dfbb9b6fbb5341cfb7df86a0b6165abd057468696e67055468696e670110052a62ee65511a5d129d4ed6c9cd2b3f0161016100016741657332353647636d2e576b73472e5155414141414146615859414441414141414271666362304a6e4a433842396d4e715146595851414541414141414272794a624272586f2d5063747347686b566156636c416d466b41415541414142756232356c4141413d00010080909282e73380909282e73380909282e73380909282e733
    0110019e7044880009ca9211099d30d99f9610dfbb9b6fbb5341cfb7df86a0b6165abdf301
    0110019e7044880009ca9211099d30d99f96
    ");
}
