//! A network between named ends, under a seed: it delays, loses, doubles, reorders and parts.
//!
//! Requests travel as datagrams do: each copy has a fate and a delay of its own, so they overtake each other, and what
//! is lost is lost without a word — the caller waits until its own patience ends. An answer may be lost after its
//! request was carried out. Links travel as streams do: their messages keep their order, wait while their ends are
//! parted, and where a message is lost the link breaks.
//!
//! Equal seeds and equal calls give equal fates, because all chance comes from one generator, everything runs on one
//! thread, and time is tokio's.

use std::{
    cell::RefCell, collections::BTreeMap, collections::BTreeSet, ops::Range, rc::Rc, sync::Arc,
    time::Duration,
};

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use strongroom_engine::Credential;
use tokio::sync::{mpsc, watch};

use super::{
    Link,
    link::{LinkReceiver, LinkSender, link},
};
use crate::{
    Front, Router,
    exchange::{Request, Response},
    ws::{self, Message, Opening, Tongue},
};

/// How bad the network is.
#[derive(Debug, Clone, PartialEq)]
pub struct Weather {
    /// How long a message is under way. An empty range means its start.
    pub delay: Range<Duration>,
    /// The chance, from 0 to 1, that a message is lost.
    pub lose: f64,
    /// The chance, from 0 to 1, that a request arrives twice.
    pub duplicate: f64,
}

impl Weather {
    /// Everything arrives, once, at once.
    pub const CALM: Self = Self { delay: Duration::ZERO..Duration::ZERO, lose: 0.0, duplicate: 0.0 };
}

#[derive(Clone)]
struct End {
    front: Front,
    router: Arc<Router>,
}

struct State {
    dice: ChaCha8Rng,
    weather: Weather,
    /// Pairs of ends of which the first does not reach the second.
    parted: BTreeSet<(String, String)>,
    ends: BTreeMap<String, End>,
}

/// The network. Cheap to clone; all clones are one network. For one thread, which must run an `actix_rt` arbiter.
#[derive(Clone)]
pub struct Network {
    state: Rc<RefCell<State>>,
    /// Raised when ends are parted or brought together, and when links are cut.
    changes: Rc<watch::Sender<Cuts>>,
}

/// How often the links between two ends have been cut.
type Cuts = BTreeMap<(String, String), u64>;

impl Network {
    /// A calm network whose chances belong to `seed`.
    pub fn new(seed: u64) -> Self {
        let state = State {
            dice: ChaCha8Rng::seed_from_u64(seed),
            weather: Weather::CALM,
            parted: BTreeSet::new(),
            ends: BTreeMap::new(),
        };
        Self { state: Rc::new(RefCell::new(state)), changes: Rc::new(watch::Sender::new(Cuts::new())) }
    }

    /// Serves at `name` from now on, in place of whoever did before.
    pub fn serve(&self, name: &str, front: Front, router: Arc<Router>) {
        self.state.borrow_mut().ends.insert(name.to_owned(), End { front, router });
    }

    /// Nobody serves at `name` any more: requests there vanish. What it had begun goes on, as on a host whose cable
    /// was pulled.
    pub fn remove(&self, name: &str) {
        self.state.borrow_mut().ends.remove(name);
    }

    /// The weather from now on. Messages under way keep their fates.
    pub fn set_weather(&self, weather: Weather) {
        self.state.borrow_mut().weather = weather;
    }

    /// Parts two ends: nothing arrives from either at the other.
    pub fn part(&self, one: &str, other: &str) {
        self.part_one_way(one, other);
        self.part_one_way(other, one);
    }

    /// Parts two ends in one direction: nothing arrives from `from` at `to`.
    pub fn part_one_way(&self, from: &str, to: &str) {
        self.state.borrow_mut().parted.insert((from.to_owned(), to.to_owned()));
    }

    /// Brings all ends together again.
    pub fn heal(&self) {
        self.state.borrow_mut().parted.clear();
        self.changes.send_modify(|_| ());
    }

    /// Breaks every link between two ends, noticed by both at once.
    pub fn cut(&self, one: &str, other: &str) {
        self.changes.send_modify(|cuts| *cuts.entry(pair(one, other)).or_default() += 1);
    }

    /// Sends a request and waits for its answer: for ever, if either is lost. Dropping the wait takes nothing back.
    pub async fn request(&self, from: &str, to: &str, request: Request) -> Response {
        let (answered, mut answers) = mpsc::channel(2);
        let copies = 1 + usize::from(self.happens(|weather| weather.duplicate));
        for _ in 0..copies {
            let (network, request, answered) = (self.clone(), request.clone(), answered.clone());
            let (from, to) = (from.to_owned(), to.to_owned());
            let way = self.way();
            actix_rt::spawn(async move {
                if !network.arrives(way, &from, &to).await {
                    return;
                }
                let Some(end) = network.end(&to) else { return };
                let response = end.router.answer(&end.front, request).await;
                let way = network.way();
                if network.arrives(way, &to, &from).await {
                    // The caller may have an answer already, or none of its patience left.
                    let _ = answered.try_send(response);
                }
            });
        }
        drop(answered);
        match answers.recv().await {
            Some(response) => response,
            None => std::future::pending().await,
        }
    }

    /// Opens a link between two ends. `None` if nobody serves there or the ends are parted.
    pub fn connect(
        &self,
        from: &str,
        to: &str,
        credential: Option<Credential>,
        tongue: impl Into<Tongue>,
    ) -> Option<Link> {
        let tongue = tongue.into();
        let (there, back) = ((from.to_owned(), to.to_owned()), (to.to_owned(), from.to_owned()));
        let is_parted = |way| self.state.borrow().parted.contains(way);
        if is_parted(&there) || is_parted(&back) {
            return None;
        }
        let end = self.end(to)?;
        let (near, near_receiver, near_sender) = link(tongue.encoding);
        let (far_out, far_receiver) = mpsc::channel(1);
        let (far_sender, far_in) = mpsc::channel(1);
        let cut = Rc::new(watch::Sender::new(false));
        self.relay(there, near_receiver.0, far_out, cut.clone());
        self.relay(back, far_in, near_sender.0, cut);
        let (receiver, sender) = (LinkReceiver(far_receiver), LinkSender(far_sender));
        let opening = Opening { credential, tongue, ..Opening::default() };
        actix_rt::spawn(async move { ws::serve(&end.front, receiver, sender, opening).await });
        Some(near)
    }

    /// Carries messages one way, in order, until the link breaks or either end lets go. `broken` is shared by both
    /// directions: they break together.
    fn relay(
        &self,
        way: (String, String),
        mut from: mpsc::Receiver<Message>,
        to: mpsc::Sender<Message>,
        broken: Rc<watch::Sender<bool>>,
    ) {
        let network = self.clone();
        let mut changes = self.changes.subscribe();
        let key = pair(&way.0, &way.1);
        let cuts = move |cuts: &Cuts| cuts.get(&key).copied().unwrap_or(0);
        let cuts_before = cuts(&changes.borrow_and_update());
        actix_rt::spawn(async move {
            let mut breaking = broken.subscribe();
            let carry = async {
                while let Some(message) = from.recv().await {
                    let Some(delay) = network.way() else { return };
                    tokio::time::sleep(delay).await;
                    let together = |_: &Cuts| !network.state.borrow().parted.contains(&way);
                    let mut parting = network.changes.subscribe();
                    if parting.wait_for(together).await.is_err() || to.send(message).await.is_err() {
                        return;
                    }
                }
            };
            tokio::select! {
                biased;
                _ = breaking.wait_for(|broken| *broken) => {}
                _ = changes.wait_for(|now| cuts(now) != cuts_before) => {}
                () = carry => {}
            }
            broken.send_replace(true);
        });
    }

    fn happens(&self, chance: impl Fn(&Weather) -> f64) -> bool {
        let state = &mut *self.state.borrow_mut();
        state.dice.happens(chance(&state.weather))
    }

    /// The fate of a message: how long it is under way, or `None` if it is lost.
    fn way(&self) -> Option<Duration> {
        let state = &mut *self.state.borrow_mut();
        let Range { start, end } = state.weather.delay.clone();
        let spread = u64::try_from(end.saturating_sub(start).as_micros()).unwrap_or(u64::MAX);
        let more = if spread == 0 { 0 } else { state.dice.next_u64() % spread };
        let lost = state.dice.happens(state.weather.lose);
        (!lost).then(|| start + Duration::from_micros(more))
    }

    /// Waits until a message arrives; false if it does not.
    async fn arrives(&self, way: Option<Duration>, from: &str, to: &str) -> bool {
        let Some(delay) = way else { return false };
        tokio::time::sleep(delay).await;
        !self.state.borrow().parted.contains(&(from.to_owned(), to.to_owned()))
    }

    fn end(&self, name: &str) -> Option<End> {
        self.state.borrow().ends.get(name).cloned()
    }
}

/// The same for both directions.
fn pair(one: &str, other: &str) -> (String, String) {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    (first.to_owned(), second.to_owned())
}

trait Dice {
    /// Whether something of this chance happens now.
    fn happens(&mut self, chance: f64) -> bool;
}

impl Dice for ChaCha8Rng {
    // 53 bits fit a double exactly.
    fn happens(&mut self, chance: f64) -> bool {
        ((self.next_u64() >> 11) as f64) < chance * (1_u64 << 53) as f64
    }
}
