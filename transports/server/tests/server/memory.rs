//! A-LEAK-02: what the server keeps in memory of somebody who has signed out.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
};

use crate::{
    kit::{Server, folder},
    leak::{PASSPHRASE, VALUE, canaries_of},
    user::Device,
};

const LABEL: &str = "label-that-is-no-secret-0123456789";

/// The private memory of a process, area by area; `None` where the system does not let us read it.
fn memory_of(pid: u32) -> Option<Vec<Vec<u8>>> {
    let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    let areas = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let writable = areas.lines().filter(|area| area.split(' ').nth(1) == Some("rw-p"));
    let area = |line: &str| {
        let (from, to) = line.split(' ').next()?.split_once('-')?;
        let (from, to) = (u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?);
        let mut bytes = vec![0; usize::try_from(to - from).ok()?];
        // An area that is gone by now has nothing to tell.
        memory.read_exact_at(&mut bytes, from).ok()?;
        Some(bytes)
    };
    Some(writable.filter_map(area).collect())
}

fn found(memory: &[Vec<u8>], text: &str) -> usize {
    let finder = memchr::memmem::Finder::new(text);
    memory.iter().map(|area| finder.find_iter(area).count()).sum()
}

/// A-LEAK-02: tokens are nowhere in the server's memory once their sessions have ended and others have been served, and
/// what never leaves the client was never there. A text that is kept is found by the same search.
#[test]
fn nothing_of_a_persons_secrets_is_in_memory_after_they_signed_out() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let person = Device::signed_up(folder.path(), "person", &server, PASSPHRASE);
    let created = person.run(&["item", "create", "-l", LABEL, "-v", "text=-"], VALUE.as_bytes());
    assert!(created.status.success(), "{created:?}");
    let canaries = canaries_of(&person);
    person.succeed(&["user", "get"]);
    person.succeed(&["user", "logout"]);
    // Buffers of a thread's last requests and its stack hold what they held until the next ones come.
    for _ in 0..64 {
        assert_eq!(server.ask_as("srt_another", "GET", "/v1/session", "").status, 401);
    }
    let Some(memory) = memory_of(server.pid()) else {
        eprintln!("not looked at: reading the memory of an undumpable process takes CAP_SYS_PTRACE");
        return;
    };
    assert!(found(&memory, LABEL) > 0, "the search finds what is there");
    let left: Vec<_> = canaries.iter().map(|(name, canary)| (name, found(&memory, canary))).collect();
    assert!(left.iter().all(|(_, count)| *count == 0), "{left:?}");
}
