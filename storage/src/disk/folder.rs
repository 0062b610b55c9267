//! The data folder: who made it, in which format, and who has it open.
//!
//! The file `FORMAT` is written before anything else and never again. It is also the lock: whoever holds it may
//! open the backend's files beside it. So every refusal happens before a backend, which may repair and rewrite what
//! it opens, has seen a byte.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::FORMAT;
use crate::OpenError;

/// The file that names the backend and the format.
const FORMAT_FILE: &str = "FORMAT";

/// The most that is read of it, in bytes.
const FORMAT_FILE_BYTES_MAX: u64 = 4_096;

/// The names under which backends keep their data, to tell a new folder from one that lost its `FORMAT`.
const DATA: [&str; 2] = ["sled", "redb"];

/// A data folder that this process has to itself until it is released or dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    lock: File,
}

impl Folder {
    /// Takes the folder for `backend`, and makes it if it is missing and the one above is there.
    ///
    /// # Errors
    /// Every reason there is not to open a store, before anything was changed.
    pub(crate) fn open(path: &Path, backend: &str) -> Result<Self, OpenError> {
        match fs::metadata(path) {
            Ok(found) if !found.is_dir() => return Err(OpenError::NotAFolder { path: path.into() }),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::DirBuilder::new()
                    .mode(0o700)
                    .create(path)
                    .map_err(|error| OpenError::from_io(path, &error))?;
                sync_folder(parent(path))?;
            }
            Err(error) => return Err(OpenError::from_io(path, &error)),
        }
        let file = path.join(FORMAT_FILE);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&file)
            .map_err(|error| OpenError::from_io(&file, &error))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::InUse { path: path.into() },
            TryLockError::Error(error) => OpenError::from_io(&file, &error),
        })?;

        let mut text = Vec::new();
        (&lock)
            .take(FORMAT_FILE_BYTES_MAX)
            .read_to_end(&mut text)
            .map_err(|error| OpenError::from_io(&file, &error))?;
        let ours = format!("strongroom store\nbackend {backend}\nformat {FORMAT}\n");
        let has_data = DATA.iter().any(|name| path.join(name).exists());
        if !has_data && text != ours.as_bytes() && ours.as_bytes().starts_with(&text) {
            // A new folder, or one whose making was cut short.
            let rest = &ours.as_bytes()[text.len()..];
            lock.write_all(rest)
                .and_then(|()| lock.sync_all())
                .map_err(|error| OpenError::from_io(&file, &error))?;
            sync_folder(path)?;
        } else {
            understand(path, &text, backend)?;
        }
        Ok(Self { path: path.into(), lock })
    }

    /// Which backend made the folder.
    ///
    /// # Errors
    /// If there is no readable `FORMAT`, or one of a later release.
    pub(crate) fn backend_of(path: &Path) -> Result<String, OpenError> {
        let file = path.join(FORMAT_FILE);
        let text = fs::read(&file).map_err(|error| OpenError::from_io(&file, &error))?;
        parse(path, &text)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets others open it.
    pub(crate) fn release(&self) {
        // What cannot be unlocked is unlocked when the file is closed.
        let _ = self.lock.unlock();
    }

    /// Makes the names of the files in the folder durable.
    pub(crate) fn sync(&self) -> Result<(), OpenError> {
        sync_folder(&self.path)
    }

    /// The room left on its device for an ordinary user, in bytes.
    pub(crate) fn room_bytes(&self) -> io::Result<u64> {
        let device = rustix::fs::statvfs(&self.path)?;
        Ok(device.f_bavail.saturating_mul(device.f_frsize))
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), OpenError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|error| OpenError::from_io(path, &error))
}

/// The folder above, `.` for a bare name.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn understand(path: &Path, text: &[u8], backend: &str) -> Result<(), OpenError> {
    let found = parse(path, text)?;
    if found != backend {
        return Err(OpenError::OtherBackend { path: path.into(), found, wanted: backend.into() });
    }
    Ok(())
}

/// Reads the backend's name; later formats keep these three lines, so that they can be refused by name.
fn parse(path: &Path, text: &[u8]) -> Result<String, OpenError> {
    let damaged = || OpenError::damaged(path, "the file FORMAT does not describe a store");
    let text = str::from_utf8(text).map_err(|_| damaged())?;
    let mut lines = text.lines();
    if lines.next() != Some("strongroom store") {
        return Err(damaged());
    }
    let backend = lines.next().and_then(|line| line.strip_prefix("backend ")).ok_or_else(damaged)?;
    let format = lines.next().and_then(|line| line.strip_prefix("format ")).ok_or_else(damaged)?;
    let format: u64 = format.parse().map_err(|_| damaged())?;
    let known = u64::from(FORMAT);
    if format > known {
        return Err(OpenError::NewerFormat { path: path.into(), found: format, known });
    }
    if format == 0 || !DATA.contains(&backend) {
        return Err(damaged());
    }
    Ok(backend.to_owned())
}
