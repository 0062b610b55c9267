//! Taking back what an interrupted heavy group left in sled's log.
//!
//! sled's log is a row of segments. On opening it believes the newest segment's claim about how far everything before
//! was stable, and a claim is made without any sync: a device that reorders what was not synced can keep a segment
//! and lose the one it vouches for, and sled then recovers nothing at all. One new segment between two syncs can
//! claim nothing that is not in the segment before it, whose beginning is durable, so ordinary groups are safe. A
//! group that may fill more than one segment is undone instead: which segments there are is noted, durably, before
//! it begins, and whatever else is found at the next opening is no segment.
//!
//! The one thing to believe: a segment that held live data before the group still holds it. sled frees segments
//! through its epoch collector, and the writer keeps the epoch from moving until the group is durable.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use xxhash_rust::xxh3::xxh3_64;

use super::layout::SEGMENT_BYTES;
use crate::{OpenError, disk::Folder};

/// The file's name, beside sled's folder.
const UNDO_FILE: &str = "UNDO";

/// What begins the note while a group is under way; anything else means there is nothing to undo.
const ARMED: u8 = 1;

/// The size of a segment's header in sled's format, in bytes.
const HEADER_BYTES: usize = 20;

/// What stands where a header was; its checksum is wrong.
const NO_HEADER: [u8; HEADER_BYTES] = [0; HEADER_BYTES];

/// The note about the segments there were.
#[derive(Debug)]
pub(super) struct Undo {
    file: File,
}

impl Undo {
    /// Opens the note, or makes one, whose name is made durable with sled's files.
    pub(super) fn open(folder: &Folder) -> Result<Self, OpenError> {
        let path = folder.path().join(UNDO_FILE);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| OpenError::from_io(&path, &error))?;
        Ok(Self { file })
    }

    /// Notes, durably if `syncs`, which segments `data` has now.
    pub(super) fn arm(&self, data: &File, syncs: bool) -> io::Result<()> {
        let headers = headers(data)?.concat();
        let mut note = vec![ARMED];
        note.extend_from_slice(&(headers.len() as u64).to_be_bytes());
        note.extend_from_slice(&xxh3_64(&headers).to_be_bytes());
        note.extend_from_slice(&headers);
        self.file.write_all_at(&note, 0)?;
        if syncs { self.file.sync_all() } else { Ok(()) }
    }

    /// Notes, durably if `syncs`, that there is nothing to undo.
    pub(super) fn disarm(&self, syncs: bool) -> io::Result<()> {
        self.file.write_all_at(&[0], 0)?;
        if syncs { self.file.sync_data() } else { Ok(()) }
    }

    /// Takes back the segments of a group that was interrupted, if one was. sled must be closed.
    pub(super) fn revert(&self, data: &Path) -> io::Result<()> {
        let Some(noted) = self.noted()? else { return Ok(()) };
        let data = OpenOptions::new().read(true).write(true).open(data)?;
        let mut taken_back = 0;
        for (slot, found) in (0..).zip(headers(&data)?) {
            if noted.get(slot) != Some(&found) && found != NO_HEADER {
                data.write_all_at(&NO_HEADER, slot as u64 * SEGMENT_BYTES as u64)?;
                taken_back += 1;
            }
        }
        data.sync_all()?;
        tracing::info!(segments = taken_back, "an interrupted group was taken back");
        self.disarm(true)
    }

    /// The headers noted, if there is something to undo. A note that is not whole was interrupted before its group
    /// began.
    fn noted(&self) -> io::Result<Option<Vec<[u8; HEADER_BYTES]>>> {
        let mut note = vec![0; usize::try_from(self.file.metadata()?.len()).unwrap_or(0)];
        self.file.read_exact_at(&mut note, 0)?;
        let armed = || {
            let (&ARMED, rest) = note.split_first()? else { return None };
            let (bytes, rest) = rest.split_first_chunk()?;
            let (check, rest) = rest.split_first_chunk()?;
            let headers = rest.get(..usize::try_from(u64::from_be_bytes(*bytes)).ok()?)?;
            (xxh3_64(headers) == u64::from_be_bytes(*check)).then(|| headers.as_chunks().0.to_vec())
        };
        Ok(armed())
    }
}

/// The header of each segment in a data file, as it stands there.
fn headers(data: &File) -> io::Result<Vec<[u8; HEADER_BYTES]>> {
    let slots = data.metadata()?.len().div_ceil(SEGMENT_BYTES as u64);
    let mut headers = Vec::new();
    for slot in 0..slots {
        let mut header = NO_HEADER;
        match data.read_exact_at(&mut header, slot * SEGMENT_BYTES as u64) {
            Ok(()) => headers.push(header),
            // A last segment of which not even the header is there.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_noted_is_no_segment_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path(), "sled").unwrap();
        let undo = Undo::open(&folder).unwrap();
        let path = dir.path().join("db");
        let data = File::create_new(&path).unwrap();
        let data_rw = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let slot = |at: u64| at * SEGMENT_BYTES as u64;
        data.write_all_at(&[1; 100], slot(0)).unwrap();
        data.write_all_at(&[2; 100], slot(1)).unwrap();
        undo.arm(&data_rw, true).unwrap();
        // The group goes on in the first segment, reuses the second, and begins a third.
        data.write_all_at(&[9; 100], slot(0) + 100).unwrap();
        data.write_all_at(&[3; 100], slot(1)).unwrap();
        data.write_all_at(&[4; 100], slot(2)).unwrap();
        drop(undo);

        let undo = Undo::open(&folder).unwrap();
        undo.revert(&path).unwrap();
        let header = |at| {
            let mut header = [0xff; HEADER_BYTES];
            data_rw.read_exact_at(&mut header, at).unwrap();
            header
        };
        assert_eq!(header(slot(0)), [1; HEADER_BYTES]);
        assert_eq!(header(slot(0) + 100), [9; HEADER_BYTES]);
        assert_eq!(header(slot(1)), NO_HEADER);
        assert_eq!(header(slot(2)), NO_HEADER);

        // It is done once.
        data.write_all_at(&[5; 100], slot(2)).unwrap();
        undo.revert(&path).unwrap();
        assert_eq!(header(slot(2)), [5; HEADER_BYTES]);
    }

    #[test]
    fn a_note_that_is_not_whole_undoes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path(), "sled").unwrap();
        let undo = Undo::open(&folder).unwrap();
        let path = dir.path().join("db");
        std::fs::write(&path, [1; 100]).unwrap();
        undo.arm(&File::open(&path).unwrap(), true).unwrap();
        undo.file.write_all_at(&[0xee], 20).unwrap();
        assert_eq!(undo.noted().unwrap(), None);
        undo.file.set_len(10).unwrap();
        assert_eq!(undo.noted().unwrap(), None);
    }
}
