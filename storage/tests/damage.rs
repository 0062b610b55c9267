//! A-STO-02: one byte flipped anywhere in the data files.
//!
//! Each damaged copy is looked at by a process of its own, because a backend's own threads may not survive it. Either
//! the damage is reported, at opening, by a read, or by the check, or everything that was written is read back; there
//! is no panic, no hang, no value that was never written, and nothing missing unnoticed.

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use strongroom_storage::{
    Batch, Key, OpenError, Options, Range, Storage, Write, check::check, redb::Redb, sled::Sled,
};

/// Set for the process that looks at a damaged store: backend, rows, path.
const ROLE: &str = "STRONGROOM_DAMAGE_READER";

/// How long a look may take before it counts as a hang, in steps of 10 ms.
const PATIENCE_STEPS: u32 = 3_000;

/// What the reading process says by its exit code.
const REPORTED: i32 = 40;
const UNHARMED: i32 = 41;
const UNNOTICED: i32 = 42;

/// A-STO-02
#[test]
fn a_flipped_byte_in_a_small_sled_store_is_reported_or_harmless() {
    flip("a_flipped_byte_in_a_small_sled_store_is_reported_or_harmless", "sled", 600, 120);
}

/// A-STO-02, in a store too large to be checked at every opening.
#[test]
fn a_flipped_byte_in_a_large_sled_store_is_reported_or_harmless() {
    flip("a_flipped_byte_in_a_large_sled_store_is_reported_or_harmless", "sled", 12_000, 30);
}

/// A-STO-02
#[test]
fn a_flipped_byte_in_a_small_redb_store_is_reported_or_harmless() {
    flip("a_flipped_byte_in_a_small_redb_store_is_reported_or_harmless", "redb", 600, 120);
}

/// A-STO-02, in a store too large to be checked at every opening.
#[test]
fn a_flipped_byte_in_a_large_redb_store_is_reported_or_harmless() {
    flip("a_flipped_byte_in_a_large_redb_store_is_reported_or_harmless", "redb", 12_000, 30);
}

fn flip(test: &str, backend: &str, rows: u64, flips: u64) {
    if let Ok(role) = env::var(ROLE) {
        std::process::exit(look(&role));
    }
    let root = tempfile::tempdir().expect("a temporary folder");
    let sound = root.path().join("sound");
    fill(backend, &sound, rows);
    let files = files_in(&sound);
    let total: u64 = files.iter().map(|(_, bytes)| bytes).sum();
    let mut reported = 0;
    for round in 0..flips {
        let copy = root.path().join("copy");
        let status = Command::new("cp").arg("-r").arg(&sound).arg(&copy).status();
        assert!(status.is_ok_and(|status| status.success()), "copying failed");
        // Every fourth flip goes into one of the small files, which chance would never meet.
        let (file, at) = if round % 4 == 0 {
            let (file, bytes) = &files[(mix(round, 1) % files.len() as u64) as usize];
            (file, mix(round, 2) % bytes)
        } else {
            place(&files, mix(round, 2) % total)
        };
        let bit = 1 << (mix(round, 3) % 8);
        flip_bit(&copy.join(file), at, bit);
        let what = format!("bit {bit:#x} of byte {at} of {}", file.display());
        let role = format!("{backend} {rows} {}", copy.display());
        match in_a_process_of_its_own(test, &role) {
            Some(REPORTED) => reported += 1,
            Some(UNHARMED) => {}
            Some(UNNOTICED) => panic!("{what} went unnoticed"),
            Some(code) => panic!("{what} ended the process with {code}"),
            None => panic!("{what} made the store hang or die"),
        }
        fs::remove_dir_all(&copy).expect("the copy can be removed");
    }
    eprintln!("{test}: {reported} of {flips} flips reported, the others were harmless");
    assert!(reported > 0, "no flip hit anything");
}

/// Looks at everything in a store that may be damaged.
fn look(role: &str) -> i32 {
    let mut role = role.splitn(3, ' ');
    let mut next = || role.next().expect("a role has three parts");
    let (backend, rows, path) = (next(), next().parse().expect("a number"), PathBuf::from(next()));
    let expected = expected(rows);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let Ok(store) = open(backend, &path) else { return REPORTED };
    let mut is_reported = false;
    let mut is_whole = true;
    for n in 0..rows {
        let key = key(n);
        match runtime.block_on(store.get(std::slice::from_ref(&key))) {
            Err(_) => is_reported = true,
            Ok(found) => {
                let found = found[0].as_ref().map(|row| row.value.to_vec());
                is_whole &= found == expected.get(&n).map(|round| value(n, *round));
                // An older value may be found until the check is run; one that was never written, never.
                if found.is_some_and(|found| (0..ROUNDS).all(|round| value(n, round) != found)) {
                    return UNNOTICED;
                }
            }
        }
    }
    match runtime.block_on(store.scan(Range::all(usize::MAX))) {
        Err(_) => is_reported = true,
        Ok(page) => is_whole &= page.next.is_some() || page.rows.len() == expected.len(),
    }
    drop(store);
    is_reported |= check(&path).map_or(true, |report| !report.is_sound());
    match (is_reported, is_whole) {
        (true, _) => REPORTED,
        (false, true) => UNHARMED,
        (false, false) => UNNOTICED,
    }
}

/// How often rows are overwritten.
const ROUNDS: u64 = 3;

/// Makes a store of so many rows, of which some were overwritten and some deleted.
fn fill(backend: &str, path: &Path, rows: u64) {
    let store = open(backend, path).expect("a new store opens");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for round in 0..ROUNDS {
        let touched: Vec<u64> = (0..rows).filter(|n| is_touched(*n, round)).collect();
        for some in touched.chunks(50) {
            let writes = some.iter().map(|n| match is_deleted(*n, round) {
                true => Write::Delete(key(*n)),
                false => Write::Put(key(*n), value(*n, round).into()),
            });
            let batch = Batch { writes: writes.collect(), ..Batch::default() };
            runtime.block_on(store.commit(batch)).expect("a healthy store commits");
        }
    }
}

fn is_touched(n: u64, round: u64) -> bool {
    round == 0 || mix(n, round).is_multiple_of(3)
}

fn is_deleted(n: u64, round: u64) -> bool {
    round == ROUNDS - 1 && mix(n, 77).is_multiple_of(4)
}

/// Which round wrote each row that is there.
fn expected(rows: u64) -> BTreeMap<u64, u64> {
    let mut expected = BTreeMap::new();
    for round in 0..ROUNDS {
        for n in (0..rows).filter(|n| is_touched(*n, round)) {
            if is_deleted(n, round) {
                expected.remove(&n);
            } else {
                expected.insert(n, round);
            }
        }
    }
    expected
}

fn key(n: u64) -> Key {
    Key::new(format!("row {n:06}").into_bytes())
}

fn value(n: u64, round: u64) -> Vec<u8> {
    let salt = mix(n, round);
    // Now and then a row of several pieces.
    let words = if n.is_multiple_of(40) { 2_000 } else { 20 + salt % 100 };
    (0..words).flat_map(|at| mix(salt, at).to_le_bytes()).collect()
}

fn open(backend: &str, path: &Path) -> Result<Box<dyn Storage>, OpenError> {
    let options = Options::new(Arc::new(|| 1_700_000_000_000));
    Ok(if backend == "sled" {
        Box::new(Sled::open(path, options)?)
    } else {
        Box::new(Redb::open(path, options)?)
    })
}

/// All files that are not empty, with their sizes, relative to the folder.
fn files_in(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            let about = fs::metadata(&path).expect("a file");
            if about.is_dir() {
                folders.push(path);
            } else if about.len() > 0 {
                files.push((path.strip_prefix(folder).expect("below it").into(), about.len()));
            }
        }
    }
    files.sort();
    files
}

fn place(files: &[(PathBuf, u64)], mut at: u64) -> (&PathBuf, u64) {
    for (file, bytes) in files {
        if at < *bytes {
            return (file, at);
        }
        at -= bytes;
    }
    unreachable!("the place lies within the sum of all sizes")
}

fn flip_bit(path: &Path, at: u64, bit: u8) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).expect("the copy is there");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("the place lies within the file");
    file.write_all_at(&[byte[0] ^ bit], at).expect("the copy can be written");
}

/// Runs this test in another process in the role given; its exit code, if it comes to one.
fn in_a_process_of_its_own(test: &str, role: &str) -> Option<i32> {
    let mut process = Command::new(env::current_exe().expect("a test knows its program"))
        .args([test, "--exact", "--nocapture"])
        .env(ROLE, role)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the reader starts");
    for _ in 0..PATIENCE_STEPS {
        if let Some(status) = process.try_wait().expect("a child can be waited for") {
            return status.code();
        }
        thread::sleep(Duration::from_millis(10));
    }
    let _ = process.kill();
    let _ = process.wait();
    None
}

/// A number that looks like chance and follows from its parents.
fn mix(seed: u64, salt: u64) -> u64 {
    let mut mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
