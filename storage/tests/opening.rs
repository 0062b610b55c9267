//! F-09 and A-STO-08: whatever stands against opening a store ends in one clear line, and the data is untouched.

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use strongroom_storage::{
    Batch, Key, OpenError, Options, Storage, Write, check::check, redb::Redb, sled::Sled,
};

/// Set for a process that only tries to open a store, as an ordinary user: its path.
const ROLE: &str = "STRONGROOM_OPENER";

/// A user and group that own nothing.
const NOBODY: u32 = 65_534;

const BACKENDS: [&str; 2] = ["sled", "redb"];

fn open(backend: &str, path: &Path) -> Result<Box<dyn Storage>, OpenError> {
    let options = Options::new(Arc::new(|| 1_700_000_000_000));
    Ok(if backend == "sled" {
        Box::new(Sled::open(path, options)?)
    } else {
        Box::new(Redb::open(path, options)?)
    })
}

/// The refusal, which must be one line that names the place.
fn refusal(backend: &str, path: &Path) -> OpenError {
    let Err(refusal) = open(backend, path) else { panic!("{backend} opened {}", path.display()) };
    let line = refusal.to_string();
    assert_eq!(line.lines().count(), 1, "more than one line: {line}");
    assert!(line.contains(path.to_str().expect("plain text")), "it does not say where: {line}");
    refusal
}

/// A store with one row in it, closed.
fn filled(backend: &str, path: &Path) {
    let store = open(backend, path).expect("a new store opens");
    let write = Write::Put(Key::from_static(b"key"), "value".into());
    let batch = Batch { writes: vec![write], ..Batch::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(store.commit(batch)).expect("a healthy store commits");
}

/// Every file below a folder.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).expect("a file"));
        }
    }
    files
}

/// F-09
#[test]
fn a_store_that_is_open_is_not_opened_twice() {
    for backend in BACKENDS {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("store");
        let first = open(backend, &path).unwrap();
        assert_eq!(refusal(backend, &path), OpenError::InUse { path: path.clone() });
        assert_eq!(check(&path), Err(OpenError::InUse { path: path.clone() }));
        drop(first);
        open(backend, &path).unwrap();
    }
}

/// F-09
#[test]
fn a_missing_folder_is_made_but_not_the_one_above() {
    for backend in BACKENDS {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("missing").join("store");
        assert_eq!(refusal(backend, &path), OpenError::Missing { path: path.clone() });
        assert!(!root.path().join("missing").exists());
        fs::create_dir(root.path().join("missing")).unwrap();
        open(backend, &path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "a data folder is its owner's alone");
    }
}

/// F-09
#[test]
fn a_file_is_not_a_folder() {
    for backend in BACKENDS {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        fs::write(&path, "precious").unwrap();
        assert_eq!(refusal(backend, &path), OpenError::NotAFolder { path: path.clone() });
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }
}

/// F-09
#[test]
fn a_folder_of_somebody_else_is_not_opened() {
    if let Ok(path) = env::var(ROLE) {
        for backend in BACKENDS {
            let refusal = refusal(backend, &Path::new(&path).join(backend));
            assert!(matches!(refusal, OpenError::NotPermitted { .. }), "{refusal}");
        }
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let theirs = root.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    for backend in BACKENDS {
        filled(backend, &theirs.join(backend));
    }
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let is_root = fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    if !is_root {
        eprintln!("SKIPPED a_folder_of_somebody_else_is_not_opened: it needs root to become somebody else");
        return;
    }
    let before = contents(&theirs);
    let status = Command::new(env::current_exe().unwrap())
        .args(["a_folder_of_somebody_else_is_not_opened", "--exact", "--nocapture"])
        .env(ROLE, &theirs)
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .status()
        .unwrap();
    assert!(status.success(), "somebody else was let in, or not told why");
    assert_eq!(contents(&theirs), before);
}

/// F-09
#[test]
fn a_read_only_file_system_is_named() {
    let root = tempfile::tempdir().unwrap();
    let mount = |options: &str| {
        let arguments = ["-t", "tmpfs", "-o", options, "tmpfs"];
        Command::new("mount").args(arguments).arg(root.path()).output()
    };
    if !mount("size=64m").is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED a_read_only_file_system_is_named: it needs root to mount one");
        return;
    }
    let mounted = Mounted(root.path());
    for backend in BACKENDS {
        filled(backend, &root.path().join(backend));
    }
    assert!(mount("remount,ro").is_ok_and(|output| output.status.success()));
    for backend in BACKENDS {
        let refusal = refusal(backend, &root.path().join(backend));
        assert!(matches!(refusal, OpenError::ReadOnly { .. }), "{refusal}");
    }
    drop(mounted);
}

/// Unmounts when dropped, also in a failing test.
struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_folder_of_another_backend_says_which() {
    for (backend, other) in [("sled", "redb"), ("redb", "sled")] {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("store");
        filled(backend, &path);
        let before = contents(&path);
        let expected =
            OpenError::OtherBackend { path: path.clone(), found: backend.into(), wanted: other.into() };
        assert_eq!(refusal(other, &path), expected);
        assert_eq!(contents(&path), before);
    }
}

/// A-STO-08
#[test]
fn a_folder_in_a_newer_format_is_refused_and_untouched() {
    for backend in BACKENDS {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("store");
        filled(backend, &path);
        let format = format!("strongroom store\nbackend {backend}\nformat 2\nsomething new\n");
        fs::write(path.join("FORMAT"), format).unwrap();
        let before = contents(&path);
        let expected = OpenError::NewerFormat { path: path.clone(), found: 2, known: 1 };
        assert_eq!(refusal(backend, &path), expected);
        assert_eq!(check(&path), Err(expected));
        assert_eq!(contents(&path), before);
    }
}

/// A-STO-08: rows of a newer format under a `FORMAT` of this one.
#[test]
fn a_meta_row_in_a_newer_format_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    filled("sled", &path);
    let sled = sled::Config::new().path(path.join("sled")).segment_size(8 << 20).open().unwrap();
    let mut meta = vec![2, 1, 2, 3];
    let check = xxhash_rust::xxh3::xxh3_64(&meta);
    meta.extend_from_slice(&check.to_be_bytes());
    sled.insert(b"m", meta).unwrap();
    sled.flush().unwrap();
    drop(sled);
    let refusal = refusal("sled", &path);
    assert!(matches!(refusal, OpenError::NewerFormat { found: 2, known: 1, .. }), "{refusal}");
}

/// A-STO-02
#[test]
fn a_store_without_its_format_is_damaged_and_not_made_anew() {
    for backend in BACKENDS {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("store");
        filled(backend, &path);
        for text in [None, Some("strongroom store\nbackend sle"), Some("hello")] {
            match text {
                Some(text) => fs::write(path.join("FORMAT"), text).unwrap(),
                None => fs::remove_file(path.join("FORMAT")).unwrap(),
            }
            let refusal = refusal(backend, &path);
            assert!(matches!(refusal, OpenError::Damaged { .. }), "{refusal}");
        }
    }
}

#[test]
fn making_a_store_that_was_cut_short_is_finished_at_the_next_start() {
    for backend in BACKENDS {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("store");
        for begun in ["", "strongroom sto"] {
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("FORMAT"), begun).unwrap();
            open(backend, &path).unwrap();
        }
        open(backend, &path).unwrap();
    }
}

/// A-STO-02: the data was put back from an older copy, but not the mark.
#[test]
fn data_that_went_back_in_time_is_refused() {
    for backend in BACKENDS {
        let root = tempfile::tempdir().unwrap();
        let (path, old) = (root.path().join("store"), root.path().join("old"));
        filled(backend, &path);
        let copied = Command::new("cp").arg("-r").arg(path.join(backend)).arg(&old).status();
        assert!(copied.unwrap().success());
        filled(backend, &path);
        fs::remove_dir_all(path.join(backend)).unwrap();
        fs::rename(&old, path.join(backend)).unwrap();
        let refusal = refusal(backend, &path);
        assert!(matches!(refusal, OpenError::Damaged { .. }), "{refusal}");
        let report = check(&path).unwrap();
        assert!(!report.is_sound());
        // The operator may decide that the older copy is what there is.
        fs::remove_file(path.join("DURABLE")).unwrap();
        open(backend, &path).unwrap();
    }
}
