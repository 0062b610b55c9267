//! A user's keys: cloud storage and its local mirror, over every link.

use strongroom_client::{
    Client, KeyRecord,
    keyknox::{
        entries::Entries,
        key_storage::{CloudKeyStorage, KeyStorageError, NewEntry, OnEmpty, UserKeys},
        local::{LocalFile, LocalStore, Unlock},
        ports::Ports,
        record::CloudLimits,
        sync::SyncKeyStorage,
    },
};
use strongroom_primitives::{secret::Secret, sign::SigningKey};

use crate::support::{EVERY_LINK, deployed};

type Device = SyncKeyStorage<KeyRecord, LocalFile>;

fn own_key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn device(client: &Client, folder: &tempfile::TempDir, name: &str) -> Device {
    let ports = Ports::system();
    let path = folder.path().join(name);
    let unlock = Unlock::UserKey(own_key());
    let local = LocalFile::open(path, "test", &unlock, ports.entropy.clone()).unwrap();
    let keys = UserKeys::new(own_key(), vec![own_key().verifying_key()]).unwrap();
    let record = KeyRecord::new(client.clone());
    let cloud = CloudKeyStorage::new(record, keys, ports, CloudLimits::default(), local.seen());
    SyncKeyStorage::new(cloud, local)
}

fn entry(name: &str, data: &str) -> NewEntry {
    NewEntry { name: name.to_owned(), data: Secret::from(data.as_bytes()), meta: None }
}

fn names(entries: &Entries) -> Vec<&str> {
    entries.keys().map(String::as_str).collect()
}

#[test]
fn two_devices_keep_the_same_keys_over_every_link() {
    for via in EVERY_LINK {
        deployed(async |deployment| {
            let folder = tempfile::tempdir().unwrap();
            let client = || deployment.client(via, "alice");
            let (mut phone, mut laptop) =
                (device(&client(), &folder, "phone"), device(&client(), &folder, "laptop"));
            assert!(phone.sync(OnEmpty::Refuse).await.unwrap().saved.is_empty());
            phone.store(entry("mail", "1")).await.unwrap();
            // The laptop has read nothing since; it starts from an old state, loses, and does it again on the new one.
            laptop.store(entry("bank", "2")).await.unwrap();
            let report = phone.sync(OnEmpty::Refuse).await.unwrap();
            assert_eq!(report.saved, ["bank"]);
            assert_eq!(names(phone.entries()), ["bank", "mail"]);
            phone.update(entry("mail", "changed")).await.unwrap();
            phone.delete_many(&["bank"]).await.unwrap();
            let report = laptop.sync(OnEmpty::Refuse).await.unwrap();
            assert_eq!((report.saved, report.deleted), (vec!["mail".to_owned()], vec!["bank".to_owned()]));
            assert!(laptop.retrieve("mail").unwrap().data.matches(b"changed"));

            phone.delete_all().await.unwrap();
            let error = laptop.sync(OnEmpty::Refuse).await.unwrap_err();
            assert!(matches!(error, KeyStorageError::Emptied { .. }), "{error}");
            assert_eq!(names(laptop.entries()), ["mail"], "kept until the user decides");
            laptop.sync(OnEmpty::Follow).await.unwrap();
            assert!(laptop.entries().is_empty());
            laptop.store(entry("new", "3")).await.unwrap();
            drop(phone);
            // Another day, another process: what was seen is still known.
            let mut phone = device(&client(), &folder, "phone");
            phone.sync(OnEmpty::Refuse).await.unwrap();
            assert_eq!(names(phone.entries()), ["new"]);
        });
    }
}

#[test]
fn devices_that_store_at_the_same_time_lose_no_key() {
    deployed(async |deployment| {
        let folder = tempfile::tempdir().unwrap();
        let devices = EVERY_LINK.iter().enumerate().map(|(number, via)| {
            let mut device = device(&deployment.client(*via, "alice"), &folder, &number.to_string());
            async move {
                for key in 0..4 {
                    let entry = || entry(&format!("{number}-{key}"), "x");
                    while let Err(error) = device.store(entry()).await {
                        assert!(matches!(error, KeyStorageError::Contended), "{error}");
                    }
                }
            }
        });
        futures_util::future::join_all(devices).await;
        let mut reader = device(&deployment.client(EVERY_LINK[0], "alice"), &folder, "reader");
        reader.sync(OnEmpty::Refuse).await.unwrap();
        assert_eq!(reader.entries().len(), 4 * EVERY_LINK.len());
    });
}
