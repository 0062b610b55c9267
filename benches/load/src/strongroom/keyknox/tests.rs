//! The driver against a small server that follows the dialect's rules for one record per token, in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use strongroom_primitives::hash::RecordTag;
use strongroom_primitives::sign::SigningKey;
use strongroom_primitives::virgil_token;

use super::*;

#[derive(Debug, Clone, Default)]
struct Stored {
    meta: Vec<u8>,
    value: Vec<u8>,
    major: u64,
}

impl Stored {
    fn answer(&self) -> HttpResponse {
        let version = format!("{}.0", self.major.max(1));
        let tag = RecordTag::v1(&self.meta, &self.value, &version).to_base64();
        let (meta, value) = (STANDARD.encode(&self.meta), STANDARD.encode(&self.value));
        HttpResponse::Ok()
            .insert_header((HASH_HEADER, tag))
            .json(json!({ "meta": meta, "value": value, "version": version }))
    }

    fn tag(&self) -> String {
        RecordTag::v1(&self.meta, &self.value, &format!("{}.0", self.major.max(1))).to_base64()
    }
}

type Records = web::Data<Mutex<BTreeMap<String, Stored>>>;

fn identity(request: &HttpRequest) -> String {
    let header = request.headers().get("Authorization").unwrap().to_str().unwrap();
    let token = header.strip_prefix("Virgil ").unwrap();
    virgil_token::parse(token).unwrap();
    // Tokens of one test are made within a second or two of each other; the identity alone names the record.
    let claims = token.split('.').nth(1).unwrap();
    let claims = strongroom_primitives::encoding::from_base64url(claims).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["sub"].as_str().unwrap().to_owned()
}

async fn fetch(request: HttpRequest, records: Records) -> HttpResponse {
    records.lock().unwrap().entry(identity(&request)).or_default().clone().answer()
}

async fn store(request: HttpRequest, body: web::Json<Value>, records: Records) -> HttpResponse {
    let mut records = records.lock().unwrap();
    let stored = records.entry(identity(&request)).or_default();
    let previous = request.headers().get(PREVIOUS_HASH_HEADER).unwrap().to_str().unwrap();
    if previous != stored.tag() {
        return HttpResponse::BadRequest().json(json!({ "code": 50010, "message": "stale" }));
    }
    let part = |name: &str| STANDARD.decode(body[name].as_str().unwrap()).unwrap();
    let (meta, value) = (part("meta"), part("value"));
    if meta == stored.meta || value == stored.value {
        return HttpResponse::BadRequest().json(json!({ "code": 50008, "message": "one part stood still" }));
    }
    *stored = Stored { meta, value, major: stored.major + 1 };
    stored.answer()
}

/// A server on a thread of its own that lives as long as the test's process.
fn stub() -> SocketAddr {
    let records: Records = web::Data::new(Mutex::default());
    let (address, bound) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                App::new()
                    .app_data(records.clone())
                    .app_data(web::JsonConfig::default().limit(512 * 1024))
                    .route(PATH, web::get().to(fetch))
                    .route(PATH, web::put().to(store))
            };
            let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
            address.send(server.addrs()[0]).unwrap();
            server.run().await.unwrap();
        });
    });
    bound.recv().unwrap()
}

fn connector() -> Arc<dyn Connector> {
    let key = SigningKey::from_seed(&[9; 32]);
    let application = Application { id: "load".to_owned(), key_id: "0123".to_owned(), key };
    Arc::new(KeyknoxConnector::new(stub(), &application))
}

#[tokio::test]
async fn a_client_makes_its_record_and_replaces_and_reads_it() {
    let connector = connector();
    for value_bytes in [1024, 100 * 1024] {
        let mut driver = connector.connect(0, value_bytes).await.unwrap();
        for _ in 0..5 {
            assert_eq!(driver.put().await.unwrap(), Outcome::Done);
            assert_eq!(driver.get().await.unwrap(), Outcome::Done);
        }
    }
}

#[tokio::test]
async fn a_stale_write_is_refused_once_and_a_foreign_change_is_noticed_when_read() {
    let connector = connector();
    let mut one = connector.connect(0, 1024).await.unwrap();
    let mut other = connector.connect(0, 1024).await.unwrap();
    assert_eq!(one.put().await.unwrap(), Outcome::Done);
    assert!(other.get().await.is_err());
    assert_eq!(other.put().await.unwrap(), Outcome::Refused);
    assert_eq!(other.put().await.unwrap(), Outcome::Done);
    assert_eq!(one.put().await.unwrap(), Outcome::Refused);
}

#[tokio::test]
async fn clients_do_not_share_records() {
    let connector = connector();
    let mut one = connector.connect(0, 1024).await.unwrap();
    let mut other = connector.connect(1, 1024).await.unwrap();
    assert_eq!(one.put().await.unwrap(), Outcome::Done);
    assert_eq!(other.put().await.unwrap(), Outcome::Done);
    assert_eq!(one.get().await.unwrap(), Outcome::Done);
}

#[test]
fn a_window_over_the_stub_counts_what_it_did() {
    use crate::run::{Halt, Operation, Pace, Window, measure};
    use std::time::Duration;

    let connector = connector();
    let window = Window {
        operation: Operation::Put,
        value_bytes: 1024,
        clients: 5,
        threads: 2,
        core: None,
        warm_up: Duration::from_millis(50),
        length: Duration::from_millis(300),
        pace: Pace::Closed,
    };
    let halt = Arc::new(Halt::default());
    let mut edges = 0;
    let mut at_edge = || {
        edges += 1;
        edges
    };
    let (sample, first, second) = measure(&connector, &window, &halt, &mut at_edge).unwrap();
    assert_eq!((first, second), (1, 2));
    assert_eq!((sample.failed, sample.refused), (0, 0), "{:?}", sample.first_error);
    assert!(sample.latency.len() > 5);

    let open = Window { pace: Pace::Open { per_second: 200 }, ..window };
    let (sample, _, _) = measure(&connector, &open, &halt, || ()).unwrap();
    let due = 60;
    assert!(sample.latency.len().abs_diff(due) <= 1, "{} of {due} were due", sample.latency.len());
}
