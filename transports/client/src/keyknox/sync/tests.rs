//! Two devices with a local store each.

use super::*;
use crate::keyknox::key_storage::testing::*;
use crate::keyknox::local::LocalError;
use crate::keyknox::record::{CloudLimits, Seen, WentBack};

/// A local store in memory, which can be told to fail.
#[derive(Default)]
struct Memory {
    entries: Entries,
    seen: Option<Seen>,
    is_broken: bool,
}

impl LocalStore for Memory {
    fn entries(&self) -> &Entries {
        &self.entries
    }

    fn seen(&self) -> Option<Seen> {
        self.seen
    }

    fn apply(&mut self, changes: Changes) -> Result<(), LocalError> {
        if self.is_broken {
            return Err(LocalError::Replaced);
        }
        self.entries.retain(|name, _| !changes.remove.contains(name));
        self.entries.extend(changes.put.into_iter().map(|entry| (entry.name.clone(), entry)));
        match changes.evidence {
            Evidence::Keep => {}
            Evidence::Raise(seen) => self.seen = Some(seen),
            Evidence::Forget => self.seen = None,
        }
        Ok(())
    }
}

fn synced(server: &Server, local: Memory, now_ms: u64) -> SyncKeyStorage<Server, Memory> {
    let limits = CloudLimits::default();
    let cloud = CloudKeyStorage::new(server.clone(), keys(1, &[1]), ports(now_ms).0, limits, local.seen);
    SyncKeyStorage::new(cloud, local)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn what_one_device_stores_changes_and_deletes_reaches_the_other() {
    let server = Server::new();
    let mut phone = synced(&server, Memory::default(), 1_000);
    phone.sync(OnEmpty::Refuse).await.unwrap();
    phone.store_many(vec![new_entry("a", "1"), new_entry("b", "2"), new_entry("c", "3")]).await.unwrap();
    let mut laptop = synced(&server, Memory::default(), 2_000);
    let report = laptop.sync(OnEmpty::Refuse).await.unwrap();
    assert_eq!(report, SyncReport { saved: names(&["a", "b", "c"]), ..SyncReport::default() });
    laptop.update(new_entry("a", "changed")).await.unwrap();
    laptop.delete_many(&["b"]).await.unwrap();
    laptop.store(new_entry("d", "4")).await.unwrap();
    let report = phone.sync(OnEmpty::Refuse).await.unwrap();
    let expected = SyncReport { saved: names(&["d"]), updated: names(&["a"]), deleted: names(&["b"]) };
    assert_eq!(report, expected);
    assert_eq!(shown(phone.entries()), pairs(&[("a", "changed"), ("c", "3"), ("d", "4")]));
    assert_eq!(shown(phone.entries()), shown(laptop.entries()));
    assert!(phone.retrieve("a").unwrap().data.matches(b"changed"));
    assert!(phone.retrieve("b").is_none());
    assert_eq!(phone.sync(OnEmpty::Refuse).await.unwrap(), SyncReport::default());
}

#[tokio::test]
async fn a_cloud_key_that_is_not_later_leaves_the_local_one_alone() {
    let server = Server::new();
    let mut phone = synced(&server, Memory::default(), 1_000);
    phone.store(new_entry("a", "cloud")).await.unwrap();
    let mut local = Memory { seen: phone.local.seen, ..Memory::default() };
    let mut entry = phone.retrieve("a").unwrap().clone();
    entry.data = strongroom_primitives::secret::Secret::from(&b"local"[..]);
    local.entries.insert("a".to_owned(), entry);
    let mut laptop = synced(&server, local, 1_000);
    assert_eq!(laptop.sync(OnEmpty::Refuse).await.unwrap(), SyncReport::default());
    assert!(laptop.retrieve("a").unwrap().data.matches(b"local"));
}

#[tokio::test]
async fn a_name_taken_here_is_refused_even_when_the_cloud_does_not_know_it() {
    let server = Server::new();
    let mut phone = synced(&server, Memory::default(), 1_000);
    phone.store(new_entry("a", "1")).await.unwrap();
    let mut laptop = synced(&server, Memory::default(), 1_000);
    laptop.sync(OnEmpty::Refuse).await.unwrap();
    phone.delete_many(&["a"]).await.unwrap();
    let taken = laptop.store(new_entry("a", "2")).await.unwrap_err();
    assert!(matches!(taken, KeyStorageError::AlreadyExists { .. }));
    laptop.sync(OnEmpty::Refuse).await.unwrap();
    laptop.store(new_entry("a", "2")).await.unwrap();
}

#[tokio::test]
async fn deleting_everything_empties_both_sides_and_the_next_key_starts_anew() {
    let server = Server::new();
    let mut phone = synced(&server, Memory::default(), 1_000);
    phone.store(new_entry("a", "1")).await.unwrap();
    phone.delete_all().await.unwrap();
    assert!(phone.entries().is_empty() && server.now().is_empty());
    assert_eq!(
        phone.sync(OnEmpty::Refuse).await.unwrap(),
        SyncReport::default(),
        "the own reset surprises nobody"
    );
    phone.store(new_entry("b", "2")).await.unwrap();
    assert_eq!(shown(phone.entries()), pairs(&[("b", "2")]));
}

/// A-SRV-05: a server that shows an emptied record cannot wipe a device that was not told to follow.
#[tokio::test]
async fn local_keys_outlive_an_emptied_cloud_until_the_user_follows_it() {
    let server = Server::new();
    let mut phone = synced(&server, Memory::default(), 1_000);
    phone.store(new_entry("a", "1")).await.unwrap();
    device(&server, keys(2, &[2])).delete_all().await.unwrap();
    for _ in 0..2 {
        let error = phone.sync(OnEmpty::Refuse).await.unwrap_err();
        assert!(matches!(error, KeyStorageError::Emptied { .. }));
    }
    assert_eq!(shown(phone.entries()), pairs(&[("a", "1")]));
    let report = phone.sync(OnEmpty::Follow).await.unwrap();
    assert_eq!(report.deleted, names(&["a"]));
    assert!(phone.entries().is_empty());

    phone.store(new_entry("b", "2")).await.unwrap();
    device(&server, keys(2, &[2])).delete_all().await.unwrap();
    let error = phone.store(new_entry("c", "3")).await.unwrap_err();
    assert!(
        matches!(error, KeyStorageError::Emptied { .. }),
        "having followed once is not following for ever"
    );
    assert_eq!(shown(phone.entries()), pairs(&[("b", "2")]));
}

/// A-SRV-05: the evidence is kept with the keys and outlives the process.
#[tokio::test]
async fn a_rolled_back_cloud_changes_nothing_here_after_a_restart() {
    let server = Server::new();
    let mut phone = synced(&server, Memory::default(), 1_000);
    phone.store(new_entry("a", "1")).await.unwrap();
    phone.update(new_entry("a", "2")).await.unwrap();
    let mut restarted = synced(&server, phone.local, 1_000);
    server.lie(server.past(1));
    let error = restarted.sync(OnEmpty::Follow).await.unwrap_err();
    assert!(matches!(error, KeyStorageError::WentBack(WentBack::RolledBack { .. })));
    assert_eq!(shown(restarted.entries()), pairs(&[("a", "2")]));
    server.lie(server.past(0));
    let error = restarted.sync(OnEmpty::Follow).await.unwrap_err();
    assert!(matches!(error, KeyStorageError::WentBack(WentBack::RolledBack { .. })));
    restarted.forget_seen().unwrap();
    assert!(restarted.local.seen.is_none());
    restarted.sync(OnEmpty::Refuse).await.unwrap();
    assert_eq!(restarted.local.seen.unwrap().version().to_string(), "2.0");
}

#[tokio::test]
async fn new_readers_reach_the_cloud_and_the_evidence_moves_on() {
    let server = Server::new();
    let mut phone = synced(&server, Memory::default(), 1_000);
    phone.store(new_entry("a", "1")).await.unwrap();
    phone.update_recipients(None, vec![person(1).verifying_key(), person(2).verifying_key()]).await.unwrap();
    assert_eq!(device(&server, keys(2, &[1, 2])).retrieve_all().await.unwrap().len(), 1);
    assert_eq!(phone.local.seen.unwrap().version().to_string(), "2.0");
}

#[tokio::test]
async fn a_local_store_that_fails_is_mended_by_the_next_synchronisation() {
    let server = Server::new();
    let mut phone = synced(&server, Memory::default(), 1_000);
    phone.local.is_broken = true;
    let error = phone.store(new_entry("a", "1")).await.unwrap_err();
    assert!(matches!(error, KeyStorageError::Local(LocalError::Replaced)));
    assert_eq!(server.writes(), 1);
    phone.local.is_broken = false;
    assert_eq!(phone.sync(OnEmpty::Refuse).await.unwrap().saved, names(&["a"]));
}
