//! What every transport and every dialect is given to work with.

use std::{
    sync::{Arc, LazyLock, OnceLock},
    time::Duration,
};

use strongroom_engine::EngineHandle;
use tokio::sync::watch;

use crate::{
    PublicUrls,
    native::people::{People, PeopleOptions},
};

/// Limits at the edge, beside the engine's own. Sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeLimits {
    /// The largest request body: 512 KiB, as dialects/keyknox.md section 6 asks.
    pub body_bytes_max: usize,
    /// How deep JSON may nest.
    pub json_depth_max: usize,
    /// How long a request may take from its last byte to its answer.
    pub request_within: Duration,
    /// Subscriptions of one connection.
    pub subscriptions_max: usize,
    /// Questions of one connection that wait for their answers.
    pub asks_in_flight_max: usize,
}

impl Default for EdgeLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 512 * 1024,
            json_depth_max: 32,
            request_within: Duration::from_secs(10),
            subscriptions_max: 64,
            asks_in_flight_max: 256,
        }
    }
}

/// The engine's front door and the limits at the edge. Cheap to clone.
#[derive(Clone)]
pub struct Front {
    engine: EngineHandle,
    limits: Arc<EdgeLimits>,
    people: Arc<People>,
    public_urls: Arc<OnceLock<PublicUrls>>,
    closing: Arc<watch::Sender<bool>>,
}

impl Front {
    /// A front for `engine`, with people where [`PeopleOptions::default`] says.
    pub fn new(engine: EngineHandle, limits: EdgeLimits) -> Self {
        Self {
            engine,
            limits: Arc::new(limits),
            people: Arc::new(People::new(PeopleOptions::default())),
            public_urls: Arc::default(),
            closing: Arc::new(watch::Sender::new(false)),
        }
    }

    /// The same with people elsewhere. Their rates are counted over all that is reached through this front and its
    /// clones.
    #[must_use]
    pub fn with_people(self, options: PeopleOptions) -> Self {
        Self { people: Arc::new(People::new(options)), ..self }
    }

    /// Says by which URLs clients reach the server: once, when it is known where the listeners are. Until then no signed
    /// request is for this server. Holds for every clone of this front.
    pub fn reached_by(&self, urls: PublicUrls) {
        // Whoever says it first is right: it does not change while requests are served.
        let _ = self.public_urls.set(urls);
    }

    /// By which URLs clients reach the server; none while nobody has said so.
    pub(crate) fn public_urls(&self) -> &PublicUrls {
        static NONE: LazyLock<PublicUrls> = LazyLock::new(PublicUrls::default);
        self.public_urls.get().unwrap_or(&NONE)
    }

    /// The engine.
    pub fn engine(&self) -> &EngineHandle {
        &self.engine
    }

    /// The limits at the edge.
    pub fn limits(&self) -> &EdgeLimits {
        &self.limits
    }

    /// People.
    pub(crate) fn people(&self) -> &People {
        &self.people
    }

    /// A front for use on this thread only; see [`EngineHandle::at_home`].
    #[must_use]
    pub fn at_home(&self) -> Self {
        Self { engine: self.engine.at_home(), ..self.clone() }
    }

    /// Tells everybody who keeps a connection or a waiting request open that the server is going down: connections
    /// take no further question, finish what is in flight and close with 1001; waiting requests answer at once. Holds
    /// for every clone of this front.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Returns once [`Front::close`] was called on any clone.
    pub async fn closing(&self) {
        // The sender is ours, so it outlives the wait.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }
}
