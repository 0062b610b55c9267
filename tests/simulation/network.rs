//! Devices that reach the nodes over a bad network: messages are lost, doubled, reordered, late by half a minute, and
//! ends are parted (F-12, A-BUS-04). What they speak is the native interface, through the same router as a socket's.

use std::{cell::Cell, collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use strongroom_engine::{
    Credential,
    domains::records::{Previous, RecordName, Version},
};
use strongroom_primitives::{encoding, hash};
use strongroom_testkit::{
    Dice, Plan, World,
    checkers::feed::{Heard, check},
    history::{Call, Outcome, Shown, State, Wanted, authorship, content},
    over, record, seeds, simulate,
};
use strongroom_transports::{
    EdgeLimits, Front, Router,
    exchange::{HeaderMap, HeaderName, Method, Peer, Request, Response, header},
    memory::{Network, Weather},
};
use strongroom_wire::{
    ClientFrame, Encoding, Event, FeedPage, Problem, RecordDocument, RecordHead, ServerFrame, What,
};

/// The nodes of a world behind a network.
struct Site<'w> {
    world: &'w World,
    network: Network,
    router: Arc<Router>,
    token: String,
}

fn name_of(node: usize) -> String {
    format!("node-{node}")
}

impl<'w> Site<'w> {
    async fn open(world: &'w World) -> Self {
        let (issued, _) = world.bearer("ann", None).await;
        let router = Router::builder().native("/v1").build().expect("one mount is no conflict");
        let site =
            Self { world, network: Network::new(world.seed), router: Arc::new(router), token: issued.token };
        for node in 0..world.node_count() {
            site.serve(node);
        }
        site
    }

    /// Connects a node that is up to the network.
    fn serve(&self, node: usize) {
        let front = Front::new(self.world.up(node), EdgeLimits::default());
        self.network.serve(&name_of(node), front, self.router.clone());
    }

    /// Anything from a little rain to a storm.
    fn bad_weather(dice: &Dice) -> Weather {
        let slowest = *dice.pick(&[5, 80, 400, 1_500, 30_000]);
        let share = |most: u64| dice.within(0..=most) as f64 / 100.0;
        Weather {
            delay: Duration::ZERO..Duration::from_millis(slowest),
            lose: share(20),
            duplicate: share(40),
        }
    }

    /// Changes the weather, parts ends and brings them together, kills nodes and starts them, until `done`.
    async fn storm(&self, devices: usize, done: &Cell<bool>) {
        let (world, dice) = (self.world, self.world.dice("storm"));
        while !done.get() {
            self.network.set_weather(Self::bad_weather(&dice));
            world.wait(dice.ms(100..=4_000)).await;
            let (node, device) = (dice.index(world.node_count()), dice.index(devices));
            match dice.below(4) {
                0 => self.network.part(&name_of(node), &device_name(device)),
                1 => self.network.part_one_way(&name_of(node), &device_name(device)),
                2 => {
                    self.network.cut(&name_of(node), &device_name(device));
                    self.network.heal();
                }
                _ => {
                    self.network.remove(&name_of(node));
                    world.kill(node, dice.chance(50));
                    world.wait(dice.ms(0..=1_000)).await;
                    world.start(node).await;
                    self.serve(node);
                }
            }
        }
        self.network.heal();
        self.network.set_weather(Weather::CALM);
    }
}

fn device_name(number: usize) -> String {
    format!("device-{number}")
}

/// A device that speaks the native interface.
struct Device<'a> {
    site: &'a Site<'a>,
    number: usize,
    dice: Dice,
}

impl<'a> Device<'a> {
    fn new(site: &'a Site<'a>, number: usize) -> Self {
        Self { site, number, dice: site.world.dice(&device_name(number)) }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        more: &[(HeaderName, String)],
        body: String,
    ) -> Option<Response> {
        let mut headers = HeaderMap::new();
        let authorization = (header::AUTHORIZATION, format!("Bearer {}", self.site.token));
        for (name, value) in [authorization].iter().chain(more) {
            headers.insert(name.clone(), value.parse().expect("a good header"));
        }
        let (path, query) =
            path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query.into())));
        let request = Request {
            method,
            path: path.into(),
            query,
            headers,
            body: body.into(),
            peer: Peer::default(),
            request_id: "simulated".into(),
        };
        let node = name_of(self.dice.index(self.site.world.node_count()));
        let me = device_name(self.number);
        let patience = *self.dice.pick(&[400, 2_000, 2_000, 40_000]);
        let answer = self.site.network.request(&me, &node, request);
        tokio::time::timeout(Duration::from_millis(patience), answer).await.ok()
    }

    fn note(
        &self,
        operation: u64,
        name: &RecordName,
        wanted: Wanted,
        invoked: Duration,
        outcome: Outcome,
    ) -> Outcome {
        self.site.world.history.note(Call {
            client: self.number,
            operation,
            record: name.clone(),
            wanted,
            invoked,
            returned: self.site.world.now(),
            outcome: outcome.clone(),
        });
        outcome
    }

    async fn read(&self, name: &RecordName) -> Outcome {
        let (operation, invoked) = (self.site.world.next_operation(), self.site.world.now());
        let outcome = match self.send(Method::GET, &path_of(name), &[], String::new()).await {
            None => Outcome::Unknown,
            Some(response) if response.status == 200 => {
                let document: RecordDocument = read(&response);
                let content = Some(authorship(&document.meta.0, &document.value.0));
                Outcome::Shown(State { content, ..state(&document.head) })
            }
            Some(response) => match refusal(&response) {
                Outcome::Refused { code: "unknown-record", .. } => Outcome::Absent,
                other => other,
            },
        };
        self.note(operation, name, Wanted::Read, invoked, outcome)
    }

    async fn put(&self, name: &RecordName, previous: Previous) -> Outcome {
        let operation = self.site.world.next_operation();
        let (meta, value) = content(operation);
        let (meta, value) = (encoding::to_base64(&meta), encoding::to_base64(&value));
        let body = format!(r#"{{"meta":"{meta}","value":"{value}"}}"#);
        let told = |response: &Response| Outcome::Shown(state(&read::<RecordHead>(response)));
        self.see_through(operation, name, Wanted::Put(previous), Method::PUT, body, told).await
    }

    async fn delete(&self, name: &RecordName, previous: Previous) -> Outcome {
        let operation = self.site.world.next_operation();
        let told = |_: &Response| Outcome::Deleted(1);
        self.see_through(operation, name, Wanted::Reset(previous), Method::DELETE, String::new(), told).await
    }

    /// Sends until there is an answer or no patience left, always under one idempotency key.
    async fn see_through(
        &self,
        operation: u64,
        name: &RecordName,
        wanted: Wanted,
        method: Method,
        body: String,
        told: impl Fn(&Response) -> Outcome,
    ) -> Outcome {
        let (Wanted::Put(previous) | Wanted::Reset(previous)) = &wanted else { unreachable!("only writes") };
        let condition = match previous {
            Previous::Tag(tag) => (header::IF_MATCH, format!("\"{}\"", tag.to_base64())),
            _ => (header::IF_NONE_MATCH, "*".to_owned()),
        };
        // A tag never comes back, so a refusal over a tag is one for every copy that is still under way. Absence does.
        let comes_back = !matches!(previous, Previous::Tag(_));
        let key = (HeaderName::from_static("idempotency-key"), encoding::to_hex(&self.dice.bytes::<16>()));
        let mut headers = vec![condition, key];
        if !body.is_empty() {
            headers.push((header::CONTENT_TYPE, "application/json".to_owned()));
        }
        let invoked = self.site.world.now();
        let mut outcome = Outcome::Unknown;
        for _ in 0..self.dice.within(1..=4) {
            outcome = match self.send(method.clone(), &path_of(name), &headers, body.clone()).await {
                None => Outcome::Unknown,
                Some(response) if response.status.is_success() => told(&response),
                Some(response) => refusal(&response),
            };
            match &outcome {
                Outcome::Refused { shown: Some(_), .. } => break,
                // What was refused for a reason that passes may be under way in another copy.
                Outcome::Refused { .. } | Outcome::Unknown => outcome = Outcome::Unknown,
                _ => break,
            }
            self.site.world.wait(self.dice.ms(0..=500)).await;
        }
        // The network doubles messages too, so even one that was sent once may be under way still.
        if matches!(outcome, Outcome::Refused { .. }) && comes_back {
            outcome = Outcome::Unknown;
        }
        self.note(operation, name, wanted, invoked, outcome)
    }
}

fn path_of(name: &RecordName) -> String {
    format!("/v1/records/{}", name.parts().join("/"))
}

fn read<T: serde::de::DeserializeOwned>(response: &Response) -> T {
    serde_json::from_slice(&response.body)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&response.body)))
}

fn state(head: &RecordHead) -> State {
    let (major, minor) = head.version.split_once('.').expect("a version has two parts");
    State {
        sequence: head.sequence,
        version: Version { major: major.parse().expect("a number"), minor: minor.parse().expect("a number") },
        tag: *head.tag.as_bytes(),
        chain: head.chain.0[..].try_into().expect("a chain has 32 bytes"),
        content: None,
    }
}

fn refusal(response: &Response) -> Outcome {
    let problem: Problem = read(response);
    assert_ne!(problem.code.as_str(), "fault", "{problem}");
    let shown = problem.head.as_deref().map(|head| Shown::State(state(head)));
    match problem.code.as_str() {
        "stale-record" => {
            Outcome::Refused { code: "stale-record", shown: Some(shown.unwrap_or(Shown::Absent)) }
        }
        "unknown-record" => Outcome::Refused { code: "unknown-record", shown: None },
        _ => Outcome::Refused { code: "other", shown: None },
    }
}

fn three_nodes(dice: &Dice) -> Plan {
    let mut plan = Plan::rough(dice).with_latency_ms(0..=40);
    plan.clocks_off_by_ms = vec![0, 150, -150];
    // Much of the time is spent waiting for what was lost; sweeping through it would be most of the work.
    plan.limits.sweep_interval = Duration::from_secs(30);
    plan
}

/// F-12, A-BUS-04: every write is done once or not at all, however often and in whatever order its copies arrive, and
/// half a minute late.
#[test]
fn lost_doubled_late_and_reordered_messages_leave_one_history() {
    simulate(seeds(0..200), three_nodes, async |world| {
        let site = Site::open(world).await;
        let (record, done) = (record("notes"), Cell::new(false));
        let devices: Vec<Device<'_>> = (0..3).map(|number| Device::new(&site, number)).collect();
        let busy = async {
            futures_util::future::join_all(devices.iter().map(async |device| {
                for _ in 0..6 {
                    match device.read(&record).await {
                        Outcome::Shown(state) if device.dice.chance(20) => {
                            device.delete(&record, over(&state)).await;
                        }
                        Outcome::Shown(state) => {
                            device.put(&record, over(&state)).await;
                        }
                        Outcome::Absent => {
                            device.put(&record, Previous::Absent).await;
                        }
                        _ => {}
                    }
                }
            }))
            .await;
            done.set(true);
        };
        futures_util::future::join(busy, site.storm(devices.len(), &done)).await;
        // Whatever is still under way arrives.
        world.wait(Duration::from_secs(90)).await;
        world.conclude("ann").await;
    });
}

/// Somebody who follows a feed over a link, and opens a new one where the old one breaks.
struct Listener<'a> {
    site: &'a Site<'a>,
    number: usize,
    dice: Dice,
    cursor: Cell<u64>,
    heard: std::cell::RefCell<Vec<Heard<What>>>,
    disconnects: Cell<u64>,
}

impl Listener<'_> {
    async fn listen(&self, until: &Cell<Option<u64>>) {
        while until.get().is_none_or(|last| self.cursor.get() < last) {
            self.one_link(until).await;
            self.disconnects.set(self.disconnects.get() + 1);
            self.site.world.wait(self.dice.ms(1..=300)).await;
        }
    }

    async fn one_link(&self, until: &Cell<Option<u64>>) -> Option<()> {
        let node = name_of(self.dice.index(self.site.world.node_count()));
        let encoding = *self.dice.pick(&[Encoding::Json, Encoding::Cbor]);
        let credential = Credential::bearer(hash::sha256(self.site.token.as_bytes()));
        let me = device_name(self.number);
        let mut link = self.site.network.connect(&me, &node, Some(credential), encoding)?;
        let after = self.cursor.get();
        let subscribe =
            ClientFrame::Subscribe { id: 1, subscription: 9, owner: None, record: None, after: Some(after) };
        link.send(encoding.write(&subscribe)).await.ok()?;
        for _ in 0..self.dice.within(1..=12) {
            if until.get().is_some_and(|last| self.cursor.get() >= last) {
                return None;
            }
            let frame = tokio::time::timeout(Duration::from_secs(8), link.next()).await.ok()??;
            let mut heard = self.heard.borrow_mut();
            match encoding.read::<ServerFrame>(&frame).expect("the server sends frames") {
                ServerFrame::Welcome { .. } | ServerFrame::WelcomeKey { .. } => {}
                ServerFrame::Subscribed { after, .. } => heard.push(Heard::Began(after)),
                ServerFrame::Push { event: Event { sequence, what, .. }, .. } => {
                    self.cursor.set(sequence);
                    heard.push(Heard::Event(sequence, what));
                }
                ServerFrame::Gap { after, .. } => {
                    self.cursor.set(after);
                    heard.push(Heard::Gap(after));
                }
                // The store has bad days; a follower asks again.
                ServerFrame::Problem { .. } | ServerFrame::Ended { .. } => return None,
                other @ ServerFrame::Answer { .. } => panic!("nobody asked for {other:?}"),
            }
        }
        None
    }
}

/// A-REC-12 over links: whatever breaks, no event is missed and none comes twice. More than 1,000 links in all.
#[test]
fn a_follower_over_links_that_break_misses_nothing_and_hears_nothing_twice() {
    let (links, worlds) = (Cell::new(0), Cell::new(0));
    simulate(seeds(1_000..1_100), three_nodes, async |world| {
        let site = Site::open(world).await;
        let (record, done, end) = (record("notes"), Cell::new(false), Cell::new(None));
        let writer = Device::new(&site, 0);
        let listeners: Vec<Listener<'_>> = (1..3)
            .map(|number| Listener {
                site: &site,
                number,
                dice: world.dice(&format!("listener {number}")),
                cursor: Cell::new(0),
                heard: Default::default(),
                disconnects: Cell::new(0),
            })
            .collect();
        let mut feed = BTreeMap::new();
        let work = async {
            let busy = async {
                for _ in 0..10 {
                    match writer.read(&record).await {
                        Outcome::Shown(state) => {
                            writer.put(&record, over(&state)).await;
                        }
                        Outcome::Absent => {
                            writer.put(&record, Previous::Absent).await;
                        }
                        _ => {}
                    }
                }
                done.set(true);
            };
            futures_util::future::join(busy, site.storm(3, &done)).await;
            world.calm();
            world.wait(Duration::from_secs(90)).await;
            let mut after = 0;
            loop {
                let path = format!("/v1/feed?after={after}&limit=100");
                let response = writer.send(Method::GET, &path, &[], String::new()).await.expect("calm");
                let page: FeedPage = read(&response);
                feed.extend(page.events.into_iter().map(|event| (event.sequence, event.what)));
                after = page.next_after;
                if after >= page.head {
                    break;
                }
            }
            end.set(Some(after));
        };
        let listening =
            futures_util::future::join_all(listeners.iter().map(|listener| listener.listen(&end)));
        futures_util::future::join(work, listening).await;
        let feed: Vec<(u64, What)> = feed.into_iter().collect();
        for listener in &listeners {
            let heard = listener.heard.borrow();
            match check(&feed, &heard, |_| true) {
                Ok(until) => assert_eq!(Some(until), end.get()),
                Err(violation) => panic!("{violation}\n{heard:#?}"),
            }
            links.set(links.get() + listener.disconnects.get());
        }
        worlds.set(worlds.get() + 1);
    });
    assert!(
        links.get() >= 10 * worlds.get(),
        "{} links in {} worlds do not test much",
        links.get(),
        worlds.get()
    );
}
