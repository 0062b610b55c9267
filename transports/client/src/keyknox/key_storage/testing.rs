//! A server of a test's own: the rules of a v1 record in memory, and ways to make it slow, deaf or dishonest.

use std::sync::{Arc, Mutex};

use strongroom_primitives::hash::RecordTag;

use super::*;
use crate::keyknox::envelope::Envelope;
use crate::keyknox::ports::testing::{Counted, Standing};
use crate::keyknox::record::Version;

#[derive(Clone)]
pub(crate) struct Server(Arc<Mutex<State>>);

struct State {
    record: Option<CloudRecord>,
    /// Every state ever shown, for a server that goes back.
    past: Vec<CloudRecord>,
    /// Shown instead of the truth, once each.
    lies: Vec<CloudRecord>,
    /// Writes that another device slips in before the next ones of ours.
    overtakes: Vec<Envelope>,
    /// How many answers to writes are lost and asked for again, as a careful transport would.
    lost_answers: u32,
    writes: u32,
}

fn absent() -> CloudRecord {
    state(Version { major: 1, minor: 0 }, Vec::new(), Vec::new())
}

pub(crate) fn state(version: Version, meta: Vec<u8>, value: Vec<u8>) -> CloudRecord {
    let tag = RecordTag::v1(&meta, &value, &version.to_string());
    CloudRecord { meta, value, version, tag }
}

impl State {
    fn now(&self) -> CloudRecord {
        self.record.clone().unwrap_or_else(absent)
    }

    fn next(&mut self, meta: Vec<u8>, value: Vec<u8>) -> CloudRecord {
        let major = self.record.as_ref().map_or(1, |record| record.version.major + 1);
        let record = state(Version { major, minor: 0 }, meta, value);
        self.past.push(record.clone());
        self.record = Some(record.clone());
        record
    }

    fn put(&mut self, envelope: &Envelope, previous: &RecordTag) -> Result<CloudRecord, StoreError> {
        if self.now().tag != *previous {
            return Err(StoreError::Stale);
        }
        self.writes += 1;
        Ok(self.next(envelope.meta.clone(), envelope.value.clone()))
    }
}

impl Server {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            record: None,
            past: vec![absent()],
            lies: Vec::new(),
            overtakes: Vec::new(),
            lost_answers: 0,
            writes: 0,
        })))
    }

    pub(crate) fn past(&self, at: usize) -> CloudRecord {
        self.0.lock().unwrap().past[at].clone()
    }

    pub(crate) fn now(&self) -> CloudRecord {
        self.0.lock().unwrap().now()
    }

    pub(crate) fn writes(&self) -> u32 {
        self.0.lock().unwrap().writes
    }

    pub(crate) fn lie(&self, record: CloudRecord) {
        self.0.lock().unwrap().lies.push(record);
    }

    pub(crate) fn overtake(&self, envelopes: Vec<Envelope>) {
        self.0.lock().unwrap().overtakes.extend(envelopes);
    }

    pub(crate) fn lose_next_answer(&self) {
        self.0.lock().unwrap().lost_answers += 1;
    }
}

impl RecordStore for Server {
    async fn get(&self) -> Result<CloudRecord, StoreError> {
        let mut state = self.0.lock().unwrap();
        Ok(state.lies.pop().unwrap_or_else(|| state.now()))
    }

    async fn put(&self, envelope: &Envelope, previous: &RecordTag) -> Result<CloudRecord, StoreError> {
        let mut state = self.0.lock().unwrap();
        if let Some(overtake) = state.overtakes.pop() {
            state.next(overtake.meta, overtake.value);
        }
        let answer = state.put(envelope, previous);
        if state.lost_answers > 0 {
            state.lost_answers -= 1;
            return state.put(envelope, previous);
        }
        let lie = state.lies.pop();
        answer.map(|record| lie.unwrap_or(record))
    }

    async fn reset(&self) -> Result<CloudRecord, StoreError> {
        let mut state = self.0.lock().unwrap();
        if let Some(lie) = state.lies.pop() {
            return Ok(lie);
        }
        if state.record.is_none() { Ok(absent()) } else { Ok(state.next(Vec::new(), Vec::new())) }
    }
}

/// Alice, Bob and so on: a number is a person.
pub(crate) fn person(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

pub(crate) fn keys(own: u8, readers: &[u8]) -> UserKeys {
    let readers = readers.iter().map(|number| person(*number).verifying_key()).collect();
    UserKeys::new(person(own), readers).unwrap()
}

/// Ports whose clock stands at `ms` until the caller moves it.
pub(crate) fn ports(ms: u64) -> (Ports, Arc<Standing>) {
    let clock = Arc::new(Standing(Mutex::new(ms)));
    (Ports { clock: clock.clone(), entropy: Arc::new(Counted) }, clock)
}

pub(crate) fn device(server: &Server, keys: UserKeys) -> CloudKeyStorage<Server> {
    CloudKeyStorage::new(server.clone(), keys, ports(1_000).0, CloudLimits::default(), None)
}

pub(crate) fn new_entry(name: &str, data: &str) -> NewEntry {
    NewEntry { name: name.to_owned(), data: Secret::from(data.as_bytes()), meta: None }
}

/// What is kept, as text.
pub(crate) fn shown(entries: &Entries) -> Vec<(String, String)> {
    let text = |entry: &Entry| String::from_utf8(entry.data.expose().to_vec()).unwrap();
    entries.iter().map(|(name, entry)| (name.clone(), text(entry))).collect()
}

/// What should be kept, as text.
pub(crate) fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, data)| ((*name).to_owned(), (*data).to_owned())).collect()
}
