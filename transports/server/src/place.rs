//! Where an answer goes: standard output, or a file that is never written over by accident.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;
use strongroom_primitives::encoding;

use crate::{
    data::{random, sync_folder},
    output,
};

/// Who may read a file that is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Readers {
    /// Mode 0600.
    Owner,
    /// Mode 0644, less what the process withholds.
    Everybody,
}

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Writes it into this file, readable by its owner only
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Writes over a file that is there
    #[arg(long)]
    force: bool,
}

impl Place {
    /// A place that was named in another way.
    pub(crate) fn at(path: Option<&Path>, force: bool) -> Self {
        Self { output: path.map(Path::to_owned), force }
    }

    /// Hands over bytes: into the file byte for byte, else onto standard output, for programs as `name` in base64.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(crate) fn put_bytes(&self, name: &str, bytes: &[u8], as_json: bool) -> anyhow::Result<()> {
        match self.in_file(bytes, as_json)? {
            true => Ok(()),
            false if as_json => output::json(&Named { name, text: &encoding::to_base64(bytes) }),
            false => output::bytes(bytes),
        }
    }

    /// Hands over a text, which is a line of its own wherever it goes; for programs as `name`. People read `heading`
    /// above it.
    ///
    /// # Errors
    /// One line that names the fix.
    pub(crate) fn put_line(
        &self,
        name: &str,
        heading: Option<&str>,
        text: &str,
        as_json: bool,
    ) -> anyhow::Result<()> {
        use io::IsTerminal as _;
        if self.output.is_some() {
            return self.in_file(&line(text), as_json).map(drop);
        }
        if as_json {
            return output::json(&Named { name, text });
        }
        let mut out = io::stdout().lock();
        if let Some(heading) = heading.filter(|_| out.is_terminal()) {
            writeln!(out, "{heading}")?;
        }
        out.write_all(&line(text))?;
        Ok(out.flush()?)
    }

    /// The file that it is, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.output.as_deref()
    }

    /// Whether it is a file.
    pub(crate) fn is_file(&self) -> bool {
        self.output.is_some()
    }

    /// Refuses a file that could not be written, before anything is done for it.
    ///
    /// # Errors
    /// As [`check_free`].
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.output.as_deref().map_or(Ok(()), |path| check_free(path, self.force))
    }

    /// Whether there was a file to write.
    fn in_file(&self, bytes: &[u8], as_json: bool) -> anyhow::Result<bool> {
        let Some(path) = &self.output else {
            return Ok(false);
        };
        write(path, bytes, Readers::Owner, self.force)?;
        if as_json {
            output::json(&json!({ "file": path }))?;
        }
        Ok(true)
    }
}

/// One named text as a document. Not a map of `serde_json`, which would keep a copy of the text.
struct Named<'t> {
    name: &'t str,
    text: &'t str,
}

impl serde::Serialize for Named<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.name, self.text)])
    }
}

fn line(text: &str) -> zeroize::Zeroizing<Vec<u8>> {
    let mut line = zeroize::Zeroizing::new(Vec::with_capacity(text.len() + 1));
    line.extend_from_slice(text.as_bytes());
    line.push(b'\n');
    line
}

/// Refuses a file that is there, before anything is done for it.
///
/// # Errors
/// If it is there and `force` is not said, or it is no plain file.
pub(crate) fn check_free(path: &Path, force: bool) -> anyhow::Result<()> {
    let shown = path.display();
    match fs::symlink_metadata(path) {
        Err(_) => Ok(()),
        Ok(_) if !force => bail!("{shown} is there already; name another file, or say --force"),
        // A link or a device is not replaced: what it stands for may belong to somebody else.
        Ok(there) if there.is_file() => Ok(()),
        Ok(_) => bail!("{shown} is not a plain file; name the file itself"),
    }
}

/// Writes a file, whole or not at all.
///
/// # Errors
/// As [`check_free`], and if it cannot be written.
pub(crate) fn write(path: &Path, bytes: &[u8], readers: Readers, force: bool) -> anyhow::Result<()> {
    check_free(path, force)?;
    let name = path.file_name().with_context(|| format!("{} does not name a file", path.display()))?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}", encoding::to_hex(&random::<8>()?)));
    let beside = path.with_file_name(beside);
    let written = write_new(&beside, bytes, readers).and_then(|()| {
        if force {
            fs::rename(&beside, path)
        } else {
            // Unlike renaming, linking refuses a file that came into being meanwhile.
            fs::hard_link(&beside, path).and_then(|()| fs::remove_file(&beside))
        }
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
        .and_then(|()| sync_folder(path.parent().unwrap_or(Path::new(""))))
        .with_context(|| format!("{} cannot be written", path.display()))
}

fn write_new(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::Everybody => 0o644,
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_is_there_is_replaced_only_where_that_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, b"first", Readers::Owner, false).unwrap();
        let error = write(&path, b"second", Readers::Owner, false).unwrap_err().to_string();
        assert!(error.contains("--force"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write(&path, b"second", Readers::Owner, true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names(folder.path()), ["key"]);
    }

    #[test]
    fn a_private_file_is_its_owners_even_where_others_could_read_what_it_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let path = folder.path().join("key");
        fs::write(&path, b"").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, b"x", Readers::Owner, true).unwrap();
        assert_eq!(mode(&path), 0o600);
        let public = folder.path().join("public");
        write(&public, b"x", Readers::Everybody, false).unwrap();
        assert_eq!(mode(&public) & 0o600, 0o600);
    }

    #[test]
    fn links_and_devices_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, b"of somebody").unwrap();
        symlink(&target, &link).unwrap();
        for force in [false, true] {
            assert!(write(&link, b"x", Readers::Owner, force).is_err());
            assert!(write(Path::new("/dev/null"), b"x", Readers::Owner, force).is_err());
            assert!(write(folder.path(), b"x", Readers::Owner, force).is_err());
        }
        assert_eq!(fs::read(&target).unwrap(), b"of somebody");
        assert_eq!(names(folder.path()), ["link", "target"]);
    }

    #[test]
    fn nothing_is_left_where_a_file_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(&folder.path().join("none/key"), b"x", Readers::Owner, false).unwrap_err();
        assert!(error.to_string().ends_with("cannot be written"), "{error}");
        assert!(write(Path::new(".."), b"x", Readers::Owner, true).is_err());
        assert_eq!(names(folder.path()), [""; 0]);
    }
}
