//! Two devices, an honest server, and a server that lies.

use super::testing::*;
use super::*;
use crate::keyknox::record::Version;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

#[tokio::test]
async fn keys_live_through_store_update_delete_and_reset() {
    let server = Server::new();
    let (ports, clock) = ports(1_000);
    let mut alice = CloudKeyStorage::new(server.clone(), keys(1, &[1]), ports, CloudLimits::default(), None);
    assert!(alice.retrieve_all().await.unwrap().is_empty());
    assert_eq!(alice.is_empty(), Some(true));
    let stored = alice.store_many(vec![new_entry("a", "1"), new_entry("b", "2")]).await.unwrap();
    assert_eq!(stored.len(), 2);
    *clock.0.lock().unwrap() = 2_000;
    let updated = alice.update(new_entry("a", "changed")).await.unwrap();
    assert_eq!((updated.created_at.as_ms(), updated.modified_at.as_ms()), (1_000, 2_000));
    alice.update(new_entry("c", "3")).await.unwrap();
    alice.delete("b").await.unwrap();
    let mut again = device(&server, keys(1, &[1]));
    assert_eq!(shown(again.retrieve_all().await.unwrap()), pairs(&[("a", "changed"), ("c", "3")]));
    again.delete_many(&["a", "c"]).await.unwrap();
    assert_eq!(again.is_empty(), Some(false), "no keys are still an encrypted record");
    assert!(alice.retrieve_all().await.unwrap().is_empty());
    alice.delete_all().await.unwrap();
    assert!(server.now().is_empty());
    alice.store(new_entry("d", "4")).await.unwrap();
    assert_eq!(shown(again.retrieve_all().await.unwrap()), pairs(&[("d", "4")]));
}

#[tokio::test]
async fn names_taken_and_names_missing_are_refused_and_nothing_is_written() {
    let server = Server::new();
    let mut alice = device(&server, keys(1, &[1]));
    alice.store(new_entry("a", "1")).await.unwrap();
    let taken = alice.store_many(vec![new_entry("new", "2"), new_entry("a", "3")]).await.unwrap_err();
    assert!(matches!(taken, KeyStorageError::AlreadyExists { name } if name == "a"));
    let twice = alice.store_many(vec![new_entry("new", "2"), new_entry("new", "3")]).await.unwrap_err();
    assert!(matches!(twice, KeyStorageError::AlreadyExists { name } if name == "new"));
    let missing = alice.delete_many(&["a", "b"]).await.unwrap_err();
    assert!(matches!(missing, KeyStorageError::NotFound { name } if name == "b"));
    assert_eq!(server.writes(), 1);
    assert_eq!(shown(alice.retrieve_all().await.unwrap()), pairs(&[("a", "1")]));
}

/// A-REC-02, from the client's side: of two devices that start from one state both changes end in the record.
#[tokio::test]
async fn a_device_that_was_overtaken_makes_its_change_again_on_top() {
    let server = Server::new();
    let (mut phone, mut laptop) = (device(&server, keys(1, &[1])), device(&server, keys(1, &[1])));
    phone.retrieve_all().await.unwrap();
    laptop.retrieve_all().await.unwrap();
    phone.store(new_entry("from phone", "1")).await.unwrap();
    laptop.store(new_entry("from laptop", "2")).await.unwrap();
    let both = pairs(&[("from laptop", "2"), ("from phone", "1")]);
    assert_eq!(shown(phone.retrieve_all().await.unwrap()), both);
    let taken = phone.store(new_entry("from laptop", "3")).await.unwrap_err();
    assert!(matches!(taken, KeyStorageError::AlreadyExists { .. }));
}

#[tokio::test]
async fn a_change_that_no_longer_makes_sense_after_reading_again_is_given_up() {
    let server = Server::new();
    let (mut phone, mut laptop) = (device(&server, keys(1, &[1])), device(&server, keys(1, &[1])));
    phone.retrieve_all().await.unwrap();
    laptop.store(new_entry("a", "laptop's")).await.unwrap();
    let taken = phone.store(new_entry("a", "phone's")).await.unwrap_err();
    assert!(matches!(taken, KeyStorageError::AlreadyExists { .. }));
    assert_eq!(shown(laptop.retrieve_all().await.unwrap()), pairs(&[("a", "laptop's")]));
}

#[tokio::test]
async fn a_device_overtaken_without_end_gives_up_after_its_attempts() {
    let server = Server::new();
    let mut alice = device(&server, keys(1, &[1]));
    alice.store(new_entry("a", "1")).await.unwrap();
    let entropy = crate::keyknox::ports::testing::Counted;
    let other = || envelope::seal(b"{}", &person(1), &[person(1).verifying_key()], &entropy).unwrap();
    server.overtake((0..ATTEMPTS_MAX - 1).map(|_| other()).collect());
    alice.store(new_entry("b", "2")).await.unwrap();
    server.overtake((0..ATTEMPTS_MAX).map(|_| other()).collect());
    assert!(matches!(alice.store(new_entry("c", "3")).await.unwrap_err(), KeyStorageError::Contended));
    assert!(alice.retrieve_all().await.unwrap().is_empty());
}

/// F-18: a write whose answer was lost and which is sent again is recognised as done, not made twice.
#[tokio::test]
async fn a_write_whose_answer_was_lost_counts_once() {
    let server = Server::new();
    let mut alice = device(&server, keys(1, &[1]));
    alice.retrieve_all().await.unwrap();
    server.lose_next_answer();
    alice.store(new_entry("a", "1")).await.unwrap();
    assert_eq!(server.writes(), 1);
    alice.store(new_entry("b", "2")).await.unwrap();
    assert_eq!(server.writes(), 2);
}

#[tokio::test]
async fn recipients_come_and_go_with_what_is_already_kept() {
    let server = Server::new();
    let mut phone = device(&server, keys(1, &[1]));
    phone.store(new_entry("a", "1")).await.unwrap();
    let mut laptop = device(&server, keys(2, &[1, 2]));
    let refused = laptop.retrieve_all().await.unwrap_err();
    assert!(matches!(refused, KeyStorageError::Envelope(EnvelopeError::RecipientNotFound)));
    phone.update_recipients(None, vec![person(1).verifying_key(), person(2).verifying_key()]).await.unwrap();
    assert_eq!(shown(laptop.retrieve_all().await.unwrap()), pairs(&[("a", "1")]));
    laptop.store(new_entry("b", "2")).await.unwrap();
    assert_eq!(shown(phone.retrieve_all().await.unwrap()), pairs(&[("a", "1"), ("b", "2")]));
    laptop.update_recipients(None, vec![person(2).verifying_key()]).await.unwrap();
    let refused = phone.retrieve_all().await.unwrap_err();
    assert!(matches!(refused, KeyStorageError::Envelope(EnvelopeError::RecipientNotFound)));
    laptop.update_recipients(Some(person(3)), vec![person(3).verifying_key()]).await.unwrap();
    let mut renewed = device(&server, keys(3, &[3]));
    assert_eq!(renewed.retrieve_all().await.unwrap().len(), 2);
    laptop.store(new_entry("c", "3")).await.unwrap();
    assert_eq!(renewed.retrieve_all().await.unwrap().len(), 3);
}

#[tokio::test]
async fn readers_without_the_writer_are_refused_before_anything_is_written() {
    let missing = UserKeys::new(person(1), vec![person(2).verifying_key()]).unwrap_err();
    assert!(matches!(missing, KeyStorageError::OwnKeyMissing));
    let server = Server::new();
    let mut alice = device(&server, keys(1, &[1]));
    alice.store(new_entry("a", "1")).await.unwrap();
    let missing = alice.update_recipients(None, vec![person(2).verifying_key()]).await.unwrap_err();
    assert!(matches!(missing, KeyStorageError::OwnKeyMissing));
    let missing =
        alice.update_recipients(Some(person(2)), vec![person(1).verifying_key()]).await.unwrap_err();
    assert!(matches!(missing, KeyStorageError::OwnKeyMissing));
    assert_eq!(server.writes(), 1);
    assert_eq!(alice.retrieve_all().await.unwrap().len(), 1);
}

#[tokio::test]
async fn recipients_of_an_empty_record_count_from_its_next_write() {
    let server = Server::new();
    let mut alice = device(&server, keys(1, &[1]));
    alice.update_recipients(Some(person(2)), vec![person(2).verifying_key()]).await.unwrap();
    assert_eq!(server.writes(), 0);
    alice.store(new_entry("a", "1")).await.unwrap();
    assert_eq!(device(&server, keys(2, &[2])).retrieve_all().await.unwrap().len(), 1);
}

#[tokio::test]
async fn everything_can_be_deleted_unread_and_with_a_key_that_opens_nothing() {
    let server = Server::new();
    device(&server, keys(1, &[1])).store(new_entry("a", "1")).await.unwrap();
    let mut stranger = device(&server, keys(2, &[2]));
    stranger.delete_all().await.unwrap();
    assert!(server.now().is_empty());
    assert_eq!(server.now().version, version("2.0"));
    stranger.store(new_entry("b", "2")).await.unwrap();
    assert_eq!(server.now().version, version("3.0"));
}

/// A-SRV-05: a record emptied by somebody else is believed only where the user says so, also in the middle of a change.
#[tokio::test]
async fn an_emptied_record_is_not_believed_unasked() {
    let server = Server::new();
    let (mut phone, mut laptop) = (device(&server, keys(1, &[1])), device(&server, keys(1, &[1])));
    phone.store(new_entry("a", "1")).await.unwrap();
    laptop.delete_all().await.unwrap();
    let emptied =
        |error: KeyStorageError| matches!(error, KeyStorageError::Emptied { version } if version.major == 2);
    assert!(emptied(phone.store(new_entry("b", "2")).await.unwrap_err()));
    assert!(emptied(phone.retrieve_all().await.unwrap_err()));
    assert!(emptied(phone.retrieve_all().await.unwrap_err()), "asking twice is not agreeing");
    assert_eq!(server.writes(), 1);
    phone.set_on_empty(OnEmpty::Follow);
    assert!(phone.retrieve_all().await.unwrap().is_empty());
    phone.store(new_entry("b", "2")).await.unwrap();
    assert_eq!(shown(laptop.retrieve_all().await.unwrap()), pairs(&[("b", "2")]));
}

/// A-SRV-05: an old head is an error that names what happened; the keys read before stay.
#[tokio::test]
async fn a_server_that_goes_back_is_found_out() {
    let server = Server::new();
    let mut alice = device(&server, keys(1, &[1]));
    alice.store(new_entry("a", "old")).await.unwrap();
    alice.update(new_entry("a", "new")).await.unwrap();
    server.lie(server.past(1));
    let error = alice.retrieve_all().await.unwrap_err();
    assert_eq!(error.to_string(), "record was rolled back: version 1.0 is older than 2.0, seen before");
    server.lie(server.past(0));
    let error = alice.retrieve_all().await.unwrap_err();
    assert!(matches!(error, KeyStorageError::WentBack(WentBack::RolledBack { .. })));

    let seen = alice.seen();
    let limits = CloudLimits::default();
    let mut restarted = CloudKeyStorage::new(server.clone(), keys(1, &[1]), ports(1).0, limits, seen);
    server.lie(server.past(1));
    let error = restarted.retrieve_all().await.unwrap_err();
    assert!(
        matches!(error, KeyStorageError::WentBack(WentBack::RolledBack { .. })),
        "evidence outlives the process"
    );
    assert_eq!(shown(restarted.retrieve_all().await.unwrap()), pairs(&[("a", "new")]));

    server.lie(server.past(1));
    restarted.forget_seen();
    assert_eq!(
        shown(restarted.retrieve_all().await.unwrap()),
        pairs(&[("a", "old")]),
        "as the user asked for"
    );
}

/// A-SRV-05: two states under one version are a fork.
#[tokio::test]
async fn a_server_that_tells_two_stories_is_found_out() {
    let (server, other) = (Server::new(), Server::new());
    let mut alice = device(&server, keys(1, &[1]));
    alice.store(new_entry("a", "1")).await.unwrap();
    device(&other, keys(1, &[1])).store(new_entry("a", "2")).await.unwrap();
    server.lie(other.now());
    let error = alice.retrieve_all().await.unwrap_err();
    assert!(matches!(error, KeyStorageError::WentBack(WentBack::Forked { .. })));
}

/// A-SRV-05 and A-SRV-07: an acknowledgement must be of this write, and of a later state than any before.
#[tokio::test]
async fn a_write_acknowledged_with_another_state_is_an_error() {
    let server = Server::new();
    let mut alice = device(&server, keys(1, &[1]));
    alice.store(new_entry("a", "1")).await.unwrap();
    server.lie(server.past(1));
    let error = alice.store(new_entry("b", "2")).await.unwrap_err();
    assert!(matches!(error, KeyStorageError::NotStored));
    server.lie(server.past(1));
    let error = alice.delete_all().await.unwrap_err();
    assert!(matches!(error, KeyStorageError::NotStored));
    server.lie(server.past(0));
    let error = alice.delete_all().await.unwrap_err();
    assert!(matches!(error, KeyStorageError::WentBack(WentBack::RolledBack { .. })));
}

/// A-SRV-06: answers beyond the limits are refused, at the exact byte and key.
#[tokio::test]
async fn an_answer_beyond_the_limits_is_refused() {
    let server = Server::new();
    device(&server, keys(1, &[1])).store_many(vec![new_entry("a", "1"), new_entry("b", "2")]).await.unwrap();
    let (meta, value) = (server.now().meta.len(), server.now().value.len());
    let exact = CloudLimits { meta_bytes_max: meta, value_bytes_max: value, entries_max: 2 };
    let read = async |limits| {
        let mut alice = CloudKeyStorage::new(server.clone(), keys(1, &[1]), ports(1).0, limits, None);
        alice.retrieve_all().await.map(|entries| entries.len())
    };
    assert_eq!(read(exact).await.unwrap(), 2);
    for limits in [
        CloudLimits { meta_bytes_max: meta - 1, ..exact },
        CloudLimits { value_bytes_max: value - 1, ..exact },
    ] {
        assert!(matches!(read(limits).await.unwrap_err(), KeyStorageError::TooLarge));
    }
    let error = read(CloudLimits { entries_max: 1, ..exact }).await.unwrap_err();
    assert!(matches!(error, KeyStorageError::Entries(EntriesError::TooMany)));

    let mut alice = CloudKeyStorage::new(server.clone(), keys(1, &[1]), ports(1).0, exact, None);
    let error = alice.store(new_entry("c", "3")).await.unwrap_err();
    assert!(matches!(error, KeyStorageError::Entries(EntriesError::TooMany)));
    assert_eq!(server.writes(), 1);
}

/// A-SRV-04: a record that another key signed, or half of one, is refused and what was read before stays.
#[tokio::test]
async fn a_record_by_a_stranger_is_refused() {
    let server = Server::new();
    let mut alice = device(&server, keys(1, &[1]));
    alice.store(new_entry("a", "1")).await.unwrap();
    let entropy = crate::keyknox::ports::testing::Counted;
    let forged = envelope::seal(b"{}", &person(9), &[person(1).verifying_key()], &entropy).unwrap();
    server.lie(state(version("9.0"), forged.meta.clone(), forged.value));
    let error = alice.retrieve_all().await.unwrap_err();
    assert!(matches!(error, KeyStorageError::Envelope(EnvelopeError::SignerNotFound)));
    server.lie(state(version("9.0"), forged.meta, Vec::new()));
    let error = alice.retrieve_all().await.unwrap_err();
    assert!(matches!(error, KeyStorageError::Envelope(EnvelopeError::HalfEmpty)));
    assert_eq!(alice.seen().unwrap().version(), version("1.0"), "what does not open is no evidence");
    assert_eq!(shown(alice.retrieve_all().await.unwrap()), pairs(&[("a", "1")]));
}

/// A-LEAK-01: neither what is kept nor the keys that open it show in debug output.
#[tokio::test]
async fn the_whole_storage_prints_without_secrets() {
    let server = Server::new();
    let mut alice = device(&server, keys(0xca, &[0xca]));
    let mut entry = new_entry("name", "canary");
    entry.meta = Some([("canary".to_owned(), "canary".to_owned())].into());
    let mut printed = format!("{entry:?}");
    alice.store(entry).await.unwrap();
    printed += &format!("{:?} {:?} {:?}", alice.keys, alice.held, alice.seen);
    assert!(printed.contains("Secret(6 bytes)") && printed.contains("SigningKey(of "), "{printed}");
    for secret in ["canary", "Y2FuYXJ5", "99, 97", "cacaca", "202, 202"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}
