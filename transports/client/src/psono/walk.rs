//! The walk over a vault: depth first through folders, and through the shares that hang in them. Source: seed 001, step
//! 7, and dialects/psono.md, section 7.3.
//!
//! [`Walk`] is the rule of it and asks nobody: it says which share comes next and takes what that holds. So the order,
//! the cycles and the limits hold for documents from anywhere.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use strongroom_primitives::id::{DatastoreId, SecretId, ShareId};
use strongroom_primitives::nacl::BoxKey;
use strongroom_primitives::psono::hex_array;

use super::document::Document;
use super::{PsonoClient, PsonoClientError};

/// How many shares one walk opens; one that hangs in two places counts twice.
pub const SHARES_MAX: usize = 4_096;
/// How many entries one walk gives.
pub const ENTRIES_MAX: usize = 262_144;

/// The kind of datastores that have secrets.
const PASSWORD: &str = "password";

/// A secret where it was met.
#[derive(Clone)]
pub struct EntrySecret {
    /// Which it is.
    pub id: SecretId,
    /// What it opens by.
    pub key: BoxKey,
}

/// An item of a vault, where it was met.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The datastore that it hangs in.
    pub datastore: DatastoreId,
    /// The names of the folders on the way, and its own.
    pub path: Vec<Arc<str>>,
    /// What the vault's clients take it for, `website_password` say.
    pub kind: String,
    /// The shares that it hangs in, the outermost first.
    pub shares: Vec<ShareId>,
    /// Whether it, or a folder on the way, lies in the bin.
    pub deleted: bool,
    /// Its secret. Items of some kinds have none.
    pub secret: Option<EntrySecret>,
}

/// Something that was not walked into, where it was met.
#[derive(Debug, Clone)]
pub struct Skipped {
    /// The datastore that it hangs in.
    pub datastore: DatastoreId,
    /// The names of the folders on the way, and its own.
    pub path: Vec<Arc<str>>,
    /// Which share it is; an item whose secret cannot be told has none.
    pub share: Option<ShareId>,
    /// Why.
    pub why: Why,
}

/// Why something was not walked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The server does not give it: no right, or no longer there.
    Refused,
    /// It is one of the shares that it hangs in.
    Cycle,
    /// The document that it hangs in has no key for it.
    NoKey,
    /// It does not open by the key that the document has for it.
    DoesNotOpen,
    /// It is not what it should be.
    Malformed,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the server does not give it",
            Self::Cycle => "it hangs in itself",
            Self::NoKey => "there is no key for it",
            Self::DoesNotOpen => "it does not open",
            Self::Malformed => "it is malformed",
        })
    }
}

/// What a walk has met.
#[derive(Debug, Default)]
pub struct Walked {
    /// Every item, depth first.
    pub entries: Vec<Entry>,
    /// Everything that was passed over.
    pub skipped: Vec<Skipped>,
}

impl fmt::Debug for EntrySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntrySecret({})", self.id)
    }
}

impl PsonoClient {
    /// Walks over all datastores with secrets, in the order in which they were made.
    ///
    /// # Errors
    /// [`PsonoClientError`]; [`PsonoClientError::TooLarge`] beyond [`SHARES_MAX`] or [`ENTRIES_MAX`].
    pub async fn walk(&self) -> Result<Walked, PsonoClientError> {
        let mut walk = Walk::default();
        for datastore in self.datastores().await? {
            if datastore.kind == PASSWORD {
                self.walk_on(&mut walk, datastore.id).await?;
            }
        }
        Ok(walk.walked)
    }

    /// Walks over one datastore.
    ///
    /// # Errors
    /// As [`PsonoClient::walk`].
    pub async fn walk_datastore(&self, id: DatastoreId) -> Result<Walked, PsonoClientError> {
        let mut walk = Walk::default();
        self.walk_on(&mut walk, id).await?;
        Ok(walk.walked)
    }

    async fn walk_on(&self, walk: &mut Walk, id: DatastoreId) -> Result<(), PsonoClientError> {
        let Some(document) = self.datastore(id).await?.document else { return Ok(()) };
        walk.begin(id, Node::of(&document));
        while let Some(wanted) = walk.advance()? {
            match self.share(wanted.share, &wanted.key).await {
                Ok(share) => walk.enter(wanted, Node::of(&share.document)),
                Err(error) => {
                    let why = why_of(&error).ok_or(error)?;
                    walk.skip(wanted, why);
                }
            }
        }
        Ok(())
    }
}

/// Why a share is passed over; `None` for what ends the walk.
fn why_of(error: &PsonoClientError) -> Option<Why> {
    match error {
        PsonoClientError::DoesNotOpen { .. } => Some(Why::DoesNotOpen),
        PsonoClientError::Malformed { .. } => Some(Why::Malformed),
        error if error.is_refusal(&[400, 403, 404]) => Some(Why::Refused),
        _ => None,
    }
}

/// A folder, an item or a share, as a document has it. What is not what it should be is as if it were missing.
#[derive(Default)]
pub(super) struct Node {
    name: Arc<str>,
    kind: String,
    deleted: bool,
    secret: Option<Result<EntrySecret, Why>>,
    is_item: bool,
    share: Option<(ShareId, Option<BoxKey>)>,
    children: Vec<Node>,
}

impl Node {
    /// The folder that a datastore is, or whatever a share holds.
    pub(super) fn of(document: &Document) -> Self {
        let index = document.value().get("share_index").and_then(Value::as_object);
        // The id of the share itself may stand in its own document; what matters is where it hangs.
        let node = Self::read(document.value(), index);
        Self { is_item: node.secret.is_some(), share: None, ..node }
    }

    /// Recursion ends with the nesting of the document, which is bounded where it is read.
    fn read(value: &Value, index: Option<&Map<String, Value>>) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let nodes = |name: &str| value.get(name).and_then(Value::as_array).into_iter().flatten();
        let item = |value| Self { is_item: true, ..Self::read(value, index) };
        let folders = nodes("folders").map(|value| Self::read(value, index));
        Self {
            name: text("name").unwrap_or_default().into(),
            kind: text("type").unwrap_or_default().to_owned(),
            deleted: value.get("deleted").is_some_and(|deleted| deleted != &Value::Bool(false)),
            secret: text("secret_id").map(|id| secret_of(id, text("secret_key"))),
            is_item: false,
            share: text("share_id").and_then(|id| {
                let indexed = || index?.get(id)?.get("secret_key")?.as_str();
                let key = text("share_secret_key").or_else(indexed).and_then(hex_array::<32>);
                Some((ShareId::from_uuid(id).ok()?, key.map(BoxKey::from_bytes)))
            }),
            children: folders.chain(nodes("items").map(item)).collect(),
        }
    }
}

fn secret_of(id: &str, key: Option<&str>) -> Result<EntrySecret, Why> {
    let id = SecretId::from_uuid(id).map_err(|_| Why::Malformed)?;
    let key = hex_array::<32>(key.ok_or(Why::NoKey)?).ok_or(Why::Malformed)?;
    Ok(EntrySecret { id, key: BoxKey::from_bytes(key) })
}

/// Where a node hangs.
#[derive(Clone)]
struct Place {
    datastore: DatastoreId,
    path: Vec<Arc<str>>,
    shares: Vec<ShareId>,
    deleted: bool,
}

impl Place {
    /// The place of something in here.
    fn below(&self, node: &Node) -> Self {
        let mut place = self.clone();
        place.path.push(node.name.clone());
        place.deleted |= node.deleted;
        place
    }
}

/// A share that the walk has come to.
pub(super) struct Wanted {
    pub(super) share: ShareId,
    pub(super) key: BoxKey,
    /// Where the share itself is.
    place: Place,
    /// Whether it is one item, and no folder.
    is_item: bool,
}

/// A walk under way.
#[derive(Default)]
pub(super) struct Walk {
    /// What is still to be visited, the next one last.
    todo: Vec<(Place, Node)>,
    shares: usize,
    pub(super) walked: Walked,
}

impl Walk {
    /// Goes into a datastore.
    pub(super) fn begin(&mut self, datastore: DatastoreId, root: Node) {
        let place = Place { datastore, path: Vec::new(), shares: Vec::new(), deleted: false };
        self.push(&place, root.children);
    }

    /// Goes on until a share has to be opened, which is given to [`Walk::enter`] or [`Walk::skip`]; `None` at the end.
    pub(super) fn advance(&mut self) -> Result<Option<Wanted>, PsonoClientError> {
        while let Some((place, node)) = self.todo.pop() {
            let Some((share, key)) = node.share else {
                self.meet(place, node)?;
                continue;
            };
            let Some(key) = key else {
                self.pass(place, Some(share), Why::NoKey);
                continue;
            };
            if place.shares.contains(&share) {
                self.pass(place, Some(share), Why::Cycle);
                continue;
            }
            self.shares += 1;
            if self.shares > SHARES_MAX {
                return Err(PsonoClientError::TooLarge { what: "shares", max: SHARES_MAX });
            }
            return Ok(Some(Wanted { share, key, place, is_item: node.is_item }));
        }
        Ok(None)
    }

    /// Goes into a share. It has the name of where it hangs, or its own where that has none.
    pub(super) fn enter(&mut self, wanted: Wanted, root: Node) {
        let Wanted { share, mut place, is_item, .. } = wanted;
        place.shares.push(share);
        place.deleted |= root.deleted;
        if let Some(name) = place.path.last_mut().filter(|name| name.is_empty()) {
            *name = root.name.clone();
        }
        self.todo.push((place, Node { is_item: root.is_item || is_item, ..root }));
    }

    /// Passes over a share.
    pub(super) fn skip(&mut self, wanted: Wanted, why: Why) {
        self.pass(wanted.place, Some(wanted.share), why);
    }

    fn meet(&mut self, place: Place, node: Node) -> Result<(), PsonoClientError> {
        if !node.is_item {
            self.push(&place, node.children);
            return Ok(());
        }
        let secret = match node.secret.transpose() {
            Ok(secret) => secret,
            Err(why) => {
                self.pass(place, None, why);
                return Ok(());
            }
        };
        if self.walked.entries.len() == ENTRIES_MAX {
            return Err(PsonoClientError::TooLarge { what: "entries", max: ENTRIES_MAX });
        }
        let Place { datastore, path, shares, deleted } = place;
        self.walked.entries.push(Entry { datastore, path, kind: node.kind, shares, deleted, secret });
        Ok(())
    }

    /// Visits these next, the first of them first.
    fn push(&mut self, place: &Place, children: Vec<Node>) {
        self.todo.extend(children.into_iter().rev().map(|node| (place.below(&node), node)));
    }

    fn pass(&mut self, place: Place, share: Option<ShareId>, why: Why) {
        let Place { datastore, path, .. } = place;
        self.walked.skipped.push(Skipped { datastore, path, share, why });
    }
}
