//! A-STO-02: a check lists every damage with its place, and says nothing about a store that has none.

use std::{fs, os::unix::fs::FileExt, path::Path, sync::Arc};

use strongroom_storage::{
    Batch, Key, Options, Storage, Write,
    check::{Report, check},
    redb::Redb,
    sled::Sled,
};

const ROWS: u32 = 2_000;

fn name(row: u32) -> String {
    format!("row {row:04}")
}

/// Some rows have several pieces; each value names its row.
fn value(row: u32) -> Vec<u8> {
    let bytes = if row.is_multiple_of(100) { 20_000 } else { 300 };
    format!("<{row:04}>").into_bytes().into_iter().cycle().take(bytes).collect()
}

async fn fill(store: &dyn Storage) {
    for rows in (0..ROWS).collect::<Vec<_>>().chunks(200) {
        let put = |row: &u32| Write::Put(Key::new(name(*row).into_bytes()), value(*row).into());
        let batch = Batch { writes: rows.iter().map(put).collect(), ..Batch::default() };
        store.commit(batch).await.expect("a healthy store commits");
    }
}

fn options() -> Options {
    Options::new(Arc::new(|| 1_700_000_000_000))
}

fn hex(name: &str) -> String {
    name.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// How many damages name `place`.
fn found(report: &Report, place: &str) -> usize {
    report.damages.iter().filter(|damage| damage.place.contains(place)).count()
}

fn assert_sound(path: &Path) {
    let report = check(path).expect("it opens");
    assert!(report.is_sound(), "{:?}", report.damages);
    assert_eq!(report.rows, ROWS.into());
    assert_eq!(report.value_bytes, (0..ROWS).map(|row| value(row).len() as u64).sum::<u64>());
}

#[tokio::test]
async fn every_damage_in_sled_is_listed() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let store = Sled::open(&path, options()).unwrap();
    fill(&store).await;
    drop(store);
    assert_sound(&path);

    // What happens to bytes below sled shows as rows that are changed, gone, or left over above it.
    let sled = sled::Config::new().path(path.join("sled")).segment_size(8 << 20).open().unwrap();
    let head = |row: u32| [b"h", name(row).as_bytes()].concat();
    let piece = |row: u32, number: u32| {
        let name = name(row);
        [b"p", &(name.len() as u16).to_be_bytes()[..], name.as_bytes(), &number.to_be_bytes()].concat()
    };
    for (row, at) in [(7, 0), (8, 5), (9, 20), (10, 100)] {
        let mut bytes = sled.get(head(row)).unwrap().unwrap().to_vec();
        bytes[at] ^= 1;
        sled.insert(head(row), bytes).unwrap();
    }
    sled.remove(piece(100, 2)).unwrap().unwrap();
    sled.insert(piece(200, 77), b"left over").unwrap();
    sled.remove(head(1_500)).unwrap().unwrap();
    sled.flush().unwrap();
    drop(sled);

    let report = check(&path).unwrap();
    for row in [7, 8, 9, 10, 100] {
        assert_eq!(found(&report, &format!("row {}", hex(&name(row)))), 1, "row {row}: {:?}", report.damages);
    }
    assert_eq!(found(&report, &hex(&format!("{}\0\0\0M", name(200)))), 1, "{:?}", report.damages);
    // Row 1,500 had pieces, and is missed by the count.
    assert_eq!(found(&report, "row count"), 1, "{:?}", report.damages);
    assert_eq!(report.rows, u64::from(ROWS) - 6);
}

#[tokio::test]
async fn every_damaged_block_of_redb_is_listed() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let store = Redb::open(&path, options()).unwrap();
    fill(&store).await;
    drop(store);
    assert_sound(&path);

    let file = path.join("redb").join("rows");
    let mut blocks = Vec::new();
    for row in [3, 700, 1_100, 1_999] {
        let bytes = fs::read(&file).unwrap();
        let content = value(row);
        let at = bytes.windows(40).position(|window| window == &content[..40]).expect("the row is there");
        fs::OpenOptions::new().write(true).open(&file).unwrap().write_all_at(b"#", at as u64 + 3).unwrap();
        // One block of checksums stands before every 511.
        let physical = at as u64 / 4_096;
        blocks.push(physical - physical / 512 - 1);
    }
    let report = check(&path).unwrap();
    for block in blocks {
        let place = format!("block {block}");
        let listed = report.damages.iter().any(|damage| damage.place == place);
        assert!(listed, "{place} is not in {:?}", report.damages);
    }
}

#[tokio::test]
async fn a_store_that_was_not_closed_is_sound_once_it_is_checked() {
    let root = tempfile::tempdir().unwrap();
    for (backend, copy) in [("sled", "a"), ("redb", "b")] {
        let (path, copy) = (root.path().join(backend), root.path().join(copy));
        let store: Box<dyn Storage> = match backend {
            "sled" => Box::new(Sled::open(&path, options()).unwrap()),
            _ => Box::new(Redb::open(&path, options()).unwrap()),
        };
        fill(&*store).await;
        // A copy taken while the store is open and at rest is what a kill would leave.
        let copied = std::process::Command::new("cp").arg("-r").arg(&path).arg(&copy).status();
        assert!(copied.unwrap().success());
        assert_sound(&copy);
        assert_sound(&copy);
    }
}
