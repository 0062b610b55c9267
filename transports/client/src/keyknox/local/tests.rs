//! The file: what it keeps, what it refuses, and what a cut or a second process does to it.

use std::fs;

use strongroom_primitives::encoding::from_hex;
use strongroom_primitives::hash::RecordTag;
use strongroom_primitives::secret::Secret;
use strongroom_primitives::time::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::keyknox::ports::testing::{Counted, Scripted};
use crate::keyknox::record::CloudRecord;

const PROFILE: &str = "https://keys.example/app/alice";

fn user_key(number: u8) -> Unlock {
    Unlock::UserKey(SigningKey::from_seed(&[number; 32]))
}

fn passphrase(text: &str) -> Unlock {
    Unlock::Passphrase(SecretText::new(text.to_owned()))
}

fn open_as(folder: &TempDir, profile: &str, unlock: &Unlock) -> Result<LocalFile, LocalError> {
    LocalFile::open(folder.path().join("keys"), profile, unlock, Arc::new(Counted))
}

fn open(folder: &TempDir) -> LocalFile {
    open_as(folder, PROFILE, &user_key(1)).unwrap()
}

fn entry(name: &str, data: &[u8]) -> Entry {
    let at = Timestamp::from_ms(1_700_000_000_123);
    Entry { name: name.to_owned(), data: Secret::from(data), meta: None, created_at: at, modified_at: at }
}

fn put(name: &str, data: &[u8]) -> Changes {
    Changes { put: vec![entry(name, data)], ..Changes::default() }
}

fn seen(version: &str) -> Seen {
    let tag = RecordTag::v1(b"m", b"v", version);
    Seen::of(&CloudRecord { meta: vec![1], value: vec![2], version: version.parse().unwrap(), tag })
}

fn raise(version: &str) -> Changes {
    Changes { evidence: Evidence::Raise(seen(version)), ..Changes::default() }
}

#[test]
fn keys_and_evidence_are_there_again_after_reopening() {
    let folder = TempDir::new().unwrap();
    let mut file = open(&folder);
    assert!(file.entries().is_empty() && file.seen().is_none());
    file.apply(Changes { put: vec![entry("a", b"1"), entry("b", b"2")], ..raise("3.0") }).unwrap();
    file.apply(Changes { remove: vec!["b".to_owned(), "never there".to_owned()], ..put("c", b"3") }).unwrap();
    let again = open(&folder);
    assert_eq!(again.entries().keys().collect::<Vec<_>>(), ["a", "c"]);
    assert!(again.entries()["c"].data.matches(b"3"));
    assert_eq!(again.seen(), Some(seen("3.0")));
    assert_eq!(file.seen(), Some(seen("3.0")));
}

#[test]
fn a_passphrase_opens_what_it_locked_and_no_other_does() {
    let folder = TempDir::new().unwrap();
    open_as(&folder, PROFILE, &passphrase("correct horse")).unwrap().apply(put("a", b"1")).unwrap();
    let again = open_as(&folder, PROFILE, &passphrase("correct horse")).unwrap();
    assert!(again.entries()["a"].data.matches(b"1"));
    let wrong = open_as(&folder, PROFILE, &passphrase("correct house")).unwrap_err();
    assert!(matches!(wrong, LocalError::DoesNotOpen));
    assert!(matches!(open_as(&folder, PROFILE, &passphrase("")).unwrap_err(), LocalError::EmptyPassphrase));
    assert!(matches!(open_as(&folder, PROFILE, &user_key(1)).unwrap_err(), LocalError::OtherUnlock));
}

#[test]
fn an_empty_passphrase_makes_no_file() {
    let folder = TempDir::new().unwrap();
    assert!(matches!(open_as(&folder, PROFILE, &passphrase("")).unwrap_err(), LocalError::EmptyPassphrase));
    assert!(!folder.path().join("keys").exists());
}

/// Rule 2.3 of the threat model: a file does not open as another profile's, nor under another user's key.
#[test]
fn a_file_opens_for_its_own_profile_and_key_only() {
    let folder = TempDir::new().unwrap();
    open(&folder).apply(put("a", b"1")).unwrap();
    for (profile, key) in [("https://keys.example/app/bob", 1), (PROFILE, 2), ("", 1)] {
        assert!(matches!(open_as(&folder, profile, &user_key(key)).unwrap_err(), LocalError::DoesNotOpen));
    }
    assert!(matches!(open_as(&folder, PROFILE, &passphrase("x")).unwrap_err(), LocalError::OtherUnlock));
}

#[test]
fn every_flipped_byte_and_every_cut_is_noticed() {
    let folder = TempDir::new().unwrap();
    open(&folder).apply(put("a", b"1")).unwrap();
    let path = folder.path().join("keys");
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert!(open_as(&folder, PROFILE, &user_key(1)).is_err(), "byte {at}");
        fs::write(&path, &good[..at]).unwrap();
        assert!(open_as(&folder, PROFILE, &user_key(1)).is_err(), "cut at {at}");
    }
    fs::write(&path, [&good[..], &[0]].concat()).unwrap();
    assert!(matches!(open_as(&folder, PROFILE, &user_key(1)).unwrap_err(), LocalError::DoesNotOpen));
    fs::write(&path, &good).unwrap();
    assert!(open(&folder).entries()["a"].data.matches(b"1"));
}

/// A-STO-08, on the client: a file of a later release is refused by name and left as it is.
#[test]
fn a_file_of_a_later_form_is_refused_untouched() {
    let folder = TempDir::new().unwrap();
    open(&folder);
    let path = folder.path().join("keys");
    let mut bytes = fs::read(&path).unwrap();
    bytes[MAGIC.len()] = FORM + 1;
    fs::write(&path, &bytes).unwrap();
    let error = open_as(&folder, PROFILE, &user_key(1)).unwrap_err();
    assert_eq!(error.to_string(), "local keys are of form 2, this release reads up to 1");
    assert_eq!(fs::read(&path).unwrap(), bytes);
    fs::write(&path, b"some other file, long enough to hold a header of sixty-two bytes").unwrap();
    assert!(matches!(open_as(&folder, PROFILE, &user_key(1)).unwrap_err(), LocalError::NotOurs));
}

/// A-SRV-01, on the local file: work factors outside the range are refused before any work is done.
#[test]
fn work_factors_below_the_floor_and_above_the_ceiling_are_refused() {
    let allowed = Work::FLOOR;
    assert!(allowed.is_allowed() && Work::CEILING.is_allowed());
    let (floor, ceiling) = (Work::FLOOR, Work::CEILING);
    for work in [
        Work { memory_kib: floor.memory_kib - 1, ..allowed },
        Work { memory_kib: ceiling.memory_kib + 1, ..allowed },
        Work { passes: floor.passes - 1, ..allowed },
        Work { passes: ceiling.passes + 1, ..allowed },
        Work { lanes: 0, ..allowed },
        Work { lanes: ceiling.lanes + 1, ..allowed },
        Work { memory_kib: u32::MAX, passes: u32::MAX, lanes: u32::MAX },
    ] {
        let header = Header { lock: BY_PASSPHRASE, work, salt: [0; SALT_BYTES] };
        assert!(matches!(header.key(&passphrase("x")).unwrap_err(), LocalError::BadWork));
    }
    let header = Header { lock: BY_USER_KEY, work: allowed, salt: [0; SALT_BYTES] };
    assert!(matches!(header.key(&user_key(1)).unwrap_err(), LocalError::BadWork));
}

/// Files made by another implementation of what the docstrings say, with known chance: the form must never drift.
#[test]
fn files_of_the_written_form_open_for_ever() {
    let user_key_file = "\
        7374726f6e67726f6f6d206b6579730a0102000000000000000000000000000102030405060708090a0b0c0d0e0f1011\
        12131415161718191a1b1c1d1e1f01090909090909090909090909bd1da9a488d3facb2dd8b8a675fbfd7f44221e9a8c\
        42f132dad10ef93894754dc571b7f100a55c6f066e48fefdfa8d1e3cb9d78b5727d8ef829cbaad6de7743da7831efc92\
        0c4795a6241774111916cd4ba16649279bbb06d8be4a8f194ddc6a18855a9a78d57fb7d740cce9cd5d0173a61df07086\
        577bc89dda2d14965d03262bd6c260dbd6249d1c23cbe0f8694afc4a01970c9248089a1dfa9bb6b4ced8501f695dc9f3\
        dd19b73c69fdd502e756a12042b971784a577730404b555880bedc68e420b2b62bd7c185badd91ef2d70a90716a5c715\
        a9f3ca13701354371856e8da6f95fb977acd78e689d048ca3e36a30693f749515041aae7dd706b863817e3ccd57036cd\
        097900a910ec";
    let passphrase_file = "\
        7374726f6e67726f6f6d206b6579730a0101000100000000000300000004000102030405060708090a0b0c0d0e0f1011\
        12131415161718191a1b1c1d1e1f01090909090909090909090909b7eba55a14d83cdd87ec2afefda1ab9c55d7efcf64\
        7b548d20c156a88ee43833007ad29f59e37b97bc857a9be5fb8b535a6ed84088a80a9e17df0e5d946af2e3d9920aa8d3\
        72bada29918f86ea996caa7e602c603f122ac74bd5c1ab7f2d987abaa31d6234efbff173921943b38872df7931215e47\
        850329b8ada2ee2f5e6edbd4f5f15c3124de6daebb5648724a244801a59c467412225ace8a0b34eb26a2a4fbca786210\
        6003d2ab592abd7bb0c0881009ef384c45d8b56176580abd0e8376b02ee3f61ffbcfb823ea24a8b050812a7529cac379\
        6ffad061c71a765451463f661dc5971cee402913e303a2a46d0863575c7c91a76617fe735159ac06825954ef51049cd8\
        cf4a3ef2a4de";
    for (bytes, unlock) in [(user_key_file, user_key(1)), (passphrase_file, passphrase("correct horse"))] {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("keys"), from_hex(bytes).unwrap()).unwrap();
        let file = open_as(&folder, PROFILE, &unlock).unwrap();
        assert!(file.entries()["key1"].data.matches(b"secret one"));
        assert_eq!(file.entries()["key1"].created_at.as_ms(), 1_700_000_000_123);
        assert_eq!(file.seen(), Some(seen("2.0")));
    }
}

/// A-REC-12 has its like here: evidence only moves forward, whichever of two processes writes last.
#[test]
fn evidence_never_moves_back_unless_the_user_drops_it() {
    let folder = TempDir::new().unwrap();
    let mut file = open(&folder);
    file.apply(raise("5.0")).unwrap();
    file.apply(raise("4.9")).unwrap();
    assert_eq!(file.seen(), Some(seen("5.0")));
    file.apply(put("a", b"1")).unwrap();
    assert_eq!(file.seen(), Some(seen("5.0")));
    file.apply(Changes { evidence: Evidence::Forget, ..Changes::default() }).unwrap();
    assert_eq!((file.seen(), open(&folder).seen()), (None, None));
}

#[test]
fn changes_of_two_processes_on_one_file_add_up() {
    let folder = TempDir::new().unwrap();
    let (mut one, mut two) = (open(&folder), open(&folder));
    one.apply(Changes { put: vec![entry("from one", b"1")], ..raise("2.0") }).unwrap();
    two.apply(Changes { put: vec![entry("from two", b"2")], ..raise("1.0") }).unwrap();
    assert_eq!(two.entries().len(), 2);
    assert_eq!(two.seen(), Some(seen("2.0")));
    one.apply(Changes { remove: vec!["from two".to_owned()], ..Changes::default() }).unwrap();
    assert_eq!(open(&folder).entries().keys().collect::<Vec<_>>(), ["from one"]);
}

#[test]
fn racing_processes_lose_no_change() {
    let folder = TempDir::new().unwrap();
    open(&folder);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let folder = &folder;
            scope.spawn(move || {
                let mut file = open(folder);
                for number in 0..5 {
                    file.apply(put(&format!("{writer}.{number}"), b"x")).unwrap();
                }
            });
        }
    });
    assert_eq!(open(&folder).entries().len(), 20);
}

#[test]
fn a_file_removed_or_made_anew_underneath_is_not_written_over() {
    let folder = TempDir::new().unwrap();
    let mut file = open(&folder);
    fs::remove_file(folder.path().join("keys")).unwrap();
    assert!(matches!(file.apply(put("a", b"1")).unwrap_err(), LocalError::Replaced));
    assert!(!folder.path().join("keys").exists());
    open(&folder);
    assert!(matches!(file.apply(put("a", b"1")).unwrap_err(), LocalError::Replaced));
    assert!(open(&folder).entries().is_empty());
}

/// F-04, on the client: what a killed writer left beside the file is swept away and the file is whole.
#[test]
fn a_half_written_successor_does_no_harm() {
    let folder = TempDir::new().unwrap();
    let mut file = open(&folder);
    file.apply(put("a", b"1")).unwrap();
    fs::write(folder.path().join(".keys.new"), b"torn").unwrap();
    let mut again = open(&folder);
    assert!(again.entries()["a"].data.matches(b"1"));
    again.apply(put("b", b"2")).unwrap();
    assert!(!folder.path().join(".keys.new").exists());
}

/// F-07 and F-09, on the client: a folder that cannot be written is one clear error, and nothing is lost.
#[test]
fn a_write_that_fails_leaves_file_and_memory_as_they_were() {
    let folder = TempDir::new().unwrap();
    let mut file = open(&folder);
    file.apply(put("a", b"1")).unwrap();
    // A folder in the successor's place fails the write for every user, the superuser of a build machine included.
    fs::create_dir(folder.path().join(".keys.new")).unwrap();
    let error = file.apply(put("b", b"2")).unwrap_err();
    assert!(error.to_string().starts_with("cannot write the local keys at "), "{error}");
    assert_eq!(file.entries().keys().collect::<Vec<_>>(), ["a"]);
    fs::remove_dir(folder.path().join(".keys.new")).unwrap();
    assert_eq!(open(&folder).entries().keys().collect::<Vec<_>>(), ["a"]);
    let missing = LocalFile::open(folder.path().join("no/keys"), PROFILE, &user_key(1), Arc::new(Counted));
    assert!(matches!(missing.unwrap_err(), LocalError::Io { action: "lock", .. }));
}

#[test]
fn without_chance_nothing_is_written() {
    let folder = TempDir::new().unwrap();
    let scripted = Arc::new(Scripted::new(vec![7; SALT_BYTES + NONCE_BYTES]));
    let mut file = LocalFile::open(folder.path().join("keys"), PROFILE, &user_key(1), scripted).unwrap();
    let before = fs::read(folder.path().join("keys")).unwrap();
    assert!(matches!(file.apply(put("a", b"1")).unwrap_err(), LocalError::NoEntropy(NoEntropy)));
    assert_eq!(fs::read(folder.path().join("keys")).unwrap(), before);
}

#[test]
fn a_file_beyond_the_largest_size_is_neither_read_nor_written() {
    let folder = TempDir::new().unwrap();
    let mut file = open(&folder);
    let large = vec![0; FILE_BYTES_MAX as usize * 3 / 4];
    assert!(matches!(file.apply(put("a", &large)).unwrap_err(), LocalError::TooLarge));
    assert!(open(&folder).entries().is_empty());
    let handle = fs::OpenOptions::new().write(true).open(folder.path().join("keys")).unwrap();
    handle.set_len(FILE_BYTES_MAX + 1).unwrap();
    assert!(matches!(open_as(&folder, PROFILE, &user_key(1)).unwrap_err(), LocalError::TooLarge));
}

/// A-ADM-07, on the client: only the owner may read the file, whatever it was before.
#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().unwrap();
    let mut file = open(&folder);
    let path = folder.path().join("keys");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&folder.path().join(".keys.lock")), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    file.apply(put("a", b"1")).unwrap();
    assert_eq!(mode(&path), 0o600);
}

/// A-LEAK-01: neither names nor keys nor the passphrase are found on the disk or in debug output.
#[test]
fn nothing_readable_reaches_the_disk_or_debug_output() {
    let folder = TempDir::new().unwrap();
    let unlock = passphrase("canary-passphrase");
    let mut file = open_as(&folder, "canary-profile", &unlock).unwrap();
    file.apply(put("canary-name", b"canary-key")).unwrap();
    let printed = format!("{file:?} {unlock:?} {:?} {:?}", file.entries().len(), user_key(1));
    assert!(!printed.contains("canary"), "{printed}");
    for item in fs::read_dir(folder.path()).unwrap() {
        let bytes = fs::read(item.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"canary"));
        assert!(!bytes.windows(8).any(|window| window == b"Y2FuYXJ5"), "nor in base64");
    }
}
