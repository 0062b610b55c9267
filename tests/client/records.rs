//! Records over every link, opaque and sealed.

use bytes::Bytes;
use strongroom_client::{
    Client, ClientError, Content, ErrorKind, Put, SealedRecords, SeenHeads, check_receipt,
    keyknox::key_storage::UserKeys, receipt_key, wire::RecordDocument,
};
use strongroom_primitives::{
    id::IdempotencyKey,
    secret::Secret,
    sign::{SigningKey, VerifyingKey},
};

use crate::support::{EVERY_LINK, deployed};

fn content(text: &str) -> Content {
    Content { meta: Bytes::from_static(b"meta"), value: Bytes::copy_from_slice(text.as_bytes()) }
}

fn value(record: Option<RecordDocument>) -> String {
    String::from_utf8(record.expect("it is there").value.0.to_vec()).expect("it is text")
}

/// One life of some records: what is promised over one link is promised over all.
async fn lives(alice: &Client, bob: &Client) {
    let records = alice.records();
    let me = alice.whoami().await.unwrap();
    assert_eq!(me.subject.as_str(), "alice");
    let name = ["notes", "2026 / spring", "zo\u{e9}?&#%"];

    assert_eq!(records.get(name).await.unwrap(), None);
    let first = records.put(Put::create(name, content("one"))).await.unwrap();
    assert_eq!(value(records.get(name).await.unwrap()), "one");
    let error = records.put(Put::create(name, content("again"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let head =
        error.problem().and_then(|problem| problem.head.clone()).expect("a conflict shows the present head");
    assert_eq!(head.tag, first.tag);

    let second = records.put(Put::replace(name, content("two"), first.tag)).await.unwrap();
    let error = records.put(Put::replace(name, content("late"), first.tag)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let key = IdempotencyKey::from_bytes([9; 16]);
    let third = || Put::replace(name, content("three"), second.tag).under_key(key.clone());
    let once = records.put(third()).await.unwrap();
    assert_eq!(records.put(third()).await.unwrap(), once, "the same key gets the first answer");

    let versions = records.history(name, None).await.unwrap();
    assert_eq!(versions.iter().map(|version| version.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(records.history(name, Some(2)).await.unwrap().len(), 1);
    assert_eq!(value(Some(records.version(name, 1).await.unwrap())), "one");
    let back = records.undo(name, 1, Some(once.tag)).await.unwrap();
    assert_eq!((back.sequence, value(records.get(name).await.unwrap()).as_str()), (4, "one"));

    assert_eq!(bob.records().get_of(&me.subject, name).await.unwrap(), None);
    let recipients = records.share(name, vec!["bob".parse().unwrap()], Vec::new()).await.unwrap();
    assert!(recipients.iter().any(|subject| subject.as_str() == "bob"), "{recipients:?}");
    assert_eq!(value(bob.records().get_of(&me.subject, name).await.unwrap()), "one");
    records.share(name, Vec::new(), vec!["bob".parse().unwrap()]).await.unwrap();
    assert_eq!(bob.records().get_of(&me.subject, name).await.unwrap(), None);

    let receipt = records.receipt(None, name).await.unwrap();
    let key = receipt_key(&receipt).unwrap();
    check_receipt(&receipt, &me.realm, &key).unwrap();
    check_receipt(&receipt, "another", &key).unwrap_err();

    let appended = records.put_with("log", |present| {
        let before = present.map(|record| record.value.0.to_vec()).unwrap_or_default();
        Ok(Some(content(&format!("{}x", String::from_utf8(before)?))))
    });
    assert_eq!(appended.await.unwrap().unwrap().sequence, 1);
    let listed = records.list(None, &["notes"]).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(records.list(None, &[]).await.unwrap().len(), 2);
    records.delete("log", None).await.unwrap();
    assert_eq!(records.reset(&["notes"], None).await.unwrap(), 1);
    assert!(records.list(None, &[]).await.unwrap().is_empty());
}

#[test]
fn records_live_the_same_life_over_every_link() {
    for via in EVERY_LINK {
        deployed(async |deployment| {
            let alice = deployment.client(via, "alice");
            lives(&alice, &deployment.client(via, "bob")).await;
            // Also the largest record there is, and more rows than one page holds.
            let largest = Content { meta: vec![1; 64 * 1024].into(), value: vec![2; 100 * 1024].into() };
            alice.records().put(Put::create("largest", largest.clone())).await.unwrap();
            assert_eq!(
                alice.records().get("largest").await.unwrap().unwrap().value.0,
                largest.value,
                "{via:?}"
            );
            let puts =
                (0..300).map(|number| {
                    let alice = alice.clone();
                    async move {
                        alice.records().put(Put::create(["many", &number.to_string()], content("x"))).await
                    }
                });
            for put in futures_util::future::join_all(puts).await {
                put.unwrap();
            }
            assert_eq!(alice.records().list(None, &["many"]).await.unwrap().len(), 300, "{via:?}");
        });
    }
}

#[test]
fn dots_are_a_name_where_no_url_is_between() {
    for via in EVERY_LINK {
        deployed(async |deployment| {
            let put = deployment.client(via, "alice").records().put(Put::create("..", content("x"))).await;
            let refused = matches!(put, Err(ClientError::Invalid(_)));
            assert_eq!(refused, via == crate::support::Via::Http, "{via:?} {put:?}");
        });
    }
}

/// A-REC-02 from the client's side: of many devices that append to one record, none loses a line.
#[test]
fn changes_made_by_many_devices_at_once_are_all_there() {
    deployed(async |deployment| {
        let devices = (0..20).map(|number| {
            let client = deployment.client(EVERY_LINK[number % EVERY_LINK.len()], "alice");
            async move {
                let append = |present: Option<&RecordDocument>| {
                    let before = present.map(|record| record.value.0.to_vec()).unwrap_or_default();
                    Ok(Some(content(&format!("{}{number}\n", String::from_utf8(before)?))))
                };
                // Losing sixteen times in a row is possible, and tells nothing else than to ask again.
                loop {
                    match client.records().put_with("log", append).await {
                        Err(ClientError::Contended { .. }) => {}
                        written => break written.unwrap(),
                    }
                }
            }
        });
        futures_util::future::join_all(devices).await;
        let log = deployment.client(EVERY_LINK[0], "alice").records().get("log").await.unwrap();
        assert_eq!(log.as_ref().unwrap().head.sequence, 20);
        let mut lines: Vec<u32> = value(log).lines().map(|line| line.parse().unwrap()).collect();
        lines.sort_unstable();
        assert_eq!(lines, (0..20).collect::<Vec<_>>());
    });
}

fn person(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

fn sealed(client: &Client, own: u8, readers: &[u8]) -> SealedRecords {
    let readers: Vec<VerifyingKey> = readers.iter().map(|reader| person(*reader).verifying_key()).collect();
    SealedRecords::new(client, UserKeys::new(person(own), readers).unwrap(), SeenHeads::default())
}

#[test]
fn sealed_records_are_opened_by_their_readers_and_by_nobody_else() {
    for via in EVERY_LINK {
        deployed(async |deployment| {
            let (alice, bob) = (deployment.client(via, "alice"), deployment.client(via, "bob"));
            let (ours, theirs) = (sealed(&alice, 1, &[1, 2]), sealed(&bob, 2, &[2]));
            let plain = Secret::from(&b"the combination is 4711"[..]);
            let share_with = vec!["bob".parse().unwrap(), "carol".parse().unwrap()];
            ours.put("secret", &plain, None, share_with).await.unwrap();

            assert!(ours.get("secret").await.unwrap().unwrap().plain.matches(plain.expose()));
            let stored = alice.records().get("secret").await.unwrap().unwrap();
            assert!(
                !stored.value.0.windows(4).any(|window| window == b"4711"),
                "the server sees no plaintext"
            );

            let alice_is: strongroom_primitives::id::Subject = "alice".parse().unwrap();
            let writers = [person(1).verifying_key()];
            let opened = theirs.get_of(&alice_is, "secret", &writers).await.unwrap().unwrap();
            assert!(opened.plain.matches(plain.expose()));
            let strangers = [person(7).verifying_key()];
            let error = theirs.get_of(&alice_is, "secret", &strangers).await.unwrap_err();
            assert!(
                matches!(error, ClientError::Envelope(_)),
                "signed by nobody that the reader trusts: {error}"
            );
            // Given access by the server, but not by the envelope.
            let carol = sealed(&deployment.client(via, "carol"), 3, &[3]);
            let error = carol.get_of(&alice_is, "secret", &writers).await.unwrap_err();
            assert!(matches!(error, ClientError::Envelope(_)), "{error}");

            let grown = ours.put_with("secret", |plain| {
                let mut text = plain.expect("it is there").expose().to_vec();
                text.extend_from_slice(b", then left");
                Ok(Some(Secret::new(text)))
            });
            assert_eq!(grown.await.unwrap().unwrap().sequence, 2);
            let opened = theirs.get_of(&alice_is, "secret", &writers).await.unwrap().unwrap();
            assert!(opened.plain.matches(b"the combination is 4711, then left"));
        });
    }
}

/// A-SRV-05: heads are followed along their chain, over versions that this device never saw, and a server that was set
/// back is told from one that went on.
#[test]
fn a_server_that_was_set_back_is_told_from_one_that_went_on() {
    let via = EVERY_LINK[0];
    let mut seen = SeenHeads::default();
    let write = async |client: &Client, text: &str| {
        client.records().put_with("r", |_| Ok(Some(content(text)))).await.unwrap().unwrap()
    };
    deployed(async |deployment| {
        let client = deployment.client(via, "alice");
        let sealed = sealed(&client, 1, &[1]);
        sealed.put("r", &Secret::from(&b"1"[..]), None, Vec::new()).await.unwrap();
        for number in 2..8 {
            write(&client, &number.to_string()).await;
        }
        let restored = |_: Option<&Secret>| Ok(Some(Secret::from(&b"8"[..])));
        // What others wrote cannot be opened, but their heads belong to the chain all the same.
        let error = sealed.put_with("r", restored).await.unwrap_err();
        assert!(matches!(error, ClientError::Envelope(_)), "{error}");
        client.records().delete("r", None).await.unwrap();
        sealed.put("r", &Secret::from(&b"9"[..]), None, Vec::new()).await.unwrap();
        seen = sealed.seen();
    });
    // Another store, where the same record has had fewer states, and then as many other ones.
    deployed(async |deployment| {
        let client = deployment.client(via, "alice");
        let keys = UserKeys::new(person(1), vec![person(1).verifying_key()]).unwrap();
        let sealed = SealedRecords::new(&client, keys, seen.clone());
        write(&client, "1").await;
        let error = sealed.get("r").await.unwrap_err();
        assert!(matches!(error, ClientError::RolledBack { seen: 9, shown: 1 }), "{error}");
        for number in 2..12 {
            write(&client, &format!("other {number}")).await;
        }
        let error = sealed.get("r").await.unwrap_err();
        assert!(matches!(error, ClientError::Forked { .. }), "{error}");
    });
}
