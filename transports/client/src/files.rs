//! Files that only their owner reads: read up to a limit, replaced whole, changed by one process at a time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The file up to `bytes_max` and one byte more, which tells that it is larger; `None` if there is none.
pub(crate) fn read(path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Writes `parts` beside the file, mode 0600, syncs them, moves them over it and syncs the folder: a cut at any moment
/// leaves the one or the other. The caller holds the [`lock`].
pub(crate) fn replace(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let fresh = beside(path, "new");
    let write = || {
        // Left behind by a process that was killed here; the lock says that nobody is writing it now.
        remove_if_there(&fresh)?;
        let mut file = private().write(true).create_new(true).open(&fresh)?;
        for part in parts {
            file.write_all(part)?;
        }
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        sync_folder(path)
    };
    let written = write();
    if written.is_err() {
        // The next writer removes it too; tidying up early is a courtesy, and the first error is the one to tell.
        let _ = remove_if_there(&fresh);
    }
    written
}

/// Waits until no other process reads for a change or changes. Released when the answer is dropped.
pub(crate) fn lock(path: &Path) -> io::Result<File> {
    let file = private().write(true).create(true).truncate(false).open(beside(path, "lock"))?;
    file.lock()?;
    Ok(file)
}

/// A hidden name in the same folder.
fn beside(path: &Path, what: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{what}"))
}

/// Options for a file that only its owner can open.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a rename durable. Systems without folders that sync make it durable in their own way.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
