//! Promises of `scan`.

use super::{batch, commit, key, put};
use crate::{Key, Page, Range, Row, SCAN_BYTES_MAX, SCAN_ROWS_MAX, Storage};

async fn page(storage: &impl Storage, range: Range) -> Page {
    storage.scan(range).await.expect("a healthy store answers")
}

async fn read_all(storage: &impl Storage, range: Range) -> Vec<(Key, Row)> {
    let mut rows = Vec::new();
    let mut next = Some(range.start.clone());
    while let Some(cursor) = next {
        let page = page(storage, range.clone().from(cursor)).await;
        assert!(page.next.is_none() || !page.rows.is_empty(), "a page that goes on holds at least one row");
        rows.extend(page.rows);
        next = page.next;
    }
    rows
}

/// Keys ascend bytewise, whatever order they were written in.
pub async fn a_scan_is_in_ascending_key_order(storage: impl Storage) {
    let mut keys: Vec<Vec<u8>> = [&b"b"[..], b"", b"a\0", b"\xff\xff", b"a", b"ab", b"\0", b"\xff", b"aa"]
        .map(<[u8]>::to_vec)
        .to_vec();
    for name in &keys {
        commit(&storage, batch([put(name, "x")])).await;
    }
    keys.sort();
    let page = page(&storage, Range::all(100)).await;
    let found: Vec<_> = page.rows.iter().map(|(key, _)| key.as_bytes().to_vec()).collect();
    assert_eq!(found, keys);
    assert_eq!(page.next, None);
}

/// The start is included, the end is not, and a prefix stops where it stops.
pub async fn a_scan_keeps_to_its_range(storage: impl Storage) {
    commit(&storage, batch(["a", "b", "ba", "bz", "c"].map(|name| put(name, "x")))).await;
    let names = async |range: Range| -> Vec<Key> {
        page(&storage, range).await.rows.into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(names(Range::prefix(&key("b"), 10)).await, [key("b"), key("ba"), key("bz")]);
    assert_eq!(
        names(Range { start: key("b"), end: Some(key("bz")), limit: 10 }).await,
        [key("b"), key("ba")]
    );
    assert_eq!(names(Range::all(10).after(&key("ba"))).await, [key("bz"), key("c")]);
    assert!(names(Range::prefix(&key("x"), 10)).await.is_empty());
    assert!(names(Range { start: key("c"), end: Some(key("a")), limit: 10 }).await.is_empty());
}

/// Following the cursor with any page size gives every row once.
pub async fn pages_join_without_gap_or_double(storage: impl Storage) {
    commit(&storage, batch((0..100).map(|n| put(format!("{n:03}"), n.to_string())))).await;
    let whole = page(&storage, Range::all(1_000)).await.rows;
    assert_eq!(whole.len(), 100);
    for limit in [1, 7, 99, 100, 101] {
        assert_eq!(read_all(&storage, Range::all(limit)).await, whole, "with pages of {limit}");
    }
    // A limit of nothing would never end, so it counts as one.
    assert_eq!(page(&storage, Range::all(0)).await.rows.len(), 1);
}

/// A page stops growing once its values reach the byte limit, and the rest follows.
pub async fn a_page_ends_once_it_is_heavy(storage: impl Storage) {
    let value = vec![1; SCAN_BYTES_MAX / 4];
    for n in 0..6 {
        commit(&storage, batch([put(format!("{n}"), &value)])).await;
    }
    let first = page(&storage, Range::all(100)).await;
    assert!(first.rows.len() < 6, "{} rows of {} bytes in one page", first.rows.len(), value.len());
    assert!(first.next.is_some());
    assert_eq!(read_all(&storage, Range::all(100)).await.len(), 6);
}

/// No page is longer than the most rows a page holds.
pub async fn a_page_is_capped_however_much_was_asked_for(storage: impl Storage) {
    commit(&storage, batch((0..=SCAN_ROWS_MAX).map(|n| put(format!("{n:06}"), "")))).await;
    let first = page(&storage, Range::all(usize::MAX)).await;
    assert_eq!(first.rows.len(), SCAN_ROWS_MAX);
    assert_eq!(first.next, Some(key(format!("{SCAN_ROWS_MAX:06}"))));
}

/// Both ways of reading tell the same value and revision, large rows included.
pub async fn a_scan_agrees_with_get(storage: impl Storage) {
    let sizes = [0, 10, 4_067, 4_068, 20_000];
    commit(&storage, batch(sizes.map(|bytes| put(format!("{bytes:06}"), vec![9; bytes])))).await;
    let scanned = page(&storage, Range::all(100)).await.rows;
    let keys: Vec<_> = scanned.iter().map(|(key, _)| key.clone()).collect();
    let got = storage.get(&keys).await.expect("a healthy store answers");
    let scanned: Vec<_> = scanned.into_iter().map(|(_, row)| Some(row)).collect();
    assert!(scanned == got, "scan and get disagree");
    assert_eq!(got.len(), sizes.len());
}
