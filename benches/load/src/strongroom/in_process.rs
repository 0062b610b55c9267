//! Strongroom inside the test's own process, in memory: what the drivers are tested against. It is the real engine
//! behind the real listener; only the store forgets, which is encrypted, and no rate limit is in the way of a window.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};

use strongroom_engine::domains::realms::{PutRealm, PutRealmKey, RealmKey};
use strongroom_engine::domains::service_keys::{CreateChain, ServiceSecret};
use strongroom_engine::ports::{Clock, Entropy, OsEntropy, SystemClock};
use strongroom_engine::{Credential, Engine, Rights};
use strongroom_primitives::dc1::{ChainId, KeyId};
use strongroom_primitives::id::RealmId;
use strongroom_primitives::secret::SecretText;
use strongroom_primitives::sign::SigningKey;
use strongroom_storage::{Encrypted, Memory, RootKey};
use strongroom_transports::dialects::dragonchain::{Dragonchain, DragonchainOptions, DragonchainRates};
use strongroom_transports::dialects::keyknox::{Keyknox, KeyknoxOptions, RateLimits};
use strongroom_transports::http::{HttpOptions, Listener};
use strongroom_transports::{EdgeLimits, Front, Router};

use super::chain::{CHAIN, MOUNT, ROOT, ROOT_KEY};
use super::token::Application;

/// The application whose key signs the tokens of these tests.
pub(super) fn application() -> Application {
    Application { id: "load".to_owned(), key_id: "0123".to_owned(), key: SigningKey::from_seed(&[9; 32]) }
}

/// A server that trusts that application, on a thread of its own that lives as long as the test's process.
pub(super) fn server() -> SocketAddr {
    let (started, is_started) = mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let clock = Arc::new(SystemClock::new());
            let wall = clock.clone();
            let memory = Memory::new(Arc::new(move || wall.wall().as_ms()));
            let chance = Arc::new(|bytes: &mut [u8]| OsEntropy.fill(bytes));
            let store = Encrypted::open(memory, &RootKey::new([7; 32].into()), chance).await.unwrap();
            let engine = Engine::builder(Arc::new(store)).clock(clock).start().await.unwrap();
            let Application { id, key_id, key } = application();
            let realm = RealmId::new(id).unwrap();
            let public_key = *key.verifying_key().as_bytes();
            let put = PutRealm { realm: realm.clone(), rights: Rights::ALL };
            engine.handle().ask(Credential::Operator, put).await.unwrap();
            let put = PutRealmKey { realm, key: RealmKey { key_id, public_key, rights: Rights::ALL } };
            engine.handle().ask(Credential::Operator, put).await.unwrap();

            let create = CreateChain {
                id: Some(ChainId::new(CHAIN).unwrap()),
                root: Some(KeyId::new(ROOT).unwrap()),
                secret: Some(ServiceSecret::new(SecretText::new(ROOT_KEY.to_owned())).unwrap()),
            };
            engine.handle().ask(Credential::Operator, create).await.unwrap();

            let chains =
                DragonchainOptions { rates: DragonchainRates::NONE, ..DragonchainOptions::default() };
            let options = KeyknoxOptions { rates: RateLimits::NONE, ..KeyknoxOptions::default() };
            let router = Router::builder()
                .native("/v1")
                .mount("/keyknox", Arc::new(Keyknox::new(options)))
                .mount(MOUNT, Arc::new(Dragonchain::new(chains)))
                .build()
                .unwrap();
            let http = HttpOptions {
                bind: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
                workers: 1,
                websocket_path: Some("/v1/ws".to_owned()),
                ..HttpOptions::default()
            };
            let front = Front::new(engine.handle().clone(), EdgeLimits::default());
            let listener = Listener::start(http, front, Arc::new(router)).unwrap();
            started.send(listener.addresses()[0]).unwrap();
            std::future::pending::<()>().await;
        });
    });
    is_started.recv().unwrap()
}
