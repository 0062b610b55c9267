//! Becoming a vault user, and keeping items from several devices at once, while answers get lost and nodes die.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use bytes::Bytes;
use strongroom_engine::{
    Credential, EngineError,
    domains::{
        admission::IssueToken,
        sessions::TokenForm,
        vault::{
            Change, CreateItem, CreateVaultUser, DeleteItem, DeleteSlot, GetItem, GetVaultUser, Item,
            ListItems, SlotChange, SlotValue, UpdateItem, templates::Template,
        },
    },
    testing::keys::{rsa_pem, wrap},
};
use strongroom_primitives::{
    id::{Audience, ItemId, RealmId, SlotId, Subject},
    secret::SecretText,
};
use strongroom_testkit::{Client, Plan, World, seeds, simulate};

use crate::crash::gremlin;

fn vault() -> RealmId {
    RealmId::new("vault").expect("a good realm")
}

/// A vault user by the name that the keystore gave them.
fn user(subject: &str) -> Credential {
    Credential::Gateway { realm: vault(), subject: Subject::new(subject).expect("a good subject") }
}

async fn token(world: &World) -> SecretText {
    let issue = IssueToken { audience: Audience::from(&vault()) };
    world.insist(0, world.gateway("ann"), issue).await.token
}

fn create(world: &World, token: &SecretText, key: u64) -> CreateVaultUser {
    let (keystore, token, label) = (world.realm.clone(), token.clone(), String::new());
    CreateVaultUser {
        realm: vault(),
        keystore,
        token,
        public_key: rsa_pem(key),
        label,
        form: TokenForm::Pair,
    }
}

async fn with_vault_realm(world: &World) {
    use strongroom_engine::{Rights, domains::realms::PutRealm};
    world.insist(0, Credential::Operator, PutRealm { realm: vault(), rights: Rights::ALL }).await;
}

/// A-TOK-02: parallel posts of one token, with different keys and on several nodes, make exactly one user, and the key
/// that is theirs is that of whoever was told so. The other keys stay free.
#[test]
fn parallel_tries_with_one_token_make_exactly_one_user() {
    let (made, lost) = (Cell::new(0_u32), Cell::new(0_u32));
    simulate(seeds(0..600), Plan::rough, async |world| {
        with_vault_realm(world).await;
        let token = token(world).await;
        let done = Cell::new(false);
        let told = RefCell::new(Vec::new());
        let posting = async {
            let clients: Vec<(u64, Client<'_>)> =
                (1..=5).map(|key| (key, world.client_with(Credential::Anonymous))).collect();
            futures_util::future::join_all(clients.iter().map(async |(key, client)| {
                for _ in 0..4 {
                    world.wait(client.dice().ms(0..=400)).await;
                    let answer = client.ask(client.any_node(), None, create(world, &token, *key)).await;
                    if let Some(Ok(session)) = answer {
                        assert_eq!(session.public_key, rsa_pem(*key));
                        told.borrow_mut().push(*key);
                    }
                }
            }))
            .await;
            done.set(true);
        };
        futures_util::future::join(posting, gremlin(world, &done)).await;

        world.calm();
        world.wait(Duration::from_secs(2)).await;
        let told = told.into_inner();
        assert!(told.len() <= 1, "{told:?}");
        // Whoever comes now completes what nobody did, or hears that it is done.
        let late = world.persist(0, Credential::Anonymous, create(world, &token, 6)).await;
        assert!(told.is_empty() || late.is_err());
        let keys = async |node: usize| {
            let mut known = Vec::new();
            for key in 1..=6 {
                use strongroom_engine::domains::vault::OpenVaultSession;
                let (public_key, label) = (rsa_pem(key), String::new());
                let open =
                    OpenVaultSession { realm: vault(), public_key, life: None, label, form: TokenForm::Pair };
                match world.persist(node, Credential::Anonymous, open).await {
                    Ok(opened) => {
                        assert_eq!(opened.user.identity.subject.as_str(), "ann");
                        known.push(key);
                    }
                    Err(refusal) => assert_eq!(refusal, EngineError::LoginRefused),
                }
            }
            known
        };
        for node in 0..world.node_count() {
            let known = keys(node).await;
            assert_eq!(known.len(), 1, "one user, one key");
            assert!(told.is_empty() || told == known, "{told:?} was told, {known:?} it is");
            let again = world.persist(node, Credential::Anonymous, create(world, &token, 7)).await;
            assert_eq!(again.err(), Some(EngineError::TokenSpent));
        }
        made.set(made.get() + u32::from(!told.is_empty()));
        lost.set(lost.get() + u32::from(told.is_empty() && late.is_err()));
    });
    assert!(made.get() > 0 && lost.get() > 0, "no answer was ever lost");
}

/// What devices were told of and nobody has touched since: the value of each slot.
type Kept = RefCell<BTreeMap<ItemId, BTreeMap<SlotId, Bytes>>>;

fn value(client: &Client<'_>) -> Change<SlotValue> {
    let text = wrap(1, client.dice().bytes::<24>());
    Change::Set(SlotValue::parse(str::from_utf8(&text).expect("it is text")).expect("a good value"))
}

fn values(item: &Item) -> BTreeMap<SlotId, Bytes> {
    item.slots.iter().filter_map(|slot| Some((slot.id, slot.value.clone()?))).collect()
}

/// Makes items, changes slots of its own, and deletes some.
async fn keep(world: &World, client: &Client<'_>, kept: &Kept) {
    let mut mine: Vec<ItemId> = Vec::new();
    for _ in 0..8 {
        world.wait(client.dice().ms(0..=400)).await;
        let node = client.any_node();
        let chosen = (!mine.is_empty()).then(|| *client.dice().pick(&mine));
        let Some(id) = chosen.filter(|_| client.dice().chance(60)) else {
            let label = Some("Secret".to_owned());
            let slots = vec![SlotChange { label, value: value(client), ..SlotChange::default() }];
            let template = Template::named("password").expect("a template").id;
            let create = CreateItem { template, label: "thing".to_owned(), name: None, slots };
            if let Some(Ok(item)) = client.ask(node, None, create).await {
                mine.push(item.id);
                kept.borrow_mut().insert(item.id, values(&item));
            }
            continue;
        };
        let slots = kept.borrow_mut().remove(&id).unwrap_or_default();
        match client.dice().below(4) {
            // Whatever the answer is, it may be gone now.
            0 => {
                mine.retain(|one| *one != id);
                client.ask(node, None, DeleteItem { id }).await;
            }
            1 if !slots.is_empty() => {
                let slot = *slots.keys().next().expect("a slot");
                client.ask(node, None, DeleteSlot { id: slot }).await;
            }
            _ => {
                let label = Some(format!("Field {}", client.dice().below(3)));
                let slots = vec![SlotChange { label, value: value(client), ..SlotChange::default() }];
                let update = UpdateItem { id, label: None, slots };
                if let Some(Ok(item)) = client.ask(node, None, update).await {
                    kept.borrow_mut().insert(id, values(&item));
                }
            }
        }
    }
}

async fn all_items(world: &World, node: usize) -> Vec<Item> {
    let (mut items, mut from) = (Vec::new(), None);
    loop {
        let list = ListItems { templates: Vec::new(), from, limit: 4 };
        let page = world.insist(node, user("ann"), list).await;
        items.extend(page.items);
        from = page.next;
        if from.is_none() {
            return items;
        }
    }
}

/// F-01, F-13: every acknowledged item is there with its values after nodes died, what is listed is what is counted, and
/// nothing is there by halves.
#[test]
fn a_vault_loses_nothing_that_was_acknowledged() {
    simulate(seeds(10_000..10_600), Plan::rough, async |world| {
        with_vault_realm(world).await;
        let token = token(world).await;
        // The first answer may have been lost.
        let _ = world.persist(0, Credential::Anonymous, create(world, &token, 1)).await;
        let (kept, done) = (Kept::default(), Cell::new(false));
        let clients: Vec<Client<'_>> = (0..3).map(|_| world.client_with(user("ann"))).collect();
        let busy = async {
            futures_util::future::join_all(clients.iter().map(|one| keep(world, one, &kept))).await;
            done.set(true);
        };
        futures_util::future::join(busy, gremlin(world, &done)).await;

        world.calm();
        world.wait(Duration::from_secs(2)).await;
        let kept = kept.into_inner();
        for node in 0..world.node_count() {
            let items = all_items(world, node).await;
            let known = world.insist(node, user("ann"), GetVaultUser {}).await;
            assert_eq!(known.items, items.len() as u64, "the count is of what is there");
            assert!(items.is_sorted_by_key(|item| item.id));
            for (id, slots) in &kept {
                let item = world.insist(node, user("ann"), GetItem { id: *id }).await;
                assert_eq!(values(&item), *slots, "an acknowledged item is there as it was");
                assert!(items.contains(&item), "and is listed");
            }
        }
        // Every slot that there is can be found, and what is deleted leaves nothing.
        for item in all_items(world, 0).await {
            for slot in &item.slots {
                world.insist(0, user("ann"), DeleteSlot { id: slot.id }).await;
            }
            world.insist(0, user("ann"), DeleteItem { id: item.id }).await;
        }
        let known = world.insist(0, user("ann"), GetVaultUser {}).await;
        assert_eq!((known.items, known.bytes), (0, 0));
    });
}
