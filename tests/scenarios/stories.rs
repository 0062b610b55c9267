//! The stories. None of them knows what it is told over.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, future::join_all};
use strongroom_client::{
    Client, ClientError, Content, ErrorKind, Put, RecordName, Update, Watch, WatchOptions, check_receipt,
    wire::{RecordInfo, What},
};
use strongroom_primitives::{id::IdempotencyKey, sign::VerifyingKey};
use tokio::time::timeout;

pub(crate) use crate::api_keys::{
    a_captured_sign_in_with_an_api_key_is_good_for_nothing,
    a_machine_signs_in_with_an_api_key_and_does_what_the_key_allows,
    secrets_are_attached_to_an_api_key_and_detached,
};
pub(crate) use crate::people::{
    a_person_signs_up_keeps_keys_and_enters_the_vault,
    a_wrong_passphrase_opens_nothing_and_is_told_at_the_next_sign_in,
};
pub(crate) use crate::pin_recovery::an_owner_sees_guesses_at_a_pin_and_takes_back_what_was_deleted;
pub(crate) use crate::recovery::{
    a_recovery_is_vetoed_and_an_escrow_dealt_anew, a_secret_is_shared_among_holders_and_recovered,
};
pub(crate) use crate::service_keys::{
    a_service_key_signs_its_own_requests, an_account_makes_and_sees_no_chain_and_no_key,
    the_operator_makes_a_chain_and_gives_out_its_keys,
};
pub(crate) use crate::shares::{
    a_share_hangs_in_several_places_and_never_below_itself, a_share_is_offered_accepted_used_and_taken_back,
    rights_on_many_shares_are_listed_in_pages,
};
pub(crate) use crate::sharing::{
    a_restricted_api_key_reaches_attached_secrets_only, a_secret_hangs_in_a_datastore_and_keeps_its_history,
};
use crate::stage::{FEED_EVENTS, PAGE_ROWS, Stage, subject};

fn content(value: &str) -> Content {
    Content { meta: Bytes::from_static(b"meta"), value: Bytes::copy_from_slice(value.as_bytes()) }
}

fn create(name: &str, value: &str) -> Put {
    Put::create(parts(name), content(value))
}

fn parts(name: &str) -> RecordName {
    RecordName::from(name.split('/').map(str::to_owned).collect::<Vec<_>>())
}

fn names(rows: &[RecordInfo]) -> BTreeSet<String> {
    rows.iter().map(|row| row.name.join("/")).collect()
}

fn kind<T>(result: Result<T, ClientError>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

async fn value_of(client: &Client, name: &str) -> Option<String> {
    let record = client.records().get(parts(name)).await.unwrap();
    record.map(|record| String::from_utf8(record.value.0.to_vec()).unwrap())
}

/// The next thing that a watch shows, which must not take long.
async fn next(watch: &mut Watch) -> Update {
    let shown = timeout(Duration::from_secs(20), watch.next()).await;
    shown.expect("something to see").expect("a watch that goes on").unwrap()
}

pub(crate) async fn a_write_names_the_state_that_it_replaces(stage: &Stage) {
    let (phone, laptop) = (stage.client("ann").await, stage.client("ann").await);
    let first = phone.records().put(create("notes/today", "one")).await.unwrap();
    assert_eq!((first.sequence, first.version.as_str()), (1, "1.0"));

    let again = laptop.records().put(create("notes/today", "two")).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Conflict);
    let shown = again.problem().and_then(|problem| problem.head.as_deref()).expect("the present head");
    assert_eq!(*shown, first);

    let second = Put::replace(parts("notes/today"), content("two"), first.tag);
    let second = laptop.records().put(second).await.unwrap();
    assert_eq!((second.sequence, second.version.as_str()), (2, "2.0"));
    let stale = Put::replace(parts("notes/today"), content("three"), first.tag);
    assert_eq!(kind(phone.records().put(stale).await), Some(ErrorKind::Conflict));
    assert_eq!(value_of(&phone, "notes/today").await.as_deref(), Some("two"));
    assert_eq!(value_of(&phone, "notes/tomorrow").await, None);
}

/// A-REC-02.
pub(crate) async fn of_many_writers_each_loses_nothing(stage: &Stage) {
    let clients = [stage.client("ann").await, stage.client("ann").await, stage.client("ann").await];
    let writes = (0..12).map(|number| {
        let records = clients[number % clients.len()].records();
        async move {
            let change = records.put_with("list", |present| {
                let before = present.map_or(Vec::new(), |record| record.value.0.to_vec());
                let more = format!("{number};");
                Ok(Some(Content {
                    meta: Bytes::new(),
                    value: [&before[..], more.as_bytes()].concat().into(),
                }))
            });
            change.await.unwrap().unwrap()
        }
    });
    let heads = join_all(writes).await;
    let sequences: BTreeSet<u64> = heads.iter().map(|head| head.sequence).collect();
    assert_eq!(sequences, (1..=12).collect(), "one writer wins each state");
    let list = value_of(&clients[0], "list").await.unwrap();
    let written: BTreeSet<&str> = list.split_terminator(';').collect();
    assert_eq!(written.len(), 12, "{list}");
}

/// F-14, F-18.
pub(crate) async fn a_retry_under_the_same_key_is_the_same_write(stage: &Stage) {
    let client = stage.client("ann").await;
    let key = || IdempotencyKey::from_bytes([9; 16]);
    let first = client.records().put(create("a", "one").under_key(key())).await.unwrap();
    let again = client.records().put(create("a", "one").under_key(key())).await.unwrap();
    assert_eq!(first, again);
    let other = client.records().put(create("b", "two").under_key(key())).await.unwrap_err();
    assert!(other.is_problem("idempotency-mismatch"), "{other}");
    assert_eq!(value_of(&client, "b").await, None);
    let stranger = stage.client("bob").await;
    let theirs = stranger.records().put(create("a", "mine").under_key(key())).await.unwrap();
    assert_eq!(theirs.owner, subject("bob"), "a key means nothing to anybody else");
}

pub(crate) async fn listings_are_whole_and_know_only_what_one_may_read(stage: &Stage) {
    let (ann, bob) = (stage.client("ann").await, stage.client("bob").await);
    let many = 3 * PAGE_ROWS + 1;
    for number in 0..many {
        let put = create(&format!("n/{number}"), "v");
        let put = if number == 0 { put.share_with([subject("bob")]) } else { put };
        ann.records().put(put).await.unwrap();
    }
    ann.records().put(create("other", "v")).await.unwrap();
    assert_eq!(ann.records().list(None, &[]).await.unwrap().len(), many + 1);
    assert_eq!(ann.records().list(None, &["n"]).await.unwrap().len(), many);
    assert_eq!(names(&ann.records().list(None, &["n", "3"]).await.unwrap()), ["n/3".to_owned()].into());
    assert!(ann.records().list(None, &["nothing"]).await.unwrap().is_empty());

    let shown = bob.records().list(Some(&subject("ann")), &[]).await.unwrap();
    assert_eq!(names(&shown), ["n/0".to_owned()].into());
    assert!(bob.records().list(None, &[]).await.unwrap().is_empty());
    assert!(bob.records().list(Some(&subject("nobody")), &[]).await.unwrap().is_empty());
}

pub(crate) async fn a_former_version_can_be_seen_and_brought_back(stage: &Stage) {
    let client = stage.client("ann").await;
    let records = client.records();
    let first = records.put(create("a", "one")).await.unwrap();
    let second = records.put(Put::replace("a", content("two"), first.tag)).await.unwrap();
    let history = records.history("a", None).await.unwrap();
    assert_eq!(
        history.iter().map(|one| (one.sequence, one.tag)).collect::<Vec<_>>(),
        [(1, first.tag), (2, second.tag)]
    );
    assert_eq!(records.history("a", Some(1)).await.unwrap().len(), 1);
    assert_eq!(records.version("a", 1).await.unwrap().value.0, "one");
    assert_eq!(kind(records.version("a", 7).await), Some(ErrorKind::NotFound));
    assert_eq!(kind(records.undo("a", 1, Some(first.tag)).await), Some(ErrorKind::Conflict));
    let undone = records.undo("a", 1, Some(second.tag)).await.unwrap();
    assert_eq!((undone.sequence, undone.tag), (3, first.tag));

    records.delete("a", None).await.unwrap();
    assert_eq!(value_of(&client, "a").await, None);
    assert!(records.history("a", None).await.unwrap().last().unwrap().deleted);
    records.undo("a", 2, None).await.unwrap();
    assert_eq!(value_of(&client, "a").await.as_deref(), Some("two"), "a deletion can be undone too");
}

/// A-WS-03.
pub(crate) async fn a_recipient_reads_and_follows_until_access_is_withdrawn(stage: &Stage) {
    let (ann, bob) = (stage.client("ann").await, stage.client("bob").await);
    let owner = subject("ann");
    let follow = || WatchOptions { owner: Some(owner.clone()), record: Some(parts("shared")), after: None };
    let mut bobs_own = bob.watch(WatchOptions { after: Some(0), ..WatchOptions::default() });
    next(&mut bobs_own).await;
    let first = ann.records().put(create("shared", "one")).await.unwrap();
    ann.records().put(create("private", "secret")).await.unwrap();
    assert!(bob.records().get_of(&owner, "shared").await.unwrap().is_none());
    assert_eq!(bob.watch(follow()).next().await.unwrap().unwrap_err().kind(), ErrorKind::NotFound);

    let may_read = ann.records().share("shared", vec![subject("bob")], Vec::new()).await.unwrap();
    assert_eq!(may_read, [subject("ann"), subject("bob")]);
    let read = bob.records().get_of(&owner, "shared").await.unwrap().expect("shared");
    assert_eq!((read.value.0.as_ref(), read.head.tag), (&b"one"[..], first.tag));
    assert!(bob.records().get_of(&owner, "private").await.unwrap().is_none());
    let Update::Event(granted) = next(&mut bobs_own).await else { panic!("a grant") };
    assert_eq!(granted.what, What::RecordGranted { owner: owner.clone(), name: vec!["shared".to_owned()] });
    assert_eq!(bob.records().grants().await.unwrap().len(), 1);

    let from = bob.feed_end(Some(owner.clone()), Some(vec!["shared".to_owned()])).await.unwrap();
    let mut watch = bob.watch(WatchOptions { after: Some(from), ..follow() });
    ann.records().put(create("unrelated", "x")).await.unwrap();
    let second = ann.records().put(Put::replace("shared", content("two"), first.tag)).await.unwrap();
    let Update::Event(event) = next(&mut watch).await else { panic!("an event") };
    assert!(
        matches!(event.what, What::RecordPut { name, tag, .. } if name == ["shared"] && tag == second.tag)
    );

    ann.records().share("shared", Vec::new(), vec![subject("bob")]).await.unwrap();
    assert!(bob.records().get_of(&owner, "shared").await.unwrap().is_none());
    ann.records().put(Put::replace("shared", content("three"), second.tag)).await.unwrap();
    let end = timeout(Duration::from_secs(20), watch.next()).await.expect("it ends").expect("with a reason");
    assert_eq!(end.unwrap_err().kind(), ErrorKind::NotFound);
}

pub(crate) async fn deleting_takes_one_record_and_resetting_takes_all_that_begin_so(stage: &Stage) {
    let client = stage.client("ann").await;
    let records = client.records();
    for name in ["a", "a/b", "a/b/c", "d", "e"] {
        records.put(create(name, "v")).await.unwrap();
    }
    let head = records.get("d").await.unwrap().unwrap().head;
    records.delete("a", None).await.unwrap();
    let rest = ["a/b", "a/b/c", "d", "e"].map(str::to_owned);
    assert_eq!(names(&records.list(None, &[]).await.unwrap()), rest.into());
    assert_eq!(kind(records.delete("a", None).await), Some(ErrorKind::NotFound));
    records.put(Put::replace("d", content("w"), head.tag)).await.unwrap();
    assert_eq!(kind(records.delete("d", Some(head.tag)).await), Some(ErrorKind::Conflict));

    assert_eq!(records.reset(&["a"], None).await.unwrap(), 2);
    assert_eq!(names(&records.list(None, &[]).await.unwrap()), ["d", "e"].map(str::to_owned).into());
    assert_eq!(records.reset(&[], None).await.unwrap(), 2);
    assert_eq!(records.reset(&[], None).await.unwrap(), 0);
    let anew = records.put(create("d", "v")).await.unwrap();
    assert!(anew.sequence > head.sequence, "what comes after a deletion is later than what was deleted");
}

/// A-REC-12.
pub(crate) async fn a_watch_shows_every_event_once_and_goes_on_where_it_stood(stage: &Stage) {
    let (writer, reader) = (stage.client("ann").await, stage.client("ann").await);
    let end = reader.feed_end(None, None).await.unwrap();
    let mut watch = reader.watch(WatchOptions { after: Some(end), ..WatchOptions::default() });
    let mut tag = writer.records().put(create("a", "0")).await.unwrap().tag;
    for number in 1..30 {
        let put = Put::replace("a", content(&number.to_string()), tag);
        tag = writer.records().put(put).await.unwrap().tag;
    }
    let mut seen = end;
    for _ in 0..10 {
        let update = next(&mut watch).await;
        assert_eq!(update.after(), seen + 1);
        seen = update.after();
    }
    drop(watch);
    let mut again = reader.watch(WatchOptions { after: Some(seen), ..WatchOptions::default() });
    for expected in 11..=30 {
        let Update::Event(event) = next(&mut again).await else { panic!("no gap") };
        assert_eq!(event.sequence, end + expected);
        assert!(matches!(event.what, What::RecordPut { record_sequence, .. } if record_sequence == expected));
    }
    let mut from_now = reader.watch(WatchOptions::default());
    let live = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        writer.records().put(create("b", "live")).await.unwrap()
    };
    let (shown, _) = tokio::join!(next(&mut from_now), live);
    assert!(
        matches!(shown, Update::Event(event) if matches!(&event.what, What::RecordPut { name, .. } if *name == ["b"]))
    );
}

pub(crate) async fn a_watch_that_is_too_far_behind_is_told_of_the_gap(stage: &Stage) {
    let client = stage.client("ann").await;
    let end = client.feed_end(None, None).await.unwrap();
    let mut beyond = client.watch(WatchOptions { after: Some(end + 1_000), ..WatchOptions::default() });
    assert_eq!(next(&mut beyond).await, Update::Gap { after: end }, "a place that never was");
    client.records().put(create("a", "one")).await.unwrap();
    assert_eq!(next(&mut beyond).await.after(), end + 1, "and it goes on behind the gap");
}

/// A-REC-12, A-WS-06: whenever a connection breaks, the next one goes on where the last one stood.
pub(crate) async fn a_thousand_broken_connections_lose_no_event_and_double_none(stage: &Stage) {
    const BREAKS: u64 = 1_000;
    const EVENTS: u64 = 2 * BREAKS;
    const { assert!(EVENTS < FEED_EVENTS) };
    let writer = stage.client("ann").await;
    let (reader, cuts) = stage.breakable_client("ann").await;
    let end = writer.feed_end(None, None).await.unwrap();
    let mut watch = reader.watch(WatchOptions { after: Some(end), ..WatchOptions::default() });
    let write = async {
        let mut tag = writer.records().put(create("a", "0")).await.unwrap().tag;
        for number in 1..EVENTS {
            let put = Put::replace("a", content(&number.to_string()), tag);
            tag = writer.records().put(put).await.unwrap().tag;
        }
    };
    let (mut broken, mut seen) = (0, end);
    let read = async {
        while seen < end + EVENTS {
            let update = next(&mut watch).await;
            assert_eq!(update.after(), seen + 1, "{update:?}");
            seen = update.after();
            // Somewhere within a page, at its end, and while nothing is under way.
            if broken < BREAKS && cuts.connections() > 0 && seen % 7 != 0 {
                cuts.cut();
                broken += 1;
            }
        }
    };
    tokio::join!(write, read);
    assert_eq!(broken, BREAKS);
}

/// A-WS-04.
pub(crate) async fn a_revoked_session_is_refused_and_its_watch_ends(stage: &Stage) {
    let (kept, lost) = (stage.session("ann").await, stage.session("ann").await);
    let (keeper, loser) = (stage.client_of(&kept), stage.client_of(&lost));
    assert_eq!(loser.whoami().await.unwrap().session, Some(lost.session));
    let end = loser.feed_end(None, None).await.unwrap();
    let mut watch = loser.watch(WatchOptions { after: Some(end), ..WatchOptions::default() });
    keeper.records().put(create("a", "one")).await.unwrap();
    next(&mut watch).await;

    keeper.revoke_session(Some(lost.session)).await.unwrap();
    keeper.records().put(create("b", "later")).await.unwrap();
    let ended = timeout(Duration::from_secs(1), watch.next()).await.expect("within a second");
    assert_eq!(ended.expect("with a reason").unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(kind(loser.records().get("a").await), Some(ErrorKind::Refused));
    assert_eq!(kind(loser.records().put(create("c", "x")).await), Some(ErrorKind::Refused));
    assert_eq!(value_of(&keeper, "c").await, None);
    assert_eq!(keeper.sessions().await.unwrap().len(), 1);
}

pub(crate) async fn an_erased_account_is_gone(stage: &Stage) {
    let (ann, bob) = (stage.client("ann").await, stage.client("bob").await);
    ann.records().put(create("a", "one").share_with([subject("bob")])).await.unwrap();
    assert!(bob.records().get_of(&subject("ann"), "a").await.unwrap().is_some());
    assert_eq!(kind(ann.erase_account(subject("bob")).await), Some(ErrorKind::Refused));
    ann.erase_account(subject("ann")).await.unwrap();
    assert_eq!(kind(ann.records().get("a").await), Some(ErrorKind::Refused));
    assert!(bob.records().get_of(&subject("ann"), "a").await.unwrap().is_none());
}

/// A-REC-03.
pub(crate) async fn sizes_are_exact_at_the_edge(stage: &Stage) {
    let client = stage.client("ann").await;
    let sized = |meta: usize, value: usize| Content {
        meta: Bytes::from(vec![1; meta]),
        value: Bytes::from(vec![2; value]),
    };
    let (meta_max, value_max) = (65_536, 102_400);
    client.records().put(Put::create("largest", sized(meta_max, value_max))).await.unwrap();
    let read = client.records().get("largest").await.unwrap().unwrap();
    assert_eq!((read.meta.0.len(), read.value.0.len()), (meta_max, value_max));
    for (meta, value, code) in [(meta_max + 1, 1, "meta-too-large"), (1, value_max + 1, "value-too-large")] {
        let refused = client.records().put(Put::create("larger", sized(meta, value))).await.unwrap_err();
        assert!(refused.is_problem(code), "{refused}");
    }
    assert!(client.records().get("larger").await.unwrap().is_none());
}

pub(crate) async fn a_receipt_proves_a_head(stage: &Stage) {
    let client = stage.client("ann").await;
    let head = client.records().put(create("a", "one")).await.unwrap();
    let mut receipt = client.records().receipt(None, "a").await.unwrap();
    assert_eq!(receipt.head, head);
    let server = VerifyingKey::from_bytes(&stage.engine.handle().receipt_key()).unwrap();
    let realm = client.whoami().await.unwrap().realm;
    check_receipt(&receipt, &realm, &server).unwrap();
    receipt.head.sequence += 1;
    assert!(check_receipt(&receipt, &realm, &server).is_err());
}
