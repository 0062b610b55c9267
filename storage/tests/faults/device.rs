//! A disk in memory that can lose power, fail and lie.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use redb::StorageBackend;

use crate::store::mix;

/// What a torn write is torn along, in bytes.
const SECTOR: usize = 512;

/// The disk. Clones share it, so the test keeps one while redb has the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What a power cut leaves for certain.
    durable: Vec<u8>,
    /// What a read sees.
    visible: Vec<u8>,
    /// What was done since the last sync, in order.
    unsynced: Vec<Change>,
    /// How many more changes and syncs there are before the power goes; none: it stays.
    changes_left: Option<u64>,
    /// Reads fail.
    fails_reads: bool,
    /// Every so many reads one bit comes back wrong; 0: never.
    lies_every: u64,
    reads: u64,
}

#[derive(Debug, Clone)]
enum Change {
    Length(usize),
    Bytes(usize, Vec<u8>),
}

impl Change {
    fn apply(&self, disk: &mut Vec<u8>) {
        match self {
            Self::Length(bytes) => disk.resize(*bytes, 0),
            Self::Bytes(at, bytes) => {
                if disk.len() < at + bytes.len() {
                    disk.resize(at + bytes.len(), 0);
                }
                disk[*at..at + bytes.len()].copy_from_slice(bytes);
            }
        }
    }
}

impl Disk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds the disk")
    }

    /// Lets the power go after so many more changes.
    pub(crate) fn cut_power_after(&self, changes: u64) {
        self.state().changes_left = Some(changes);
    }

    /// The disk after the power cut: all that was synced, and of the rest what the seed leaves, in any order, whole
    /// or torn along sectors.
    pub(crate) fn after_power_cut(&self, seed: u64) -> Self {
        let state = self.state();
        let mut left = state.durable.clone();
        let mut order: Vec<usize> = (0..state.unsynced.len()).collect();
        order.sort_by_key(|at| mix(seed, *at as u64));
        for at in order {
            let change = &state.unsynced[at];
            match (mix(seed, 1_000_000 + at as u64) % 4, change) {
                (0, _) => {}
                (1, Change::Bytes(start, bytes)) => {
                    for (sector, piece) in bytes.chunks(SECTOR).enumerate() {
                        if mix(mix(seed, at as u64), sector as u64).is_multiple_of(2) {
                            Change::Bytes(start + sector * SECTOR, piece.to_vec()).apply(&mut left);
                        }
                    }
                }
                _ => change.apply(&mut left),
            }
        }
        let state = State { durable: left.clone(), visible: left, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Makes every read fail, or none.
    pub(crate) fn fail_reads(&self, fails: bool) {
        self.state().fails_reads = fails;
    }

    /// Makes one bit of every so many reads wrong.
    pub(crate) fn lie_every(&self, reads: u64) {
        self.state().lies_every = reads;
    }

    fn change(&self, change: Change) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        change.apply(&mut state.visible);
        state.unsynced.push(change);
        Ok(())
    }
}

impl State {
    fn spend(&mut self) -> io::Result<()> {
        match &mut self.changes_left {
            Some(0) => Err(io::Error::other("the power is gone")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().visible.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.state();
        if state.fails_reads {
            return Err(io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error()));
        }
        let at = offset as usize;
        let found = state.visible.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        state.reads += 1;
        if state.lies_every > 0 && state.reads.is_multiple_of(state.lies_every) {
            let salt = mix(7, state.reads);
            out[(salt % out.len() as u64) as usize] ^= 1 << (mix(salt, 1) % 8);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Change::Length(len as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        let state = &mut *state;
        for change in state.unsynced.drain(..) {
            change.apply(&mut state.durable);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Change::Bytes(offset as usize, data.to_vec()))
    }
}
