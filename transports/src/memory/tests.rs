use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Method, StatusCode};
use strongroom_wire::{ClientFrame, Encoding, Operation, ServerFrame};
use tokio::time::{sleep, timeout};

use super::*;
use crate::{
    Router, credentials,
    exchange::{Request, Response},
    testing::{Bench, paused, request},
};

const HOUR: Duration = Duration::from_secs(3_600);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// One server named `node` and the token of a client that calls itself `ann`.
struct Yard {
    network: Network,
    bench: Bench,
    token: String,
}

impl Yard {
    async fn new(seed: u64) -> Self {
        let bench = Bench::new().await;
        let network = Network::new(seed);
        let router = Router::builder().native("/v1").build().unwrap();
        network.serve("node", bench.front.clone(), Arc::new(router));
        let token = bench.bearer("ann").await.token;
        Self { network, bench, token }
    }

    fn put(&self, name: &str, more: &[&str]) -> Request {
        let authorization = format!("authorization: Bearer {}", self.token);
        let mut headers = vec![authorization.as_str(), "content-type: application/json"];
        headers.extend_from_slice(more);
        request(Method::PUT, &format!("/v1/records/{name}"), &headers, r#"{"meta":"bQ==","value":"dg=="}"#)
    }

    fn list(&self) -> Request {
        request(Method::GET, "/v1/records", &[&format!("authorization: Bearer {}", self.token)], "")
    }

    fn ask(&self, request: Request) -> impl Future<Output = Response> {
        let network = self.network.clone();
        async move { network.request("ann", "node", request).await }
    }

    /// How many records there are, asked when the network is calm.
    async fn count(&self) -> usize {
        self.network.set_weather(Weather::CALM);
        self.network.heal();
        let page: strongroom_wire::NamePage = read(&self.ask(self.list()).await);
        page.records.len()
    }
}

fn read<T: serde::de::DeserializeOwned>(response: &Response) -> T {
    serde_json::from_slice(&response.body).unwrap()
}

#[test]
fn a_calm_network_delivers_at_once() {
    paused(async {
        let yard = Yard::new(1).await;
        let answer = timeout(ms(5), yard.ask(yard.put("a", &[]))).await;
        assert_eq!(answer.unwrap().status, StatusCode::OK);
    });
}

#[test]
fn a_lost_request_leaves_its_caller_waiting_and_nothing_behind() {
    paused(async {
        let yard = Yard::new(1).await;
        yard.network.set_weather(Weather { lose: 1.0, ..Weather::CALM });
        assert!(timeout(HOUR, yard.ask(yard.put("a", &[]))).await.is_err());
        assert_eq!(yard.count().await, 0);
        assert_eq!(
            timeout(HOUR, yard.network.request("ann", "nowhere", yard.list())).await.ok().map(|_| ()),
            None
        );
    });
}

/// F-12, F-14: the write happened although its answer was lost, and the key resolves it.
#[test]
fn an_answer_lost_after_the_write_is_given_again_under_the_same_key() {
    paused(async {
        let yard = Yard::new(1).await;
        let key = ["idempotency-key: 000102030405060708090a0b0c0d0e0f"];
        yard.network.part_one_way("node", "ann");
        assert!(timeout(HOUR, yard.ask(yard.put("a", &key))).await.is_err());
        assert_eq!(yard.count().await, 1, "carried out all the same");
        assert_eq!(yard.ask(yard.put("a", &[])).await.status, StatusCode::PRECONDITION_REQUIRED);
        let again = yard.ask(yard.put("a", &key)).await;
        assert_eq!(again.status, StatusCode::OK);
        assert_eq!(read::<strongroom_wire::RecordHead>(&again).sequence, 1);
    });
}

#[test]
fn a_doubled_request_arrives_twice_and_is_answered_once() {
    paused(async {
        let yard = Yard::new(3).await;
        let weather = Weather { delay: ms(0)..ms(50), duplicate: 1.0, ..Weather::CALM };
        yard.network.set_weather(weather);
        let answer = yard.ask(yard.put("a", &["if-none-match: *"])).await;
        assert!(matches!(answer.status.as_u16(), 200 | 412), "whichever copy answers first");
        sleep(HOUR).await;
        yard.network.set_weather(Weather::CALM);
        let head = yard.ask(request(
            Method::GET,
            "/v1/history/a",
            &[&format!("authorization: Bearer {}", yard.token)],
            "",
        ));
        assert_eq!(read::<strongroom_wire::HistoryPage>(&head.await).versions.len(), 1);
    });
}

#[test]
fn parted_ends_do_not_hear_of_each_other_until_they_are_brought_together() {
    paused(async {
        let yard = Yard::new(1).await;
        yard.network.part("ann", "node");
        assert!(timeout(HOUR, yard.ask(yard.put("a", &[]))).await.is_err());
        assert!(yard.network.connect("ann", "node", None, Encoding::Json).is_none());
        let other = yard.network.request("bob", "node", yard.list()).await;
        assert_eq!(other.status, StatusCode::OK, "others are not concerned");
        assert_eq!(yard.count().await, 0);
        assert_eq!(yard.ask(yard.put("a", &[])).await.status, StatusCode::OK);
    });
}

/// The order of arrival, and when each answer came, in milliseconds.
fn trace(seed: u64) -> Vec<(usize, u64)> {
    paused(async move {
        let yard = Yard::new(seed).await;
        yard.network.set_weather(Weather { delay: ms(1)..ms(400), lose: 0.2, ..Weather::CALM });
        let asked: Vec<_> = (0..12).map(|number| yard.ask(yard.put(&format!("r{number}"), &[]))).collect();
        let mut answered = Vec::new();
        let mut under_way: futures_util::stream::FuturesUnordered<_> =
            asked.into_iter().enumerate().map(|(number, ask)| async move { (number, ask.await) }).collect();
        let mut at = 0;
        while at < 2_000 {
            match timeout(ms(1), under_way.next()).await {
                Ok(Some((number, _))) => answered.push((number, at)),
                Ok(None) => break,
                Err(_) => at += 1,
            }
        }
        answered
    })
}

#[test]
fn equal_seeds_give_equal_fates_and_messages_overtake_each_other() {
    let first = trace(11);
    assert_eq!(first, trace(11));
    assert_ne!(first, trace(12));
    assert!(!first.is_sorted(), "somebody overtook somebody");
    assert!(first.len() < 12, "somebody got lost");
}

#[test]
fn a_link_keeps_its_order_waits_out_a_parting_and_breaks_when_it_is_cut() {
    paused(async {
        let yard = Yard::new(5).await;
        yard.network.set_weather(Weather { delay: ms(5)..ms(200), ..Weather::CALM });
        let credential = credentials::read(&format!("Bearer {}", yard.token)).unwrap();
        let mut link = yard.network.connect("ann", "node", Some(credential), Encoding::Cbor).unwrap();
        let read = |bytes: Bytes| Encoding::Cbor.read::<ServerFrame>(&bytes).unwrap();
        assert!(matches!(read(link.next().await.unwrap()), ServerFrame::Welcome { .. }));
        let ask = |id| {
            let frame = ClientFrame::Ask { id, operation: Operation::Whoami {}, idempotency_key: None };
            Encoding::Cbor.write(&frame)
        };
        for id in 0..10 {
            link.send(ask(id)).await.unwrap();
        }
        for expected in 0..10 {
            let ServerFrame::Answer { id, .. } = read(link.next().await.unwrap()) else {
                panic!("an answer")
            };
            assert_eq!(id, expected);
        }

        yard.network.part("ann", "node");
        link.send(ask(10)).await.unwrap();
        assert!(timeout(Duration::from_secs(10), link.next()).await.is_err());
        yard.network.heal();
        assert!(matches!(read(link.next().await.unwrap()), ServerFrame::Answer { id: 10, .. }));

        yard.network.cut("node", "ann");
        assert!(link.next().await.is_none());
        assert!(link.close_reason().is_none(), "nobody said goodbye");
        assert!(yard.bench.engine.handle().health().await.is_ready());
    });
}
