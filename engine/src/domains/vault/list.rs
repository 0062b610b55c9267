//! Reading items: one, or page by page.

use serde::{Deserialize, Serialize};
use strongroom_primitives::id::{ItemId, TemplateId};
use strongroom_storage::Key;

use super::{
    Item, Vault,
    rows::{StoredItem, StoredItemIndex},
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Items that one page looks at. Source: dialects/meeco.md, section 6, "Pagination".
const PAGE_ITEMS_MAX: usize = 1_000;

/// Bytes of items in one page, in which one item always has room.
const PAGE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Reads an item with its slots.
#[derive(Debug, Clone, Serialize)]
pub struct GetItem {
    /// Which.
    pub id: ItemId,
}

impl Command for GetItem {
    type Domain = Vault;
    type Reply = Item;
    const NAME: &'static str = "get_item";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::item(who.account, self.id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<Item>, EngineError> {
        Decision::reply(StoredItem::of(view, who.account, self.id)?).done()
    }
}

/// Lists the caller's items with their slots, in the order in which they were created.
#[derive(Debug, Clone, Serialize)]
pub struct ListItems {
    /// Only items that were made from one of these; all if there are none.
    pub templates: Vec<TemplateId>,
    /// Where to go on: the `next` of the page before.
    pub from: Option<Vec<u8>>,
    /// At most so many are looked at, 1 to 1,000. A page may end earlier: it holds about 4 MiB.
    pub limit: usize,
}

/// A page of items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemPage {
    /// The items.
    pub items: Vec<Item>,
    /// Where to go on, if there may be more.
    pub next: Option<Vec<u8>>,
}

impl ListItems {
    /// The items that the page shows, and where it ends.
    fn pick(
        &self,
        view: &View<'_>,
        who: &Principal,
    ) -> Result<(Vec<StoredItemIndex>, Option<Key>), EngineError> {
        let (rows, mut next) = view.range::<StoredItemIndex>(&keyspace::item_indexes(who.account))?;
        let (mut picked, mut bytes) = (Vec::new(), 0);
        for (key, index) in rows {
            if !self.templates.is_empty() && !self.templates.contains(&index.template) {
                continue;
            }
            bytes += index.bytes;
            if bytes > PAGE_BYTES_MAX && !picked.is_empty() {
                next = Some(key);
                break;
            }
            picked.push(index);
        }
        Ok((picked, next))
    }
}

impl Command for ListItems {
    type Domain = Vault;
    type Reply = ItemPage;
    const NAME: &'static str = "list_items";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        let from = self.from.as_ref().map(|bytes| Key::new(bytes.clone()));
        let limit = self.limit.clamp(1, PAGE_ITEMS_MAX);
        let user = keyspace::vault_user(who.account);
        Reads::none().range(keyspace::item_indexes(who.account), from, limit, user)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<ItemPage>, EngineError> {
        let (picked, next) = self.pick(view, who)?;
        let missing: Vec<Key> = picked
            .iter()
            .map(|index| keyspace::item(who.account, index.id))
            .filter(|key| !view.has(key))
            .collect();
        if !missing.is_empty() {
            // The user's row is guarded, and no item changes without it.
            return Ok(Step::Need(missing.into_iter().fold(Reads::none(), Reads::hint)));
        }
        let item = |index: StoredItemIndex| {
            let stored: Option<StoredItem> = view.row(&keyspace::item(who.account, index.id))?;
            // The two rows are written together. Where a look fell between two writes, the runtime looks again.
            stored.map(|stored| stored.0).ok_or(EngineError::Corrupt)
        };
        let items = picked.into_iter().map(item).collect::<Result<_, _>>()?;
        Decision::reply(ItemPage { items, next: next.map(|key| key.as_bytes().to_vec()) }).done()
    }
}
