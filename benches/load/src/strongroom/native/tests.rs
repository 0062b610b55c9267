//! The driver against a small server that speaks the frames of the native interface for one record per token.

use std::sync::{Arc, Mutex};
use std::{collections::BTreeMap, sync::mpsc};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actix_ws::Message;
use futures_util::StreamExt;
use strongroom_primitives::hash::RecordTag;
use strongroom_primitives::id::{AccountId, Subject};
use strongroom_primitives::sign::SigningKey;
use strongroom_primitives::time::Timestamp;
use strongroom_wire::{
    Base64Bytes, ClientFrame, Encoding, Operation, Previous, Problem, RecordDocument, RecordHead,
    Reply as WireReply, ServerFrame,
};

use super::*;

type Records = web::Data<Mutex<BTreeMap<String, RecordDocument>>>;

fn answer(
    records: &mut BTreeMap<String, RecordDocument>,
    caller: &str,
    operation: Operation,
) -> Result<WireReply, Box<Problem>> {
    match operation {
        Operation::GetRecord { owner: None, .. } => match records.get(caller) {
            Some(record) => Ok(WireReply::Record(record.clone())),
            None => Err(Box::new(Problem::new(404, "unknown_record", "there is no such record"))),
        },
        Operation::PutRecord { name, meta, value, previous, .. } => {
            let head = records.get(caller).map(|record| record.head.clone());
            let fits = match (&head, previous) {
                (None, Some(Previous::Absent)) => true,
                (Some(head), Some(Previous::Tag(tag))) => head.tag == tag,
                _ => false,
            };
            if !fits {
                let mut problem = Problem::new(412, "stale_record", "the record has changed");
                problem.head = head.map(Box::new);
                return Err(Box::new(problem));
            }
            let head = RecordHead {
                name,
                owner: Subject::new("somebody").unwrap(),
                sequence: head.map_or(0, |head| head.sequence) + 1,
                version: "1.0".to_owned(),
                tag: RecordTag::v2(&meta.0, &value.0),
                chain: Base64Bytes::default(),
                written: Timestamp::from_ms(0),
                recipients: Vec::new(),
            };
            records.insert(caller.to_owned(), RecordDocument { head: head.clone(), meta, value });
            Ok(WireReply::Head(head))
        }
        other => panic!("the load never asks {other:?}"),
    }
}

async fn upgrade(
    request: HttpRequest,
    body: web::Payload,
    records: Records,
) -> actix_web::Result<HttpResponse> {
    let caller = request.headers().get("Authorization").unwrap().to_str().unwrap().to_owned();
    assert!(caller.starts_with("Virgil "));
    let (response, mut session, mut frames) = actix_ws::handle(&request, body)?;
    let text = |frame: &ServerFrame| String::from_utf8(Encoding::Json.write(frame).to_vec()).unwrap();
    actix_web::rt::spawn(async move {
        let subject = Subject::new("somebody").unwrap();
        let account = AccountId::from_bytes([0; 16]);
        session.text(text(&ServerFrame::Welcome { account, subject })).await.unwrap();
        while let Some(Ok(Message::Text(frame))) = frames.next().await {
            let frame: ClientFrame = Encoding::Json.read(frame.as_bytes()).unwrap();
            let reply = match frame {
                ClientFrame::Ask { id, operation, .. } => {
                    match answer(&mut records.lock().unwrap(), &caller, operation) {
                        Ok(reply) => ServerFrame::Answer { id, reply },
                        Err(problem) => ServerFrame::Problem { id: Some(id), problem },
                    }
                }
                ClientFrame::Subscribe { id, subscription, .. } => {
                    ServerFrame::Subscribed { id, subscription, after: 0 }
                }
                other => panic!("the load never sends {other:?}"),
            };
            session.text(text(&reply)).await.unwrap();
        }
    });
    Ok(response)
}

/// A server on a thread of its own that lives as long as the test's process.
fn stub() -> SocketAddr {
    let records: Records = web::Data::new(Mutex::default());
    let (address, bound) = mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || App::new().app_data(records.clone()).route(PATH, web::get().to(upgrade));
            let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
            address.send(server.addrs()[0]).unwrap();
            server.run().await.unwrap();
        });
    });
    bound.recv().unwrap()
}

fn application() -> Application {
    Application { id: "load".to_owned(), key_id: "0123".to_owned(), key: SigningKey::from_seed(&[9; 32]) }
}

#[tokio::test]
async fn a_client_makes_its_record_and_replaces_and_reads_it() {
    let connector: Arc<dyn Connector> = Arc::new(NativeConnector::new(stub(), &application()));
    let mut driver = connector.connect(0, 1024).await.unwrap();
    for _ in 0..5 {
        assert_eq!(driver.put().await.unwrap(), Outcome::Done);
        assert_eq!(driver.get().await.unwrap(), Outcome::Done);
    }
}

#[tokio::test]
async fn a_subscriber_is_welcomed_and_subscribed() {
    let mut link = Link::open(stub(), &application(), "subscriber-0").await.unwrap();
    link.subscribe().await.unwrap();
}

#[test]
fn a_stale_write_gives_the_present_tag_and_a_missing_record_its_absence() {
    let stale =
        r#"{"problem":{"id":3,"problem":{"status":412,"code":"stale_record","head":{"tag":"abc="}}}}"#;
    assert_eq!(read_reply(stale).unwrap(), Reply::Stale("abc=".to_owned()));
    let absent = r#"{"problem":{"id":3,"problem":{"status":404,"code":"unknown_record"}}}"#;
    assert_eq!(read_reply(absent).unwrap(), Reply::Absent);
}

#[test]
fn any_other_problem_is_an_error_with_its_text() {
    let busy = r#"{"problem":{"id":3,"problem":{"status":503,"code":"overloaded"}}}"#;
    assert!(read_reply(busy).unwrap_err().to_string().contains("overloaded"));
    assert!(read_reply("no frame").is_err());
}
