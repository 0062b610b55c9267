//! Two devices of one user: one writes, the other watches, and neither asks again and again whether something is new.
//!
//! Engine, interface and clients live in this one process, over links in memory; over `Client::ws` or `Client::http`
//! the two devices would not notice a difference.
//!
//! Run it: `cargo run --example watch_records`

use std::{error::Error, sync::Arc};

use bytes::Bytes;
use futures_util::StreamExt;
use strongroom_client::{
    Client, ClientOptions, Content, Credentials, Put, Token, Update, WatchOptions,
    wire::{Encoding, What},
};
use strongroom_engine::{
    Credential, Engine, Identity, Rights,
    domains::sessions::IssueBearer,
    ports::{Clock, SystemClock},
};
use strongroom_primitives::{
    id::{RealmId, Subject},
    secret::SecretText,
};
use strongroom_storage::Memory;
use strongroom_transports::{EdgeLimits, Front, memory};

#[actix_rt::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = SystemClock::new();
    let store = Memory::new(Arc::new(move || clock.wall().as_ms()));
    let engine = Engine::builder(Arc::new(store)).start().await?;

    // The operator gives ann a token, which both of her devices use.
    let identity = Identity { realm: RealmId::new("my-service")?, subject: Subject::new("ann")? };
    let issue = IssueBearer { identity, rights: Rights::ALL, life: None, label: "both devices".to_owned() };
    let token = SecretText::new(engine.handle().ask(Credential::Operator, issue).await?.token);

    let front = Front::new(engine.handle().clone(), EdgeLimits::default());
    let device = || -> Result<Client, Box<dyn Error>> {
        let (front, credentials) = (front.clone(), Credentials::given(Token::read(&token)?));
        // Asked for a connection whenever there is none: at first, and after one was lost.
        let dial = move || {
            let link = memory::connect(&front, None, Encoding::Json);
            std::future::ready(Ok::<_, std::io::Error>(link))
        };
        Ok(Client::frames(dial, credentials, ClientOptions::default()))
    };
    let (phone, laptop) = (device()?, device()?);

    // The laptop looks where the feed ends before it reads, so that nothing can fall between reading and watching.
    let after = Some(laptop.feed_end(None, None).await?);
    assert_eq!(laptop.records().get("notes").await?, None);
    let mut updates = laptop.watch(WatchOptions { after, ..WatchOptions::default() });

    // The phone writes, each time over the state that it knows.
    let content =
        |text: &'static str| Content { meta: Bytes::new(), value: Bytes::from_static(text.as_bytes()) };
    let lines = ["milk", "milk, bread", "milk, bread, ink"];
    let writing = async {
        let mut head = phone.records().put(Put::create("notes", content(lines[0]))).await?;
        for line in &lines[1..] {
            head = phone.records().put(Put::replace("notes", content(line), head.tag)).await?;
        }
        Ok::<_, Box<dyn Error>>(head)
    };

    // The laptop is told of each, once and in order, and reads what it is told of.
    let watching = async {
        let mut shown = Vec::new();
        while shown.len() < lines.len() {
            let update = updates.next().await.ok_or("a watch goes on")??;
            let event = match update {
                Update::Event(event) => event,
                Update::Gap { .. } => return Err("nothing is lost that has just happened".into()),
            };
            if let What::RecordPut { name, record_sequence, version, .. } = event.what {
                let then = laptop.records().version(name.clone(), record_sequence).await?;
                let text = String::from_utf8(then.value.0.to_vec())?;
                println!("{}: version {version} is {text:?}", name.join("/"));
                shown.push(text);
            }
        }
        Ok::<_, Box<dyn Error>>(shown)
    };

    let (head, shown) = futures_util::future::try_join(writing, watching).await?;
    assert_eq!(shown, lines);
    assert_eq!(laptop.records().get("notes").await?.ok_or("it was written")?.head, head);
    Ok(())
}
