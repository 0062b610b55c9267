use super::*;
use crate::testing::{Script, event, problem};

fn shown(sequence: u64) -> Result<Shown, ClientError> {
    Ok(Shown::Event(event(sequence)))
}

fn began(after: u64) -> Result<Shown, ClientError> {
    Ok(Shown::Began { after })
}

fn watch(client: &Client, after: Option<u64>) -> Watch {
    client.watch(WatchOptions { after, ..WatchOptions::default() })
}

/// The next so many updates: an event by its number, a gap by its negative.
async fn take(watch: &mut Watch, count: usize) -> Vec<i64> {
    let mut taken = Vec::new();
    while taken.len() < count {
        match watch.next().await.expect("it goes on").expect("no error") {
            Update::Event(event) => taken.push(event.sequence as i64),
            Update::Gap { after } => taken.push(-(after as i64)),
        }
    }
    taken
}

/// A-REC-12: after a lost connection the watch goes on behind what it has shown, and shows nothing twice.
#[tokio::test(start_paused = true)]
async fn a_lost_connection_costs_no_event_and_doubles_none() {
    let (client, script) = Script::showing(vec![
        vec![began(3), shown(4), shown(5)],
        vec![Err(ClientError::Unreachable { reason: "gone".to_owned() })],
        vec![began(5), shown(5), shown(6)],
        vec![Err(problem(503, "overloaded"))],
        vec![began(4), shown(4), shown(5), shown(6), shown(7)],
    ]);
    assert_eq!(take(&mut watch(&client, Some(3)), 4).await, [4, 5, 6, 7]);
    assert_eq!(script.followed(), [Some(3), Some(5), Some(5), Some(6), Some(6)]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_now_on_remembers_where_that_was() {
    let (client, script) = Script::showing(vec![vec![began(9)], vec![began(9), shown(10)]]);
    assert_eq!(take(&mut watch(&client, None), 1).await, [10]);
    assert_eq!(script.followed(), [None, Some(9)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_passed_over_is_not_asked_for_again() {
    let (client, script) = Script::showing(vec![
        vec![began(0), shown(2), Ok(Shown::Passed { after: 8 }), Ok(Shown::Passed { after: 7 })],
        vec![began(8), shown(11)],
    ]);
    let record = Some("r".into());
    let mut watch = client.watch(WatchOptions { record, after: Some(0), ..WatchOptions::default() });
    assert_eq!(take(&mut watch, 2).await, [2, 11], "one record's events are not consecutive");
    assert_eq!(script.followed(), [Some(0), Some(8)]);
}

/// A-REC-12: what the server no longer has is told as a gap, in the middle of a feed and at its beginning.
#[tokio::test(start_paused = true)]
async fn a_gap_is_told_and_the_watch_goes_on_behind_it() {
    let (client, script) = Script::showing(vec![
        vec![began(1), shown(2), Ok(Shown::Gap { after: 40 }), shown(41)],
        vec![began(50), shown(51)],
        // A feed that was set back behind what was seen: a restored server.
        vec![began(51), Ok(Shown::Gap { after: 7 }), shown(8)],
    ]);
    assert_eq!(take(&mut watch(&client, Some(1)), 7).await, [2, -40, 41, -50, 51, -7, 8]);
    assert_eq!(script.followed(), [Some(1), Some(41), Some(51)]);
}

/// A-REC-12: an event that a network lost is asked for again; one that the server does not have is a gap.
#[tokio::test(start_paused = true)]
async fn a_jump_in_an_own_feed_is_asked_about_before_it_is_believed() {
    let (client, script) = Script::showing(vec![
        vec![began(1), shown(2), shown(4)],
        vec![began(2), shown(3), shown(4), shown(5)],
    ]);
    assert_eq!(take(&mut watch(&client, Some(1)), 4).await, [2, 3, 4, 5]);
    assert_eq!(script.followed(), [Some(1), Some(2)]);

    let (client, _) = Script::showing(vec![vec![began(1), shown(4)], vec![began(1), shown(4), shown(5)]]);
    assert_eq!(take(&mut watch(&client, Some(1)), 3).await, [-3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_by_itself_ends_the_watch() {
    let (client, _) = Script::showing(vec![vec![began(0), shown(1), Err(problem(404, "unknown-record"))]]);
    let mut watching = watch(&client, Some(0));
    assert_eq!(take(&mut watching, 1).await, [1]);
    assert!(watching.next().await.unwrap().unwrap_err().is_problem("unknown-record"));
    assert!(watching.next().await.is_none());

    let mut nameless = client.watch(WatchOptions { record: Some([].into()), ..WatchOptions::default() });
    assert!(matches!(nameless.next().await, Some(Err(ClientError::Invalid(_)))));
    assert!(nameless.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_expired_credential_is_renewed_once_between_two_events() {
    let expired = || Err(problem(401, "credential-expired"));
    let (client, _) = Script::showing(vec![
        vec![began(0), shown(1), expired()],
        vec![began(1), shown(2), expired()],
        vec![expired()],
    ]);
    let mut watching = watch(&client, Some(0));
    assert_eq!(take(&mut watching, 2).await, [1, 2]);
    assert!(watching.next().await.unwrap().unwrap_err().is_expired());
}

/// A-SRV-06: a server that cuts every connection at once is not asked without pause.
#[tokio::test(start_paused = true)]
async fn a_server_that_never_shows_anything_is_asked_ever_less_often() {
    let (client, script) = Script::showing((0..200).map(|_| vec![began(0)]).collect());
    let mut watching = watch(&client, Some(0));
    let waited = tokio::time::timeout(std::time::Duration::from_secs(60), watching.next()).await;
    assert!(waited.is_err());
    assert!((60..150).contains(&script.followed().len()), "{}", script.followed().len());
}

#[tokio::test(start_paused = true)]
async fn answers_are_asked_for_ever_shorter_while_connections_do_not_live_to_their_end() {
    let mut feeds: Vec<_> = (0..10).map(|_| vec![Err(ClientError::lost("cut"))]).collect();
    feeds.extend([vec![began(0), shown(1), shown(2)], vec![began(2), shown(3)]]);
    let (client, script) = Script::showing(feeds);
    assert_eq!(take(&mut watch(&client, Some(0)), 3).await, [1, 2, 3]);
    assert_eq!(script.pages(), [256, 128, 64, 32, 16, 8, 4, 2, 1, 1, 1, 2]);
}
