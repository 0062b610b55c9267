//! Any order of offers, links, moves and revocations against a model that computes what everybody may do by brute
//! force, over every way up.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::domains::sharing::shares::ChangeShareRight;

const PEOPLE: usize = 3;
const SHARES: usize = 6;

/// What is done, in any order. Everything is named by a number; what there is not is refused.
#[derive(Debug, Clone)]
enum Deed {
    Offer { giver: usize, share: usize, taker: usize, rights: u8 },
    Accept { who: usize, share: usize },
    Decline { who: usize, share: usize },
    Change { giver: usize, share: usize, taker: usize, rights: u8 },
    Revoke { giver: usize, share: usize, taker: usize },
    Place { who: usize, share: usize, parent: usize },
    Move { who: usize, link: usize, parent: usize },
    Delete { who: usize, link: usize },
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let (who, share, rights, link) = (0..PEOPLE, 0..SHARES, 0_u8..8, 0_usize..12);
    // A parent beyond the shares is the datastore of whoever asks.
    let parent = 0..=SHARES;
    let deed = prop_oneof![
        4 => (who.clone(), share.clone(), who.clone(), rights.clone())
            .prop_map(|(giver, share, taker, rights)| Deed::Offer { giver, share, taker, rights }),
        4 => (who.clone(), share.clone()).prop_map(|(who, share)| Deed::Accept { who, share }),
        1 => (who.clone(), share.clone()).prop_map(|(who, share)| Deed::Decline { who, share }),
        1 => (who.clone(), share.clone(), who.clone(), rights)
            .prop_map(|(giver, share, taker, rights)| Deed::Change { giver, share, taker, rights }),
        1 => (who.clone(), share.clone(), who.clone())
            .prop_map(|(giver, share, taker)| Deed::Revoke { giver, share, taker }),
        4 => (who.clone(), share, parent.clone())
            .prop_map(|(who, share, parent)| Deed::Place { who, share, parent }),
        2 => (who.clone(), link.clone(), parent).prop_map(|(who, link, parent)| Deed::Move { who, link, parent }),
        1 => (who, link).prop_map(|(who, link)| Deed::Delete { who, link }),
    ];
    prop::collection::vec(deed, 0..60)
}

fn rights_of(bits: u8) -> ShareRights {
    ShareRights { read: bits & 1 != 0, write: bits & 2 != 0, grant: bits & 4 != 0 }
}

/// Where something hangs, as the model has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Above {
    Share(usize),
    StoreOf(usize),
}

#[derive(Debug, Default)]
struct Model {
    /// By share and person: what they may, and whether they accepted.
    rights: BTreeMap<(usize, usize), (ShareRights, Option<bool>)>,
    /// By link, which is never used twice.
    links: BTreeMap<usize, (usize, Above)>,
}

impl Model {
    /// By every way up, each for itself, with nothing remembered from another.
    fn rights_on(&self, who: usize, share: usize) -> ShareRights {
        match self.rights.get(&(share, who)) {
            Some((rights, Some(true))) => *rights,
            _ => self
                .parents(share)
                .filter_map(|above| match above {
                    Above::Share(parent) => Some(self.rights_on(who, parent)),
                    Above::StoreOf(_) => None,
                })
                .fold(ShareRights::NONE, ShareRights::or),
        }
    }

    fn parents(&self, share: usize) -> impl Iterator<Item = Above> {
        self.links.values().filter(move |(child, _)| *child == share).map(|(_, above)| *above)
    }

    fn writes(&self, who: usize, above: Above) -> bool {
        match above {
            Above::Share(share) => self.rights_on(who, share).write,
            Above::StoreOf(owner) => owner == who,
        }
    }

    fn is_above(&self, share: usize, above: Above) -> bool {
        match above {
            Above::StoreOf(_) => false,
            Above::Share(other) => {
                other == share || self.parents(other).any(|further| self.is_above(share, further))
            }
        }
    }
}

struct Table {
    desk: Desk,
    people: Vec<Principal>,
    stores: Vec<DatastoreId>,
    shares: Vec<ShareId>,
    secrets: Vec<SecretId>,
    right_ids: BTreeMap<(usize, usize), ShareRightId>,
    model: Model,
    links: usize,
}

impl Table {
    /// Everybody has a datastore, and two shares that hang in it. Each share has a secret.
    fn new() -> Self {
        let mut desk = Desk::new();
        let people: Vec<_> = (0..PEOPLE).map(|n| desk.who(&format!("person {n}"))).collect();
        people.iter().for_each(|who| desk.open_account(who));
        let stores: Vec<_> = people.iter().map(|who| create(&mut desk, who, "password", "")).collect();
        let (mut shares, mut secrets, mut model) = (Vec::new(), Vec::new(), Model::default());
        for n in 0..SHARES {
            let owner = n % PEOPLE;
            let at = Parent::Datastore(stores[owner]);
            let share = new_share(&mut desk, &people[owner], 100 + n as u8, at);
            secrets.push(new_secret(&mut desk, &people[owner], 200 + n as u8, Parent::Share(share)));
            shares.push(share);
            model.rights.insert((n, owner), (ShareRights::ALL, Some(true)));
        }
        Self { desk, people, stores, shares, secrets, right_ids: BTreeMap::new(), model, links: 0 }
    }

    fn parent(&self, who: usize, parent: usize) -> (Parent, Above) {
        match self.shares.get(parent) {
            Some(share) => (Parent::Share(*share), Above::Share(parent)),
            None => (Parent::Datastore(self.stores[who]), Above::StoreOf(who)),
        }
    }

    /// Does it, and says whether the engine and the model agree on whether it may be done.
    fn does(&mut self, deed: &Deed) -> Result<(), TestCaseError> {
        let (done, allowed) = match *deed {
            Deed::Offer { giver, share, taker, rights } => {
                self.offers(giver, share, taker, rights_of(rights))
            }
            Deed::Accept { who, share } => self.answers(who, share, true),
            Deed::Decline { who, share } => self.answers(who, share, false),
            Deed::Change { giver, share, taker, rights } => {
                let (id, rights) = (self.shares[share], rights_of(rights));
                let change = ChangeShareRight { share: id, taker: self.people[taker].account, rights };
                let done = self.desk.run(&self.people[giver].clone(), &change).is_ok();
                let grants = self.model.rights_on(giver, share).grant;
                let held = self.model.rights.get_mut(&(share, taker)).filter(|_| grants);
                (done, held.map(|held| held.0 = rights).is_some())
            }
            Deed::Revoke { giver, share, taker } => {
                let Some(right) = self.right_ids.get(&(share, taker)).copied() else { return Ok(()) };
                let done = self.desk.run(&self.people[giver], &RevokeShareRight { right }).is_ok();
                let allowed = self.model.rights_on(giver, share).grant
                    && self.model.rights.contains_key(&(share, taker));
                if allowed {
                    self.model.rights.remove(&(share, taker));
                }
                (done, allowed)
            }
            Deed::Place { who, share, parent } => self.places(who, share, parent),
            Deed::Move { who, link: n, parent } => {
                let (parent, above) = self.parent(who, parent);
                let moved = MoveShareLink { link: link(n as u8), parent };
                let done = self.desk.run(&self.people[who], &moved).is_ok();
                let allowed = self.model.links.get(&n).is_some_and(|(share, before)| {
                    self.model.writes(who, *before)
                        && self.model.rights_on(who, *share).grant
                        && self.model.writes(who, above)
                        && !self.model.is_above(*share, above)
                });
                if let Some(held) = self.model.links.get_mut(&n).filter(|_| allowed) {
                    held.1 = above;
                }
                (done, allowed)
            }
            Deed::Delete { who, link: n } => {
                let done = self.desk.run(&self.people[who], &DeleteShareLink { link: link(n as u8) }).is_ok();
                let held = self.model.links.get(&n).copied();
                let allowed = held.is_some_and(|(_, above)| self.model.writes(who, above));
                if allowed {
                    self.model.links.remove(&n);
                }
                (done, allowed)
            }
        };
        prop_assert_eq!(done, allowed, "{:?}", deed);
        Ok(())
    }

    fn offers(&mut self, giver: usize, share: usize, taker: usize, rights: ShareRights) -> (bool, bool) {
        let command = offer(self.shares[share], &self.people[taker], rights);
        let done = self.desk.run(&self.people[giver], &command);
        let held = self.model.rights.get(&(share, taker));
        let free = held.is_none_or(|(_, accepted)| *accepted == Some(false));
        let allowed = self.model.rights_on(giver, share).grant && free;
        if allowed {
            self.model.rights.insert((share, taker), (rights, None));
        }
        if let Ok(id) = &done {
            self.right_ids.insert((share, taker), *id);
        }
        (done.is_ok(), allowed)
    }

    fn answers(&mut self, who: usize, share: usize, yes: bool) -> (bool, bool) {
        let Some(right) = self.right_ids.get(&(share, who)).copied() else { return (true, true) };
        let done = match yes {
            true => self.desk.run(&self.people[who], &accept(right)).is_ok(),
            false => {
                let decline = crate::domains::sharing::shares::DeclineShare { right };
                self.desk.run(&self.people[who], &decline).is_ok()
            }
        };
        let held = self.model.rights.get_mut(&(share, who)).filter(|held| held.1.is_none());
        (done, held.map(|held| held.1 = Some(yes)).is_some())
    }

    fn places(&mut self, who: usize, share: usize, parent: usize) -> (bool, bool) {
        let (parent, above) = self.parent(who, parent);
        let n = self.links;
        let place = PlaceShareLink { link: link(n as u8), share: self.shares[share], parent };
        let done = self.desk.run(&self.people[who], &place).is_ok();
        let allowed = self.model.rights_on(who, share).grant
            && self.model.writes(who, above)
            && !self.model.is_above(share, above);
        if allowed {
            self.model.links.insert(n, (share, above));
            self.links += 1;
        }
        (done, allowed)
    }

    /// What everybody may do is what the model says, for shares and for the secrets in them.
    fn agrees(&mut self) -> Result<(), TestCaseError> {
        for who in 0..PEOPLE {
            let person = self.people[who].clone();
            for share in 0..SHARES {
                let wanted = self.model.rights_on(who, share);
                let shown = self.desk.run(&person, &GetShare { id: self.shares[share] });
                prop_assert_eq!(shown.ok().map(|shown| shown.rights), wanted.read.then_some(wanted));
                let read = self.desk.run(&person, &ReadSecret { id: self.secrets[share] }).is_ok();
                prop_assert_eq!(read, wanted.read);
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// F-13 without concurrency: rights are those of the nearest shares above, and no share hangs below itself. The
    /// model follows every way up without looking back, so a circle would not let it end.
    #[test]
    fn everybody_may_do_what_every_way_up_says(deeds in deeds()) {
        let mut table = Table::new();
        for deed in &deeds {
            table.does(deed)?;
        }
        table.agrees()?;
        let circles: BTreeSet<usize> = (0..SHARES)
            .filter(|share| table.model.parents(*share).any(|above| table.model.is_above(*share, above)))
            .collect();
        prop_assert!(circles.is_empty(), "{:?}", circles);
    }
}
