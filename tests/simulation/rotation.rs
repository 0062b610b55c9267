//! Rotating a KEK from several devices at once, while keys come and go and nodes die (THREATS A-KEY-04, A-KEY-05).

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use bytes::Bytes;
use strongroom_engine::{
    Credential,
    domains::key_hierarchy::{
        BeginRotation, CancelRotation, CreateDek, CreateKeyPair, DeleteDek, DeleteKeyPair, FinishRotation,
        GetDek, GetKek, GetKeyPair, Kek, ListDeks, ListKeyPairs, Rewrap, Rewrapped, SetKek, WrappedKeyId,
    },
    testing::keys::{PUBLIC_KEY, unwrap, wrap},
};
use strongroom_testkit::{Client, Plan, World, seeds, simulate};

use crate::crash::gremlin;

/// A key of either kind, as a device is shown it.
struct Shown {
    id: WrappedKeyId,
    generation: u32,
    wrapped: Bytes,
}

impl Shown {
    /// Opens the key with the KEK of the generation that it is said to be wrapped by.
    fn opened(&self) -> String {
        unwrap(self.generation, &self.wrapped)
    }
}

/// The keys that were acknowledged and that nobody has tried to delete.
type Kept = RefCell<BTreeMap<WrappedKeyId, String>>;

async fn present_kek(client: &Client<'_>) -> Option<Kek> {
    client.ask(client.any_node(), None, GetKek {}).await?.ok()
}

/// Adds keys, and deletes some.
async fn keeper(world: &World, client: &Client<'_>, kept: &Kept) {
    for step in 0..8 {
        world.wait(client.dice().ms(0..=400)).await;
        if client.dice().chance(25) {
            let chosen = kept.borrow().keys().next().copied();
            if let Some(id) = chosen {
                // Whatever the answer is, it may be gone now.
                kept.borrow_mut().remove(&id);
                match id {
                    WrappedKeyId::Dek(id) => {
                        drop(client.ask(client.any_node(), None, DeleteDek { id }).await)
                    }
                    WrappedKeyId::KeyPair(id) => {
                        drop(client.ask(client.any_node(), None, DeleteKeyPair { id }).await);
                    }
                }
            }
            continue;
        }
        let Some(kek) = present_kek(client).await else { continue };
        // The KEK may be rotated before the key arrives: then the key is refused, and nothing is lost.
        world.wait(client.dice().ms(0..=300)).await;
        let name = format!("key {step} of {:016x}", client.dice().below(u64::MAX));
        if let Some(id) = add(client, &kek, &name).await {
            kept.borrow_mut().insert(id, name);
        }
    }
}

/// Adds a key of one kind or the other; says which, if that was acknowledged.
async fn add(client: &Client<'_>, kek: &Kek, name: &str) -> Option<WrappedKeyId> {
    let (node, wrapped, generation) = (client.any_node(), wrap(kek.generation, name), Some(kek.generation));
    if client.dice().chance(50) {
        let dek = client.ask(node, None, CreateDek { wrapped, generation }).await?;
        return dek.ok().map(|dek| dek.id.into());
    }
    let create = CreateKeyPair {
        public_key: PUBLIC_KEY.to_owned(),
        wrapped_private_key: wrapped,
        external_identifiers: vec![name.to_owned()],
        metadata: "{}".into(),
        generation,
    };
    let pair = client.ask(node, None, create).await?;
    pair.ok().map(|pair| pair.id.into())
}

/// Some of what is pending: the first page of each kind. `None` without an answer.
async fn pending(client: &Client<'_>, node: usize) -> Option<Vec<Shown>> {
    let list = ListDeks { pending: true, from: None, limit: 256 };
    let deks = client.ask(node, None, list).await?.ok()?.deks.into_iter();
    let list = ListKeyPairs { pending: true, from: None, limit: 256 };
    let pairs = client.ask(node, None, list).await?.ok()?.key_pairs.into_iter();
    let deks = deks.map(|dek| Shown { id: dek.id.into(), generation: dek.generation, wrapped: dek.wrapped });
    let pairs = pairs.map(|pair| Shown {
        id: pair.id.into(),
        generation: pair.generation,
        wrapped: pair.wrapped_private_key,
    });
    Some(deks.chain(pairs).collect())
}

/// Rewraps some of what is pending; says whether nothing is.
async fn rewrap_some(client: &Client<'_>, node: usize, target: u32) -> Option<bool> {
    let mut pending = pending(client, node).await?;
    if pending.is_empty() {
        return Some(true);
    }
    let from = client.dice().index(pending.len());
    pending.rotate_left(from);
    pending.truncate(1 + client.dice().index(4));
    let rewrapped = |key: &Shown| Rewrapped { id: key.id, wrapped: wrap(target, key.opened()) };
    let keys = pending.iter().map(rewrapped).collect();
    // A key of the page may be deleted by now, or the rotation be over: the next look tells.
    let _ = client.ask(node, None, Rewrap { target, keys }).await?;
    Some(false)
}

/// Takes one step of a rotation, whoever began it, and forgets about it.
async fn step(client: &Client<'_>) {
    let node = client.any_node();
    let Some(kek) = present_kek(client).await else { return };
    match kek.rotation {
        None => {
            // Generation 0 stands for the PDK.
            let next = wrap(0, format!("kek after {}", kek.generation));
            client.ask(node, None, BeginRotation { generation: kek.generation, wrapped: next }).await;
        }
        Some(rotation) if client.dice().chance(6) => {
            client.ask(node, None, CancelRotation { target: rotation.target }).await;
        }
        Some(rotation) => {
            let all = rewrap_some(client, node, rotation.target).await;
            if all == Some(true) || client.dice().chance(10) {
                client.ask(node, None, FinishRotation { target: rotation.target }).await;
            }
        }
    }
}

/// Counts the keys of either kind, each of which must open with the present KEK.
async fn count(world: &World, node: usize, who: &Credential, kek: &Kek) -> u64 {
    let mut shown = Vec::new();
    let mut from = None;
    loop {
        let page = world.insist(node, who.clone(), ListDeks { pending: false, from, limit: 5 }).await;
        shown.extend(page.deks.into_iter().map(|dek| (dek.generation, dek.wrapped)));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    loop {
        let page = world.insist(node, who.clone(), ListKeyPairs { pending: false, from, limit: 5 }).await;
        let pairs = page.key_pairs.into_iter();
        shown.extend(pairs.map(|pair| (pair.generation, pair.wrapped_private_key)));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    for (generation, wrapped) in &shown {
        assert_eq!(*generation, kek.generation);
        unwrap(*generation, wrapped);
    }
    shown.len() as u64
}

/// The key itself, which is there.
async fn key(world: &World, node: usize, who: &Credential, id: WrappedKeyId) -> String {
    match id {
        WrappedKeyId::Dek(id) => {
            let dek = world.insist(node, who.clone(), GetDek { id }).await;
            unwrap(dek.generation, &dek.wrapped)
        }
        WrappedKeyId::KeyPair(id) => {
            let pair = world.insist(node, who.clone(), GetKeyPair { id }).await;
            unwrap(pair.generation, &pair.wrapped_private_key)
        }
    }
}

/// A-KEY-04, A-KEY-05, F-13: a rotation that is left at any step, by its device or with its node, is finished or given
/// up by another, and no key of either kind is ever lost: each is wrapped by exactly the present KEK.
#[test]
fn a_rotation_that_is_cut_anywhere_loses_no_key() {
    let rotated = Cell::new(0_u32);
    simulate(seeds(0..2_000), Plan::rough, async |world| {
        let first = SetKek { wrapped: wrap(0, "first kek") };
        // The first answer may have been lost.
        let _ = world.persist(0, world.gateway("ann"), first).await;
        let (kept, done) = (Kept::default(), Cell::new(false));
        let keepers: Vec<Client<'_>> = (0..2).map(|_| world.client("ann")).collect();
        let rotators: Vec<Client<'_>> = (0..2).map(|_| world.client("ann")).collect();
        let busy = async {
            let keeping = futures_util::future::join_all(keepers.iter().map(|one| keeper(world, one, &kept)));
            let rotating = futures_util::future::join_all(rotators.iter().map(async |one| {
                for _ in 0..12 {
                    step(one).await;
                    world.wait(one.dice().ms(0..=250)).await;
                }
            }));
            futures_util::future::join(keeping, rotating).await;
            done.set(true);
        };
        futures_util::future::join(busy, gremlin(world, &done)).await;

        world.calm();
        world.wait(Duration::from_secs(2)).await;
        let (device, ann) = (world.client("ann"), world.gateway("ann"));
        loop {
            let kek = world.insist(0, ann.clone(), GetKek {}).await;
            let Some(rotation) = kek.rotation else { break };
            if rewrap_some(&device, 0, rotation.target).await == Some(true) {
                let finish = FinishRotation { target: rotation.target };
                world.insist(0, ann.clone(), finish).await;
            }
        }
        let kept = kept.into_inner();
        for node in 0..world.node_count() {
            let kek = world.insist(node, ann.clone(), GetKek {}).await;
            assert_eq!(count(world, node, &ann, &kek).await, kek.keys, "the count is of what is there");
            for (id, name) in &kept {
                let opened = key(world, node, &ann, *id).await;
                assert_eq!(opened, *name, "an acknowledged key is there and opens");
            }
            rotated.set(rotated.get().max(kek.generation));
        }
    });
    assert!(rotated.get() > 2, "no seed rotated twice");
}
