//! An engine inside a program of your own: no socket, no server, no configuration.
//!
//! Run it: `cargo run --example embed`

use std::{error::Error, sync::Arc};

use strongroom_engine::{
    Credential, Engine, EngineError, Rights,
    domains::{
        realms::PutRealm,
        records::{GetRecord, Previous, PutRecord, RecordName},
    },
    ports::{Clock, SystemClock},
};
use strongroom_primitives::id::{RealmId, Subject};
use strongroom_storage::Memory;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // A store that forgets. `strongroom_storage::sled` and `redb` keep what they are given.
    let clock = SystemClock::new();
    let store = Memory::new(Arc::new(move || clock.wall().as_ms()));

    // The engine lives on a thread of its own, so it does not matter what runtime this program uses.
    let engine = Engine::builder(Arc::new(store)).spawn()?;
    let handle = engine.handle();

    // Whoever embeds the engine is its operator and its gateway: it says who is asking, and the engine believes it.
    let realm = RealmId::new("my-service")?;
    handle.ask(Credential::Operator, PutRealm { realm: realm.clone(), rights: Rights::ALL }).await?;
    let ann = Credential::Gateway { realm, subject: Subject::new("ann")? };

    // What is kept is ciphertext that ann's devices made; the engine never looks inside.
    let name = RecordName::new(["wallet", "signing-key"])?;
    let put = |value: &'static str, previous| {
        PutRecord::new(name.clone(), "how to open it".into(), value.into(), previous, Vec::new())
    };
    let first = handle.ask(ann.clone(), put("sealed on the phone", Previous::Absent)).await?;
    println!("the phone wrote version {}", first.version);

    let record = handle.ask(ann.clone(), GetRecord { owner: None, name: name.clone() }).await?;
    assert_eq!(record.value, "sealed on the phone");
    assert_eq!(record.head, first);

    // Two devices have seen the same state. The first to write wins.
    let second = handle.ask(ann.clone(), put("sealed on the laptop", Previous::Tag(first.tag))).await?;
    println!("the laptop wrote version {}", second.version);

    // The other is refused, and shown what it missed, so that it can merge and try again.
    match handle.ask(ann, put("sealed on the phone again", Previous::Tag(first.tag))).await {
        Err(EngineError::StaleRecord { head: Some(head) }) => {
            assert_eq!(*head, second);
            println!("the phone was refused: version {} is there already", head.version);
        }
        other => panic!("a write over a state that is gone must be refused, not {other:?}"),
    }
    Ok(())
}
