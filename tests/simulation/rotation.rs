//! Rotating a KEK from several devices at once, while keys come and go and nodes die (THREATS A-KEY-04, A-KEY-05).

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use strongroom_engine::{
    domains::key_hierarchy::{
        BeginRotation, CancelRotation, CreateDek, Dek, DeleteDek, FinishRotation, GetDek, GetKek, Kek,
        ListDeks, Rewrap, Rewrapped, SetKek,
    },
    testing::keys::{unwrap, wrap},
};
use strongroom_primitives::id::DekId;
use strongroom_testkit::{Client, Plan, World, seeds, simulate};

use crate::crash::gremlin;

/// Opens a wrapped key with the KEK of the generation that it is said to be wrapped by.
fn opened(dek: &Dek) -> String {
    unwrap(dek.generation, &dek.wrapped)
}

/// The keys that were acknowledged and that nobody has tried to delete.
type Kept = RefCell<BTreeMap<DekId, String>>;

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
                client.ask(client.any_node(), None, DeleteDek { id }).await;
            }
            continue;
        }
        let Some(kek) = present_kek(client).await else { continue };
        // The KEK may be rotated before the key arrives: then the key is refused, and nothing is lost.
        world.wait(client.dice().ms(0..=300)).await;
        let name = format!("key {step} of {:016x}", client.dice().below(u64::MAX));
        let create = CreateDek { wrapped: wrap(kek.generation, &name), generation: Some(kek.generation) };
        if let Some(Ok(dek)) = client.ask(client.any_node(), None, create).await {
            kept.borrow_mut().insert(dek.id, name);
        }
    }
}

/// Rewraps one page of what is pending; says whether nothing is.
async fn rewrap_some(client: &Client<'_>, node: usize, target: u32) -> Option<bool> {
    let list = ListDeks { pending: true, from: None, limit: 256 };
    let page = client.ask(node, None, list).await?.ok()?;
    let keys: Vec<Rewrapped> = page
        .deks
        .iter()
        .take(1 + client.dice().index(4))
        .map(|dek| Rewrapped { id: dek.id, wrapped: wrap(target, opened(dek)) })
        .collect();
    if keys.is_empty() {
        return Some(true);
    }
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

async fn all_deks(world: &World, node: usize) -> Vec<Dek> {
    let (mut deks, mut from) = (Vec::new(), None);
    loop {
        let list = ListDeks { pending: false, from, limit: 5 };
        let page = world.insist(node, world.gateway("ann"), list).await;
        deks.extend(page.deks);
        from = page.next;
        if from.is_none() {
            return deks;
        }
    }
}

/// A-KEY-04, A-KEY-05, F-13: a rotation that is left at any step, by its device or with its node, is finished or given
/// up by another, and no key is ever lost: each is wrapped by exactly the present KEK.
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
        let device = world.client("ann");
        loop {
            let kek = world.insist(0, world.gateway("ann"), GetKek {}).await;
            let Some(rotation) = kek.rotation else { break };
            if rewrap_some(&device, 0, rotation.target).await == Some(true) {
                let finish = FinishRotation { target: rotation.target };
                world.insist(0, world.gateway("ann"), finish).await;
            }
        }
        let kept = kept.into_inner();
        for node in 0..world.node_count() {
            let kek = world.insist(node, world.gateway("ann"), GetKek {}).await;
            let deks = all_deks(world, node).await;
            assert_eq!(deks.len() as u64, kek.keys, "the count is of what is there");
            for dek in &deks {
                assert_eq!(dek.generation, kek.generation);
                opened(dek);
            }
            for (id, name) in &kept {
                let dek = world.insist(node, world.gateway("ann"), GetDek { id: *id }).await;
                assert_eq!(opened(&dek), *name, "an acknowledged key is there and opens");
            }
            rotated.set(rotated.get().max(kek.generation));
        }
    });
    assert!(rotated.get() > 2, "no seed rotated twice");
}
