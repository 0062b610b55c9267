//! What redb writes to: a file of checked blocks, with every sync under our eyes.
//!
//! redb verifies its own pages only when it repairs, so a wrong byte in an index would hide rows from readers. Here
//! every block of 4 KiB has a checksum, bound to its place; 511 blocks follow the block that holds theirs. A read of
//! a block that does not agree fails. The checksums are kept in memory, 2 MiB for each GiB, and written when redb
//! syncs: until then a crash makes redb forget what the blocks hold.
//!
//! The one exception is redb's header, block 0, which it writes over in place and protects itself. And after a crash
//! redb decides by checksums of its own how much of the last commit is there, whether or not ours were written: so
//! while it opens its file blocks that do not agree are only noted, and taken as they are if it verified them.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fmt,
    fs::{File, OpenOptions},
    io,
    ops::Bound,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::{BackendError, StorageBackend, backends::FileBackend};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::disk::Options;

/// Opens the device anew; called once at start and again after it was full.
pub(super) type MakeDevice = Arc<dyn Fn() -> io::Result<Box<dyn StorageBackend>> + Send + Sync>;

/// The size of a block, which is redb's page, in bytes.
const BLOCK: usize = 4_096;

/// How many blocks share a block of checksums, which has room for one more.
const GROUP: u64 = 511;

/// A device over the file at `path`, which is made if it is missing.
pub(super) fn file_at(path: &Path) -> MakeDevice {
    let path = path.to_path_buf();
    Arc::new(move || {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        let backend = FileBackend::new(file).map_err(io::Error::other)?;
        Ok(Box::new(backend) as Box<dyn StorageBackend>)
    })
}

/// Checks what it reads, and decides about syncs. Clones share it: redb has one, whoever opened redb another.
#[derive(Clone)]
pub(super) struct Device(Arc<Blocks>);

struct Blocks {
    inner: Box<dyn StorageBackend>,
    path: PathBuf,
    options: Options,
    sums: Mutex<Sums>,
    /// Whether blocks that do not agree are only noted: while redb opens the file, and for a check.
    only_notes: AtomicBool,
}

/// The checksums read or made so far, by group.
#[derive(Default)]
struct Sums {
    groups: BTreeMap<u64, Box<[u64; GROUP as usize]>>,
    /// Groups whose checksums on disk are older.
    unwritten: BTreeSet<u64>,
    /// Blocks that did not agree and were only noted, and the checksums of what they hold.
    doubtful: BTreeMap<u64, u64>,
}

impl Device {
    pub(super) fn new(inner: Box<dyn StorageBackend>, path: &Path, options: &Options) -> Self {
        Self(Arc::new(Blocks {
            inner,
            path: path.into(),
            options: options.clone(),
            sums: Mutex::default(),
            only_notes: AtomicBool::new(true),
        }))
    }

    /// redb has opened the file: from now on a block that does not agree cannot be read. If redb repaired the file,
    /// it verified what it read, and what did not agree is taken as it is.
    ///
    /// Gives how many blocks are not what was written.
    pub(super) fn opened(&self, is_repaired: bool) -> io::Result<usize> {
        self.0.only_notes.store(false, Ordering::SeqCst);
        let mut sums = self.0.sums();
        let doubtful = std::mem::take(&mut sums.doubtful);
        if !is_repaired {
            return Ok(doubtful.len());
        }
        for (number, sum) in doubtful {
            self.0.set(&mut sums, number, sum)?;
        }
        Ok(0)
    }
}

impl Device {
    /// From now on blocks that do not agree can be read, and are noted: for looking at everything there is.
    pub(super) fn only_note(&self) {
        self.0.only_notes.store(true, Ordering::SeqCst);
    }

    /// The blocks noted, by number, in redb's order.
    pub(super) fn noted(&self) -> Vec<u64> {
        self.0.sums().doubtful.keys().copied().collect()
    }
}

impl Blocks {
    fn sums(&self) -> MutexGuard<'_, Sums> {
        // Every change is a single store, so a poisoned lock still guards sums that are each old or new.
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The checksums of a group, from the device the first time.
    fn group<'a>(&self, sums: &'a mut Sums, group: u64) -> io::Result<&'a mut [u64; GROUP as usize]> {
        match sums.groups.entry(group) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => {
                let mut block = [0; BLOCK];
                let at = group * (GROUP + 1) * BLOCK as u64;
                if at + BLOCK as u64 <= self.inner.len()? {
                    self.inner.read(at, &mut block)?;
                }
                let mut read = Box::new([0; GROUP as usize]);
                for (sum, bytes) in read.iter_mut().zip(block.as_chunks().0) {
                    *sum = u64::from_be_bytes(*bytes);
                }
                Ok(unknown.insert(read))
            }
        }
    }

    fn set(&self, sums: &mut Sums, number: u64, sum: u64) -> io::Result<()> {
        self.group(sums, number / GROUP)?[(number % GROUP) as usize] = sum;
        sums.unwritten.insert(number / GROUP);
        Ok(())
    }

    /// Refuses a block that is not what was last written there.
    fn verify(&self, number: u64, block: &[u8]) -> io::Result<()> {
        let mut sums = self.sums();
        let sum = checksum(number, block);
        let known = self.group(&mut sums, number / GROUP)?[(number % GROUP) as usize];
        if known == sum || number == 0 {
            return Ok(());
        }
        if self.only_notes.load(Ordering::SeqCst) {
            sums.doubtful.insert(number, sum);
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("block {number} is not what was written")))
    }

    fn write_sums(&self) -> io::Result<()> {
        let mut sums = self.sums();
        let unwritten = std::mem::take(&mut sums.unwritten);
        for group in unwritten {
            let mut block = [0; BLOCK];
            for (bytes, sum) in block.as_chunks_mut().0.iter_mut().zip(self.group(&mut sums, group)?.iter()) {
                *bytes = sum.to_be_bytes();
            }
            self.inner.write(group * (GROUP + 1) * BLOCK as u64, &block)?;
        }
        Ok(())
    }
}

/// XXH3-64 of a block, seeded with its place. A block of zeros has none, as in a file that has just grown.
fn checksum(number: u64, block: &[u8]) -> u64 {
    if block.iter().all(|byte| *byte == 0) {
        return 0;
    }
    xxh3_64_with_seed(block, number).max(1)
}

/// Where a place in redb's file lies in ours.
fn physical(offset: u64) -> u64 {
    let block = offset / BLOCK as u64;
    (block + block / GROUP + 1) * BLOCK as u64 + offset % BLOCK as u64
}

/// How long our file is when redb's has so many blocks.
fn physical_blocks(blocks: u64) -> u64 {
    blocks + blocks.div_ceil(GROUP)
}

/// The stretches of a range that lie together in our file, as offsets and bytes.
fn stretches(mut offset: u64, mut bytes: usize) -> impl Iterator<Item = (u64, usize)> {
    std::iter::from_fn(move || {
        let left_in_group = GROUP * BLOCK as u64 - offset % (GROUP * BLOCK as u64);
        let stretch = bytes.min(usize::try_from(left_in_group).unwrap_or(bytes));
        let at = offset;
        offset += stretch as u64;
        bytes -= stretch;
        (stretch > 0).then_some((at, stretch))
    })
}

/// Only redb's header is read and written in less than blocks.
fn is_in_blocks(offset: u64, bytes: usize) -> bool {
    offset.is_multiple_of(BLOCK as u64) && bytes.is_multiple_of(BLOCK)
        || offset + bytes as u64 <= BLOCK as u64
}

fn not_in_blocks() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "redb asked for less than a block")
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Device").field(&self.0.path).finish()
    }
}

impl StorageBackend for Device {
    fn len(&self) -> io::Result<u64> {
        let blocks = self.0.inner.len()? / BLOCK as u64;
        let (groups, rest) = (blocks / (GROUP + 1), blocks % (GROUP + 1));
        Ok((groups * GROUP + rest.saturating_sub(1)) * BLOCK as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if !is_in_blocks(offset, out.len()) {
            return Err(not_in_blocks());
        }
        let mut read = 0;
        for (at, bytes) in stretches(offset, out.len()) {
            self.0.inner.read(physical(at), &mut out[read..read + bytes])?;
            read += bytes;
        }
        for (number, block) in (offset / BLOCK as u64..).zip(out.chunks(BLOCK)) {
            self.0.verify(number, block)?;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if !len.is_multiple_of(BLOCK as u64) {
            return Err(not_in_blocks());
        }
        let blocks = len / BLOCK as u64;
        {
            // What is cut off comes back as zeros.
            let mut sums = self.0.sums();
            let (last, kept) = (blocks / GROUP, (blocks % GROUP) as usize);
            sums.groups.retain(|group, _| *group <= last);
            sums.unwritten.retain(|group| *group <= last);
            self.0.group(&mut sums, last)?[kept..].fill(0);
            if kept > 0 {
                sums.unwritten.insert(last);
            }
        }
        self.0.inner.set_len(physical_blocks(blocks) * BLOCK as u64)
    }

    fn sync_data(&self) -> io::Result<()> {
        let sync = || {
            self.0.write_sums()?;
            if self.0.options.sync_is_wanted()? { self.0.inner.sync_data() } else { Ok(()) }
        };
        sync().inspect_err(|_| {
            // The kernel may hold the data that failed and call it clean; whoever opens the store next has to
            // read what the device has.
            if let Ok(file) = File::open(&self.0.path) {
                let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
            }
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if !is_in_blocks(offset, data.len()) {
            return Err(not_in_blocks());
        }
        let mut written = 0;
        for (at, bytes) in stretches(offset, data.len()) {
            self.0.inner.write(physical(at), &data[written..written + bytes])?;
            written += bytes;
        }
        let mut sums = self.0.sums();
        for (number, block) in (offset / BLOCK as u64..).zip(data.chunks(BLOCK)) {
            if number > 0 {
                self.0.set(&mut sums, number, checksum(number, block))?;
            }
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.0.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.inner.query_lock_range(start, end)
    }
}
