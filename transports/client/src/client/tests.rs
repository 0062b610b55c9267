use bytes::Bytes;
use strongroom_primitives::hash::RecordTag;
use strongroom_wire::{NamePage, RecordInfo};

use super::*;
use crate::keyknox::envelope::Envelope;
use crate::keyknox::record::{RecordStore, StoreError};
use crate::records::{Content, MERGES_MAX, Put};
use crate::testing::{Script, head, problem, record};
use crate::{KeyRecord, SINGLE_NAME};

fn content() -> Content {
    Content { meta: Bytes::from_static(b"m"), value: Bytes::from_static(b"v") }
}

fn put() -> Put {
    Put::create("r", content())
}

fn lost() -> Result<Reply, ClientError> {
    Err(ClientError::lost("cut"))
}

fn written(sequence: u64) -> Result<Reply, ClientError> {
    Ok(Reply::Head(head("r", sequence, b"m", b"v")))
}

/// F-18: a write whose answer is lost is asked again under the key of its first try, and no other write shares it.
#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_is_repeated_under_the_same_key() {
    let timed_out = Err(ClientError::TimedOut { within: Duration::from_secs(1) });
    let (client, script) = Script::answering(vec![lost(), timed_out, written(1), written(2)]);
    let records = client.records();
    assert_eq!(records.put(put()).await.unwrap().sequence, 1);
    let keys = script.keys();
    assert!(keys.len() == 3 && keys[0].is_some() && keys[0] == keys[1] && keys[1] == keys[2], "{keys:?}");
    records.put(put()).await.unwrap();
    assert_ne!(script.keys()[0], keys[0]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_bring_a_key_of_their_own_and_reads_have_none() {
    let (client, script) = Script::answering(vec![
        written(1),
        Ok(Reply::Record(record("r", 1, b"m", b"v"))),
        lost(),
        lost(),
        lost(),
    ]);
    let key = IdempotencyKey::from_bytes([7; 16]);
    client.records().put(put().under_key(key.clone())).await.unwrap();
    assert_eq!(script.keys(), [Some(key.expose_text())]);
    client.records().get("r").await.unwrap();
    assert_eq!(script.keys(), [None]);
    let error = client.records().get("r").await.unwrap_err();
    assert!(matches!(error, ClientError::Lost { .. }), "nothing is unknown of a read: {error}");
}

/// F-14: when no try told, the outcome is unknown; it is never reported as a failure that wrote nothing.
#[tokio::test(start_paused = true)]
async fn a_write_of_which_no_try_told_is_unknown_whatever_ends_it() {
    for last in [
        ClientError::lost("cut"),
        ClientError::Unreachable { reason: "gone".to_owned() },
        problem(503, "overloaded"),
        problem(504, "outcome-unknown"),
        // Who the caller is gets judged before the key is looked at.
        problem(401, "credential-invalid"),
        problem(403, "account-suspended"),
        problem(500, "fault"),
        ClientError::protocol("garbage"),
    ] {
        let text = last.to_string();
        let (client, _) = Script::answering(vec![lost(), lost(), Err(last)]);
        let error = client.records().put(put()).await.unwrap_err();
        assert!(matches!(&error, ClientError::OutcomeUnknown { .. }), "{text}: {error}");
        assert!(error.to_string().contains(&text));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_under_the_key_settles_what_was_open() {
    for refusal in
        [problem(412, "stale-record"), problem(413, "value-too-large"), problem(404, "unknown-record")]
    {
        let (client, _) = Script::answering(vec![lost(), Err(refusal)]);
        let error = client.records().put(put()).await.unwrap_err();
        assert!(matches!(error, ClientError::Problem(_)), "{error}");
    }
    // What was refused at the first try was never open.
    for refusal in
        [problem(401, "credential-invalid"), ClientError::Unreachable { reason: "gone".to_owned() }]
    {
        let refusals = vec![Err(refusal), Err(problem(401, "x"))];
        let error = Script::answering(refusals).0.records().put(put()).await.unwrap_err();
        assert!(!matches!(error, ClientError::OutcomeUnknown { .. }), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_asked_for_counts_as_come_when_a_later_try_meets_it() {
    let (client, _) = Script::answering(vec![lost(), Err(problem(403, "account-erased"))]);
    client.erase_account("alice".parse().unwrap()).await.unwrap();
    let (client, _) = Script::answering(vec![lost(), Err(problem(401, "credential-invalid"))]);
    client.revoke_session(None).await.unwrap();
    let (client, _) = Script::answering(vec![Err(problem(403, "account-erased"))]);
    client.erase_account("alice".parse().unwrap()).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn an_expired_credential_is_renewed_once_and_a_second_refusal_is_believed() {
    let expired = || Err(problem(401, "credential-expired"));
    let (client, script) = Script::answering(vec![expired(), written(1)]);
    client.records().put(put()).await.unwrap();
    assert_eq!(script.asked().len(), 2);
    let (client, script) = Script::answering(vec![expired(), expired()]);
    client.records().put(put()).await.unwrap_err();
    assert_eq!(script.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_left_alone_for_as_long_as_it_asks_within_reason() {
    let busy = |after_s: f64| {
        let Err(ClientError::Problem(mut problem)) = Err::<(), _>(problem(503, "overloaded")) else {
            unreachable!()
        };
        problem.retry_after_s = Some(after_s);
        Err(ClientError::Problem(problem))
    };
    let (client, _) = Script::answering(vec![busy(0.7), busy(1e9), written(1)]);
    let watch = tokio::time::sleep(Duration::ZERO).deadline();
    client.records().put(put()).await.unwrap();
    let took = tokio::time::sleep(Duration::ZERO).deadline() - watch;
    assert!((Duration::from_millis(1_700)..Duration::from_secs(2)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_is_made_again_on_what_others_wrote_meanwhile() {
    let changed = Ok(Reply::Head(head("r", 3, b"m", b"ours on 2")));
    let (client, script) = Script::answering(vec![
        Ok(Reply::Record(record("r", 1, b"m", b"1"))),
        Err(problem(412, "stale-record")),
        Ok(Reply::Record(record("r", 2, b"m", b"2"))),
        changed,
    ]);
    let change = |present: Option<&strongroom_wire::RecordDocument>| {
        let value = [b"ours on ", &present.unwrap().value.0[..]].concat();
        Ok(Some(Content { meta: Bytes::from_static(b"m"), value: value.into() }))
    };
    let head = client.records().put_with("r", change).await.unwrap().unwrap();
    assert_eq!(head.sequence, 3);
    let Operation::PutRecord { previous, .. } = &script.asked()[3].operation else { panic!("a write") };
    assert_eq!(*previous, Some(strongroom_wire::Previous::Tag(RecordTag::v2(b"m", b"2"))));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_never_wins_ends_and_one_that_is_not_wanted_writes_nothing() {
    let absent = || Err(problem(404, "unknown-record"));
    let never = (0..MERGES_MAX).flat_map(|_| [absent(), Err(problem(412, "stale-record"))]).collect();
    let (client, script) = Script::answering(never);
    let error = client.records().put_with("r", |_| Ok(Some(content()))).await.unwrap_err();
    assert!(matches!(error, ClientError::Contended { tries: MERGES_MAX }), "{error}");
    assert_eq!(script.asked().len(), 2 * MERGES_MAX as usize);

    let (client, _) = Script::answering(vec![absent(), Ok(Reply::Record(record("r", 5, b"m", b"v")))]);
    assert_eq!(client.records().put_with("r", |_| Ok(None)).await.unwrap(), None);
    assert_eq!(client.records().put_with("r", |_| Ok(None)).await.unwrap().unwrap().sequence, 5);

    let (client, _) = Script::answering(vec![absent()]);
    let error = client.records().put_with("r", |_| Err("no".into())).await.unwrap_err();
    assert!(matches!(error, ClientError::Change(_)), "{error}");
}

/// A-SRV-07: an answer to another question is refused, however good it is.
#[tokio::test(start_paused = true)]
async fn an_answer_to_another_question_is_refused() {
    let forged = |alter: fn(&mut strongroom_wire::RecordDocument)| {
        let mut answer = record("r", 1, b"m", b"v");
        alter(&mut answer);
        Ok(Reply::Record(answer))
    };
    for answer in [
        Ok(Reply::Head(head("r", 1, b"m", b"v"))),
        Ok(Reply::Done {}),
        Ok(Reply::Record(record("other", 1, b"m", b"v"))),
        forged(|record| record.value.0 = Bytes::from_static(b"w")),
        forged(|record| record.meta.0 = Bytes::new()),
        forged(|record| record.head.tag = RecordTag::v2(b"m", b"w")),
    ] {
        let (client, _) = Script::answering(vec![answer]);
        let error = client.records().get("r").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Untrusted, "{error}");
    }
    let (client, _) = Script::answering(vec![Ok(Reply::Head(head("r", 2, b"m", b"somebody else's")))]);
    let error = client.records().put(put()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted, "acknowledged with other contents: {error}");
    let (client, _) = Script::answering(vec![Ok(Reply::Record(record("r", 4, b"m", b"v")))]);
    assert_eq!(client.records().version("r", 3).await.unwrap_err().kind(), ErrorKind::Untrusted);
    let (client, _) = Script::answering(vec![Ok(Reply::Record(record("r", 4, b"m", b"v")))]);
    let error = client.records().get_of(&"bob".parse().unwrap(), "r").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted, "{error}");
}

/// A-SRV-06: a listing that never ends is given up.
#[tokio::test(start_paused = true)]
async fn a_listing_without_end_is_given_up() {
    let page = |rows: usize, next: &str| {
        let records = (0..rows).map(|row| RecordInfo {
            name: vec![format!("r{row}")],
            sequence: 1,
            version: "1.0".to_owned(),
            written: strongroom_primitives::time::Timestamp::from_ms(1),
        });
        Ok(Reply::Names(NamePage { records: records.collect(), next: Some(next.to_owned()) }))
    };
    let (client, _) = Script::answering(vec![page(1, "x"), page(1, "x")]);
    assert_eq!(
        client.records().list(None, &[]).await.unwrap_err().kind(),
        ErrorKind::Untrusted,
        "goes in circles"
    );
    let (client, _) = Script::answering((0..11).map(|at| page(10_000, &at.to_string())).collect());
    assert_eq!(
        client.records().list(None, &[]).await.unwrap_err().kind(),
        ErrorKind::Untrusted,
        "too many rows"
    );
    let (client, _) = Script::answering((0..10_001).map(|at| page(0, &at.to_string())).collect());
    assert_eq!(
        client.records().list(None, &[]).await.unwrap_err().kind(),
        ErrorKind::Untrusted,
        "too many pages"
    );
    let (client, _) = Script::answering(vec![page(10_001, "x")]);
    assert_eq!(
        client.records().list(None, &[]).await.unwrap_err().kind(),
        ErrorKind::Untrusted,
        "a page too long"
    );
    let (client, _) = Script::answering(vec![page(1, "x")]);
    assert_eq!(
        client.records().list(None, &["a"]).await.unwrap_err().kind(),
        ErrorKind::Untrusted,
        "not asked for"
    );
}

fn single(version: &str, meta: &[u8], value: &[u8]) -> strongroom_wire::RecordDocument {
    let mut document = record(SINGLE_NAME, 1, meta, value);
    document.head.version = version.to_owned();
    document.head.tag = RecordTag::v1(meta, value, version);
    document
}

#[tokio::test(start_paused = true)]
async fn the_record_of_keys_is_empty_where_there_is_none_and_knows_what_its_writes_led_to() {
    let envelope = Envelope { meta: b"m".to_vec(), value: b"v".to_vec() };
    let (client, script) = Script::answering(vec![
        Err(problem(404, "unknown-record")),
        Ok(Reply::Head(single("1.0", b"m", b"v").head)),
        Err(problem(412, "stale-record")),
        Ok(Reply::Head(single("1.0", b"m", b"another").head)),
    ]);
    let store = KeyRecord::new(client);
    let absent = store.get().await.unwrap();
    assert!(absent.is_empty() && absent.version.to_string() == "1.0");
    let stored = store.put(&envelope, &absent.tag).await.unwrap();
    assert!(stored.holds(&envelope) && stored.tag == RecordTag::v1(b"m", b"v", "1.0"));
    let Operation::PutRecord { previous, .. } = &script.asked()[1].operation else { panic!("a write") };
    assert_eq!(*previous, Some(strongroom_wire::Previous::Tag(RecordTag::v1(b"", b"", "1.0"))));
    assert!(matches!(store.put(&envelope, &absent.tag).await, Err(StoreError::Stale)));
    assert!(
        matches!(store.put(&envelope, &absent.tag).await, Err(StoreError::Failed(_))),
        "not what was written"
    );
}

#[tokio::test(start_paused = true)]
async fn emptying_the_record_of_keys_leads_to_one_state_even_when_others_race() {
    let (client, script) = Script::answering(vec![
        Ok(Reply::Record(single("3.0", b"m", b"v"))),
        Err(problem(412, "stale-record")),
        Ok(Reply::Record(single("4.0", b"m", b"w"))),
        lost(),
        Ok(Reply::Done {}),
        Err(problem(404, "unknown-record")),
    ]);
    let store = KeyRecord::new(client);
    let emptied = store.reset().await.unwrap();
    assert!(emptied.is_empty() && emptied.version.to_string() == "5.0");
    assert_eq!(emptied.tag, RecordTag::v1(b"", b"", "5.0"));
    assert_eq!(script.asked().len(), 5);
    let absent = store.reset().await.unwrap();
    assert_eq!(absent.version.to_string(), "1.0");
}
