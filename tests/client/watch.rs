//! Live push over connections that end when they like: a thousand times, in memory, over a WebSocket and by long poll.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, future::join};
use strongroom_client::{Client, ClientError, Content, Update, WatchOptions, wire::What};
use strongroom_engine::Limits;
use strongroom_testkit::Dice;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    brittle::brittle,
    support::{EVERY_LINK, Via, credentials, deployed, deployed_with, options},
};

/// How often connections are cut.
const CUTS: u64 = 1_000;

fn content(number: u64) -> Content {
    Content { meta: number.to_be_bytes().to_vec().into(), value: Bytes::from_static(b"value") }
}

/// Writes until enough connections were cut, and once more. Returns how often it wrote.
async fn write(client: &Client, cuts: &AtomicU64) -> u64 {
    let mut written = 0;
    loop {
        let last = cuts.load(Ordering::Relaxed) >= CUTS;
        written += 1;
        let put = client.records().put_with("r", |_| Ok(Some(content(written)))).await;
        let head = put.unwrap().expect("it was written");
        // The writer's own connections are cut as well: nothing is written twice, and nothing not at all.
        assert_eq!(head.sequence, written);
        if last {
            return written;
        }
        // Time for connections to be made and cut.
        tokio::time::sleep(Duration::from_micros(300)).await;
    }
}

/// Watches until the last write is shown. Every event has to be there, once and in order.
async fn watch(client: &Client, last: &AtomicU64) {
    let mut updates = client.watch(WatchOptions { after: Some(0), ..WatchOptions::default() });
    let mut seen = 0;
    // Zero until the writer knows which its last write is.
    while seen == 0 || seen != last.load(Ordering::Relaxed) {
        let patience = tokio::time::timeout(Duration::from_millis(100), updates.next()).await;
        // Nothing new may also mean that the last one was shown before it was known to be the last.
        let Ok(update) = patience else { continue };
        let Update::Event(event) = update.unwrap().unwrap() else { panic!("no gap behind {seen}") };
        assert_eq!(event.sequence, seen + 1, "every event once and in order");
        let What::RecordPut { record_sequence, .. } = event.what else { panic!("{event:?}") };
        assert_eq!(record_sequence, event.sequence, "one event for every write");
        seen = event.sequence;
    }
}

async fn write_and_watch(writer: &Client, watcher: &Client, cuts: &AtomicU64) -> u64 {
    let last = AtomicU64::new(0);
    let writing = async {
        last.store(write(writer, cuts).await, Ordering::Relaxed);
    };
    tokio::time::timeout(Duration::from_secs(300), join(writing, watch(watcher, &last)))
        .await
        .expect("it ends");
    last.into_inner()
}

/// Events that a feed keeps: more than any of these tests makes.
fn limits() -> Limits {
    Limits { feed_events_max: 1_000_000, ..Limits::default() }
}

/// A-REC-12: a thousand broken links in memory, no gap, no double; and every write exactly once.
#[test]
fn a_thousand_broken_links_cost_no_event_and_double_none() {
    deployed_with(limits(), async |deployment| {
        let cuts = Arc::new(AtomicU64::new(0));
        let writer = brittle(deployment, credentials("alice"), 1, &cuts);
        let watched = Arc::new(AtomicU64::new(0));
        let watcher = brittle(deployment, credentials("alice"), 2, &watched);
        let written = write_and_watch(&writer, &watcher, &watched).await;
        let (ours, theirs) = (cuts.load(Ordering::Relaxed), watched.load(Ordering::Relaxed));
        assert!(theirs >= CUTS && written > 0);
        println!("{written} writes; links broken: {theirs} of the watcher, {ours} of the writer");
    });
}

/// Passes bytes on until a connection has had its share of them, then cuts it in the middle of whatever it is saying.
async fn cutting_proxy(to: std::net::SocketAddr, seed: u64, share: u64, cuts: Arc<AtomicU64>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    actix_rt::spawn(async move {
        for number in 0_u64.. {
            let (near, _) = listener.accept().await.unwrap();
            let dice = Dice::new(seed, &format!("connection {number}"));
            let (there, back) = (dice.within(1..=share), dice.within(1..=share));
            let cuts = cuts.clone();
            actix_rt::spawn(async move {
                let far = TcpStream::connect(to).await.unwrap();
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                let cut = tokio::select! {
                    cut = pass(near_in, far_out, there) => cut,
                    cut = pass(far_in, near_out, back) => cut,
                };
                cuts.fetch_add(u64::from(cut), Ordering::Relaxed);
            });
        }
    });
    url
}

/// Passes so many bytes on. Returns whether that was the end of it.
async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut left: u64,
) -> bool {
    let mut buffer = [0; 1024];
    while left > 0 {
        let room = buffer.len().min(usize::try_from(left).unwrap());
        match from.read(&mut buffer[..room]).await {
            Ok(length @ 1..) if to.write_all(&buffer[..length]).await.is_ok() => left -= length as u64,
            _ => return false,
        }
    }
    true
}

/// A-REC-12, F-18: a thousand WebSockets cut at random bytes, no gap, no double; and every write exactly once although
/// the writer's HTTP connections are cut at random bytes too.
#[test]
fn a_thousand_websockets_cut_at_random_bytes_cost_no_event_and_double_none() {
    deployed_with(limits(), async |deployment| {
        let (cuts, watched) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let writing = cutting_proxy(deployment.address(), 3, 8_000, cuts.clone()).await;
        let watching = cutting_proxy(deployment.address(), 4, 1_500, watched.clone()).await;
        let writer = Client::http(&writing, credentials("alice"), options()).unwrap();
        let watcher = Client::ws(&watching, credentials("alice"), options()).unwrap();
        let written = write_and_watch(&writer, &watcher, &watched).await;
        let (ours, theirs) = (cuts.load(Ordering::Relaxed), watched.load(Ordering::Relaxed));
        assert!(theirs >= CUTS && ours > 0);
        println!("{written} writes; connections cut: {theirs} of the watcher, {ours} of the writer");
    });
}

/// A-REC-12: the same by long poll.
#[test]
fn a_thousand_polls_cut_at_random_bytes_cost_no_event_and_double_none() {
    deployed_with(limits(), async |deployment| {
        let (cuts, watched) = (AtomicU64::new(0), Arc::new(AtomicU64::new(0)));
        let watching = cutting_proxy(deployment.address(), 5, 1_500, watched.clone()).await;
        let writer = deployment.client(Via::Memory, "alice");
        let watcher = Client::http(&watching, credentials("alice"), options()).unwrap();
        let written = write_and_watch(&writer, &watcher, &watched).await;
        assert!(watched.load(Ordering::Relaxed) >= CUTS && cuts.into_inner() == 0);
        println!("{written} writes");
    });
}

#[test]
fn a_recipient_follows_the_records_that_are_shared_until_they_are_not() {
    for via in EVERY_LINK {
        deployed(async |deployment| {
            let (alice, bob) = (deployment.client(via, "alice"), deployment.client(via, "bob"));
            let shared =
                strongroom_client::Put::create("shared", content(1)).share_with(["bob".parse().unwrap()]);
            alice.records().put(shared).await.unwrap();
            let watching = WatchOptions {
                owner: Some("alice".parse().unwrap()),
                record: Some("shared".into()),
                after: Some(0),
            };
            let mut updates = bob.watch(watching.clone());
            let mut next = async || match updates.next().await.unwrap() {
                Ok(Update::Event(event)) => Ok(event.what),
                Ok(gap) => panic!("{gap:?}"),
                Err(error) => Err(error),
            };
            assert!(matches!(next().await.unwrap(), What::RecordPut { record_sequence: 1, .. }), "{via:?}");
            alice.records().put_with("private", |_| Ok(Some(content(1)))).await.unwrap();
            alice.records().put_with("shared", |_| Ok(Some(content(2)))).await.unwrap();
            let mut last = next().await.unwrap();
            while matches!(last, What::RecordsShared { .. }) {
                last = next().await.unwrap();
            }
            assert!(matches!(last, What::RecordPut { record_sequence: 2, .. }), "{via:?} {last:?}");
            alice.records().share("shared", Vec::new(), vec!["bob".parse().unwrap()]).await.unwrap();
            let ended = loop {
                match next().await {
                    Ok(What::RecordsShared { .. }) => {}
                    Ok(what) => panic!("{what:?}"),
                    Err(error) => break error,
                }
            };
            assert!(ended.is_problem("unknown-record"), "{via:?} {ended}");
            // What may not be followed looks like what does not exist.
            let refused = bob.watch(watching).next().await.unwrap().unwrap_err();
            assert!(refused.is_problem("unknown-record"), "{via:?} {refused}");
        });
    }
}

/// A-REC-12: who comes back after the events are gone is told to read again, over every link.
#[test]
fn a_watch_from_before_what_the_feed_keeps_begins_with_a_gap() {
    for via in EVERY_LINK {
        let limits = Limits { feed_events_max: 5, ..Limits::default() };
        deployed_with(limits, async |deployment| {
            let client = deployment.client(via, "alice");
            for number in 1..=40 {
                client.records().put_with("r", |_| Ok(Some(content(number)))).await.unwrap();
            }
            let end = client.feed_end(None, None).await.unwrap();
            assert_eq!(end, 40);
            // The sweeper trims in its own time.
            let gap = loop {
                let mut updates = client.watch(WatchOptions { after: Some(0), ..WatchOptions::default() });
                match updates.next().await.unwrap().unwrap() {
                    Update::Gap { after } => break after,
                    Update::Event(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            };
            assert!(gap <= end, "{via:?} {gap}");
            let mut updates = client.watch(WatchOptions { after: Some(end), ..WatchOptions::default() });
            client.records().put_with("r", |_| Ok(Some(content(41)))).await.unwrap();
            assert_eq!(updates.next().await.unwrap().unwrap().after(), 41, "{via:?}");
        });
    }
}

/// A-WS-04 from the client's side: who may no longer follow learns so, and is not tried again without end.
#[test]
fn a_watch_ends_when_its_credential_does() {
    for via in EVERY_LINK {
        deployed(async |deployment| {
            let client = deployment.client(via, "alice");
            client.records().put_with("r", |_| Ok(Some(content(1)))).await.unwrap();
            let mut updates = client.watch(WatchOptions { after: Some(0), ..WatchOptions::default() });
            updates.next().await.unwrap().unwrap();
            let revoke = strongroom_engine::domains::realms::RevokeRealmKey {
                realm: strongroom_primitives::id::RealmId::new("app").unwrap(),
                key_id: "k1".to_owned(),
            };
            let engine = deployment.engine().handle();
            engine.ask(strongroom_engine::Credential::Operator, revoke).await.unwrap();
            let ended =
                tokio::time::timeout(Duration::from_secs(30), updates.next()).await.expect("within a while");
            let error: ClientError = ended.unwrap().unwrap_err();
            assert!(error.is_problem("credential-invalid"), "{via:?} {error}");
        });
    }
}
