//! Rights in the tree of shares, taken away while they are in use; circles that nobody can close; secrets that many
//! write and count.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use strongroom_engine::{
    Asking, Boxed, Command, EngineError, Routed,
    domains::accounts::WhoAmI,
    domains::sharing::{
        CreateDatastore, KeyKind, ListChildren, Parent, ShareRights,
        secrets::{Callback, CreateSecrets, NewSecret, ReadSecret, ReadSecrets, SecretHistory, UpdateSecret},
        shares::{
            AcceptShare, ChangeShareRight, CreateShare, DeleteShareLink, GetShare, MoveShareLink, OfferShare,
            PlaceShareLink, RevokeShareRight, SaveShare,
        },
    },
};
use strongroom_primitives::{
    id::{IdempotencyKey, LinkId, SecretId, ShareId, ShareRightId},
    time::Timestamp,
};
use strongroom_testkit::{Plan, START_MS, World, seeds, simulate};

/// A ciphertext that says which number it is of, under a nonce that no other number has.
fn sealed(number: u64) -> Boxed {
    let mut nonce = [0; 24];
    nonce[..8].copy_from_slice(&number.to_be_bytes());
    Boxed { text: [number.to_be_bytes(); 4].concat().into(), nonce }
}

fn number_of(data: &Boxed) -> u64 {
    u64::from_be_bytes(data.nonce[..8].try_into().expect("eight bytes"))
}

fn link(number: u8) -> LinkId {
    LinkId::from_bytes([number; 16])
}

/// Asks until it is done, once.
async fn once<C>(world: &World, who: &str, command: C) -> C::Reply
where
    C: Command + Clone,
    C::Domain: Routed,
{
    let mut key = [7; 16];
    key[..8].copy_from_slice(&world.next_operation().to_be_bytes());
    let idempotency = Some(IdempotencyKey::from_bytes(key));
    let asking = Asking { credential: world.gateway(who), within: None, idempotency };
    world
        .persist(0, asking, command)
        .await
        .unwrap_or_else(|refusal| panic!("{} was refused: {refusal}", C::NAME))
}

async fn datastore(world: &World, who: &str) -> Parent {
    let (kind, description) = ("password".to_owned(), String::new());
    let create = CreateDatastore { kind, description, data: None, secret_key: sealed(1), is_default: true };
    Parent::Datastore(once(world, who, create).await)
}

async fn share(world: &World, who: &str, number: u8, parent: Parent) -> ShareId {
    let create = CreateShare { data: sealed(number.into()), key: sealed(1), link: link(number), parent };
    once(world, who, create).await
}

async fn secret(world: &World, who: &str, number: u8, parent: Parent) -> SecretId {
    let new = NewSecret { data: sealed(number.into()), link: link(number), callback: Callback::default() };
    once(world, who, CreateSecrets { secrets: vec![new], parent }).await[0].id
}

/// Gives somebody a right, which they accept. They have written something before, so that they are there.
async fn give(world: &World, share: ShareId, taker: &str, rights: ShareRights) -> ShareRightId {
    let right = offer(world, share, taker, rights, None).await;
    accept(world, taker, right).await;
    right
}

async fn accept(world: &World, taker: &str, right: ShareRightId) {
    once(world, taker, AcceptShare { right, key: sealed(1), key_kind: KeyKind::Symmetric }).await;
}

async fn offer(
    world: &World,
    share: ShareId,
    taker: &str,
    rights: ShareRights,
    expires: Option<Timestamp>,
) -> ShareRightId {
    let taker = world.insist(0, world.gateway(taker), WhoAmI).await.account;
    let offer = OfferShare { share, taker, key: sealed(1), title: None, kind: None, rights, expires };
    once(world, "ann", offer).await
}

/// How far the clocks of the nodes lie from the true time at most.
const CLOCKS_OFF_MAX: Duration = Duration::from_millis(200);

/// Long enough for a right that expires to be accepted, whatever breaks meanwhile.
const LIFE: Duration = Duration::from_secs(60);

/// How bob loses what he may do with the lower one of two shares. His right is on the upper one.
#[derive(Debug, Clone, Copy)]
enum End {
    /// His right is revoked.
    Revoked,
    /// It is changed to nothing.
    Changed,
    /// The lower share is taken down from the upper one.
    Unlinked,
    /// It is moved elsewhere.
    Moved,
    /// He accepts another right, on the lower share, that gives nothing.
    Narrowed(ShareRightId),
    /// His right is over by itself, by every clock, at this time of the world.
    Expired(Duration),
}

struct Tree {
    home: Parent,
    upper: ShareId,
    lower: ShareId,
    secret: SecretId,
    right: ShareRightId,
}

/// What ann shares with bob, for `life` if that is limited.
async fn tree(world: &World, life: Option<Duration>) -> (Tree, Option<Duration>) {
    let home = datastore(world, "ann").await;
    let upper = share(world, "ann", 1, home).await;
    let lower = share(world, "ann", 2, Parent::Share(upper)).await;
    let secret = secret(world, "ann", 3, Parent::Share(lower)).await;
    datastore(world, "bob").await;
    let rights = ShareRights { grant: false, ..ShareRights::ALL };
    let ends = life.map(|life| world.now() + life);
    let expires = ends.map(|ends| Timestamp::from_ms(START_MS).saturating_add(ends));
    let right = offer(world, upper, "bob", rights, expires).await;
    let read = world.persist(0, world.gateway("bob"), ReadSecret { id: secret }).await;
    assert!(read.is_err(), "an offer that was not accepted gives nothing");
    accept(world, "bob", right).await;
    if let Some(ends) = ends {
        // Its last second is the one worth looking at.
        world.wait(ends.saturating_sub(world.now() + Duration::from_secs(1))).await;
    }
    (Tree { home, upper, lower, secret, right }, ends.map(|ends| ends + CLOCKS_OFF_MAX))
}

/// Brings the end about, as often as it takes to be sure.
async fn end(world: &World, node: usize, tree: &Tree, end: End) {
    let ann = world.gateway("ann");
    let answer = match end {
        End::Revoked => world.persist(node, ann, RevokeShareRight { right: tree.right }).await,
        End::Changed => {
            let taker =
                world.persist(node, world.gateway("bob"), WhoAmI).await.expect("bob is there").account;
            let change = ChangeShareRight { share: tree.upper, taker, rights: ShareRights::NONE };
            world.persist(node, ann, change).await.map(drop)
        }
        End::Unlinked => world.persist(node, ann, DeleteShareLink { link: link(2) }).await,
        End::Moved => world.persist(node, ann, MoveShareLink { link: link(2), parent: tree.home }).await,
        End::Narrowed(right) => {
            let accept = AcceptShare { right, key: sealed(1), key_kind: KeyKind::Symmetric };
            world.persist(node, world.gateway("bob"), accept).await.map(drop)
        }
        End::Expired(at) => {
            world.wait(at.saturating_sub(world.now())).await;
            Ok(())
        }
    };
    // A first answer that was lost shows as nothing left to end.
    let done = matches!(answer, Ok(()) | Err(EngineError::UnknownShareRight | EngineError::UnknownLink));
    assert!(done, "{end:?}: {answer:?}");
}

/// F-13, A-DEV-07: once the end of a right is answered, nobody reads or writes by it on any node, and nothing that was
/// written after it has been read by it, in whatever way it ended and however it was asked.
#[test]
fn nothing_is_read_or_written_by_a_right_that_has_ended() {
    simulate(seeds(0..2_000), Plan::rough, async |world| {
        let dice = world.dice("shares");
        let life = dice.chance(5).then(|| LIFE + dice.ms(0..=1_000));
        let (tree, expired) = tree(world, life).await;
        let how = match (expired, dice.below(5)) {
            (Some(at), _) => End::Expired(at),
            (None, 0) => End::Revoked,
            (None, 1) => End::Changed,
            (None, 2) => End::Unlinked,
            (None, 3) => End::Moved,
            (None, _) => End::Narrowed(offer(world, tree.lower, "bob", ShareRights::NONE, None).await),
        };
        let (over, ended) = (Cell::new(false), Cell::new(None::<Duration>));
        let number = Cell::new(100_u64);
        // Numbers of what was written after the end, by when it was asked for.
        let too_late = RefCell::new(BTreeSet::new());
        let fresh = || {
            number.set(number.get() + 1);
            number.get()
        };

        let writing = async {
            while !over.get() {
                let data = sealed(fresh());
                if ended.get().is_some() {
                    too_late.borrow_mut().insert(number_of(&data));
                }
                let update = UpdateSecret {
                    id: tree.secret,
                    data: Some(data),
                    callback: Callback::default(),
                    previous: None,
                };
                let _ = world.up(dice.index(world.node_count())).ask(world.gateway("ann"), update).await;
                world.wait(dice.ms(1..=60)).await;
            }
        };
        let read_numbers = RefCell::new(Vec::new());
        let bob = async |reader: usize| {
            let dice = world.dice(&format!("bob {reader}"));
            while !over.get() {
                let handle = world.up(dice.index(world.node_count()));
                let (who, asked_after_end) = (world.gateway("bob"), ended.get().is_some());
                let answered = match dice.below(5) {
                    0 => {
                        let read = handle.ask(who, ReadSecret { id: tree.secret }).await;
                        read_numbers.borrow_mut().extend(read.iter().map(|secret| number_of(&secret.data)));
                        read.is_ok()
                    }
                    1 => {
                        let read = handle.ask(who, ReadSecrets { ids: vec![tree.secret] }).await;
                        let read = read.unwrap_or_default();
                        read_numbers.borrow_mut().extend(read.iter().map(|secret| number_of(&secret.data)));
                        !read.is_empty()
                    }
                    2 => handle.ask(who, GetShare { id: tree.lower }).await.is_ok(),
                    3 => {
                        let parent = Parent::Share(tree.lower);
                        handle.ask(who, ListChildren { parent, from: None, limit: 10 }).await.is_ok()
                    }
                    _ => {
                        let save = SaveShare { id: tree.lower, data: sealed(fresh()), previous: None };
                        handle.ask(who, save).await.is_ok()
                    }
                };
                assert!(
                    !(answered && asked_after_end),
                    "{how:?} was answered, and bob had an answer after it"
                );
                world.wait(dice.ms(1..=60)).await;
            }
        };
        let reading = futures_util::future::join_all((0..3).map(bob));
        let ending = async {
            world.wait(dice.ms(0..=1_500)).await;
            end(world, dice.index(world.node_count()), &tree, how).await;
            ended.set(Some(world.now()));
            let written = world.insist(0, world.gateway("ann"), GetShare { id: tree.lower }).await.written;
            world.wait(dice.ms(200..=1_500)).await;
            over.set(true);
            written
        };
        let (_, (), written) = futures_util::future::join3(reading, writing, ending).await;
        world.calm();
        let lower = world.insist(0, world.gateway("ann"), GetShare { id: tree.lower }).await;
        assert_eq!(lower.written, written, "{how:?} was answered, and bob wrote after it");
        for read in read_numbers.borrow().iter() {
            assert!(!too_late.borrow().contains(read), "{how:?}: what was written after the end was read");
        }
    });
}

/// Two links that would make a circle together are never both placed, on however many nodes they are asked for.
#[test]
fn no_share_ever_hangs_below_itself() {
    simulate(seeds(0..300), Plan::rough, async |world| {
        const SHARES: u8 = 4;
        let home = datastore(world, "ann").await;
        let mut shares = Vec::new();
        for n in 1..=SHARES {
            shares.push(share(world, "ann", n, home).await);
        }
        datastore(world, "bob").await;
        for share in &shares {
            give(world, *share, "bob", ShareRights::ALL).await;
        }
        let placing = (0..6_u8).map(async |actor| {
            let dice = world.dice(&format!("actor {actor}"));
            let who = if actor % 2 == 0 { "ann" } else { "bob" };
            for step in 0..5 {
                let handle = world.up(dice.index(world.node_count()));
                let (share, parent) = (*dice.pick(&shares), Parent::Share(*dice.pick(&shares)));
                let link = if dice.chance(70) { 20 + actor * 10 + step } else { 20 + dice.index(60) as u8 };
                let link = LinkId::from_bytes([link; 16]);
                // Many of these are refused, as they should be.
                let _ = handle.ask(world.gateway(who), PlaceShareLink { link, share, parent }).await;
                let _ = handle.ask(world.gateway(who), MoveShareLink { link, parent }).await;
                world.wait(dice.ms(0..=40)).await;
            }
        });
        futures_util::future::join_all(placing).await;
        world.calm();
        let mut below: BTreeMap<ShareId, BTreeSet<ShareId>> = BTreeMap::new();
        for share in &shares {
            let list = ListChildren { parent: Parent::Share(*share), from: None, limit: 1_000 };
            let page = world.insist(0, world.gateway("ann"), list).await;
            below.insert(*share, page.shares.into_iter().map(|(share, _)| share).collect());
        }
        // Whoever has nothing below goes; where a circle is, nobody goes any more.
        while let Some(last) = below.iter().find(|(_, below)| below.is_empty()).map(|(share, _)| *share) {
            below.remove(&last);
            below.values_mut().for_each(|set| {
                set.remove(&last);
            });
        }
        assert!(below.is_empty(), "a circle: {below:?}");
    });
}

/// A-REC-01, A-REC-02: of those who write in view of one state one wins; each state comes after the one that its writer
/// saw, and those that were replaced are in the history in that order. Reads are counted, each at least once if it was
/// answered, and never more often than they were asked for.
#[test]
fn writers_of_a_secret_replace_what_they_saw_and_readers_are_counted() {
    simulate(seeds(0..300), Plan::rough, async |world| {
        let home = datastore(world, "ann").await;
        let top = share(world, "ann", 1, home).await;
        let secret = secret(world, "ann", 2, Parent::Share(top)).await;
        let people = ["ann", "bob", "cyd"];
        for taker in &people[1..] {
            datastore(world, taker).await;
            give(world, top, taker, ShareRights::ALL).await;
        }
        let (asked, answered) = (Cell::new(0_u64), Cell::new(0_u64));
        // By the date that was named, the date that came of it.
        let replaced: RefCell<BTreeMap<Timestamp, Timestamp>> = RefCell::default();
        let actors = (0..6_u64).map(async |actor| {
            let dice = world.dice(&format!("actor {actor}"));
            for step in 0..6 {
                let (handle, who) = (world.up(dice.index(world.node_count())), dice.pick(&people));
                asked.set(asked.get() + 1);
                let read = handle.ask(world.gateway(who), ReadSecret { id: secret }).await;
                world.wait(dice.ms(0..=40)).await;
                let Ok(read) = read else { continue };
                answered.set(answered.get() + 1);
                assert!(read.reads <= asked.get(), "{} reads were asked for", asked.get());
                let update = UpdateSecret {
                    id: secret,
                    data: Some(sealed(100 + actor * 10 + step)),
                    callback: Callback::default(),
                    previous: Some(read.written),
                };
                if let Ok(written) = handle.ask(world.gateway(who), update).await {
                    assert!(written.at > read.written);
                    let other = replaced.borrow_mut().insert(read.written, written.at);
                    assert_eq!(other, None, "one state was replaced twice");
                }
            }
        });
        futures_util::future::join_all(actors).await;
        world.calm();
        let ann = world.gateway("ann");
        let history = world.insist(0, ann.clone(), SecretHistory { secret }).await;
        let last = world.insist(0, ann, ReadSecret { id: secret }).await;
        let counted = last.reads - 1;
        assert!((answered.get()..=asked.get()).contains(&counted), "{counted} reads were counted");
        let dates: Vec<Timestamp> =
            history.iter().map(|earlier| earlier.written).chain([last.written]).collect();
        assert!(dates.is_sorted_by(|one, next| one < next), "{dates:?}");
        for (before, after) in replaced.borrow().iter() {
            let at = dates.iter().position(|date| date == before);
            let next = at.and_then(|at| dates.get(at + 1));
            assert_eq!(next, Some(after), "an answered write is missing, or something came between");
        }
    });
}
