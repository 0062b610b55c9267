use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use strongroom_primitives::id::Subject;

use super::*;
use crate::{
    error::{EngineError, Quota},
    feed::Event,
    testing::Desk,
};

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn put(name: &RecordName, meta: &str, value: &str, previous: Previous) -> PutRecord {
    PutRecord::new(name.clone(), bytes(meta), bytes(value), previous, Vec::new())
}

fn named() -> RecordName {
    RecordName::new(["root", "path", "key"]).unwrap()
}

fn subject(text: &str) -> Subject {
    Subject::new(text).unwrap()
}

fn version(major: u64, minor: u64) -> Version {
    Version { major, minor }
}

fn get(name: &RecordName) -> GetRecord {
    GetRecord { owner: None, name: name.clone() }
}

/// A-REC-01, A-REC-04: the table of dialects/keyknox.md section 3.4.
#[test]
fn the_single_record_follows_the_version_table() {
    let mut desk = Desk::new();
    let alice = desk.who("alice");
    let name = RecordName::single();

    let head = desk.run(&alice, &put(&name, "m1", "v1", Previous::Unsaid)).unwrap();
    assert_eq!(head.version, version(1, 0), "create");
    let head = desk.run(&alice, &put(&name, "m2", "v2", Previous::Tag(head.tag))).unwrap();
    assert_eq!(head.version, version(2, 0), "both differ");
    let head = desk.run(&alice, &put(&name, "m3", "v2", Previous::Tag(head.tag))).unwrap();
    assert_eq!(head.version, version(2, 1), "only meta differs");
    let refused = desk.run(&alice, &put(&name, "m3", "v3", Previous::Tag(head.tag)));
    assert_eq!(refused, Err(EngineError::ValueChangedAlone));
    let same = desk.run(&alice, &put(&name, "m3", "v2", Previous::Tag(head.tag))).unwrap();
    assert_eq!(
        (same.version, same.tag, same.sequence),
        (head.version, head.tag, head.sequence),
        "nothing differs"
    );
    let reset = ResetSingle { previous: Previous::Unsaid };
    let empty = desk.run(&alice, &reset).unwrap().expect("there was a record");
    assert_eq!((empty.head.version, empty.meta.len(), empty.value.len()), (version(3, 0), 0, 0));
    let again = desk.run(&alice, &reset).unwrap().expect("there is an empty record");
    assert_eq!(again.head.version, version(4, 0), "an empty record is reset too");
    assert_ne!(again.head.tag, empty.head.tag, "a stale writer does not match an earlier empty state");
    let head = desk.run(&alice, &put(&name, "m4", "v4", Previous::Tag(again.head.tag))).unwrap();
    assert_eq!(head.version, version(5, 0), "write after reset");
    assert_eq!(head.tag, RecordTag::v1(b"m4", b"v4", "5.0"));
}

/// A-REC-01: stale, missing and nonsensical previous states.
#[test]
fn a_writer_must_know_the_present_state() {
    let mut desk = Desk::new();
    let alice = desk.who("alice");
    for name in [RecordName::single(), named()] {
        let absent = absent_tag(name.form());
        let other = RecordTag::v2(b"x", b"y");
        for previous in [Previous::Tag(other), Previous::Nonsense] {
            let refused = desk.run(&alice, &put(&name, "m", "v", previous));
            assert_eq!(refused, Err(EngineError::StaleRecord { head: None }));
        }
        let head = desk.run(&alice, &put(&name, "m", "v", Previous::Tag(absent))).unwrap();
        for previous in [Previous::Tag(absent), Previous::Tag(other), Previous::Nonsense, Previous::Absent] {
            let refused = desk.run(&alice, &put(&name, "m2", "v2", previous));
            assert_eq!(refused, Err(EngineError::StaleRecord { head: Some(Box::new(head.clone())) }));
        }
        let refused = desk.run(&alice, &put(&name, "m2", "v2", Previous::Unsaid));
        assert_eq!(refused, Err(EngineError::PreviousMissing { head: Box::new(head.clone()) }));
        assert_eq!(desk.run(&alice, &get(&name)).unwrap().head, head, "refusals leave the head as it was");
    }
}

#[test]
fn a_named_record_that_was_reset_is_absent_and_its_sequence_goes_on() {
    let mut desk = Desk::new();
    let alice = desk.who("alice");
    let name = named();
    let head = desk.run(&alice, &put(&name, "m", "v", Previous::Unsaid)).unwrap();
    let reset = ResetRecords { prefix: vec!["root".into()], previous: Previous::Unsaid, from: None };
    assert_eq!(desk.run(&alice, &reset).unwrap().count, 1);
    assert_eq!(desk.run(&alice, &get(&name)), Err(EngineError::UnknownRecord));
    let stale = desk.run(&alice, &put(&name, "m2", "v2", Previous::Tag(head.tag)));
    assert_eq!(stale, Err(EngineError::StaleRecord { head: None }));
    let back = desk.run(&alice, &put(&name, "m2", "v2", Previous::Unsaid)).unwrap();
    assert_eq!((back.sequence, back.version), (3, version(2, 0)));
    assert_eq!(back.recipients, [subject("alice")], "sharing does not come back by itself");
}

#[test]
fn a_reset_by_prefix_leaves_everything_else_alone() {
    let mut desk = Desk::new();
    let alice = desk.who("alice");
    let name = |parts: [&str; 3]| RecordName::new(parts).unwrap();
    let names = [name(["a", "b", "1"]), name(["a", "b", "2"]), name(["a", "c", "1"]), name(["b", "b", "1"])];
    for name in names.iter().chain([&RecordName::single()]) {
        desk.run(&alice, &put(name, "m", "v", Previous::Unsaid)).unwrap();
    }
    let reset = |parts: &[&str]| ResetRecords {
        prefix: parts.iter().map(|part| (*part).to_owned()).collect(),
        previous: Previous::Unsaid,
        from: None,
    };
    assert_eq!(desk.run(&alice, &reset(&["a", "b"])).unwrap().count, 2);
    assert!(desk.run(&alice, &get(&names[2])).is_ok() && desk.run(&alice, &get(&names[3])).is_ok());
    assert_eq!(desk.run(&alice, &reset(&[])).unwrap().count, 2);
    assert!(
        desk.run(&alice, &get(&RecordName::single())).is_ok(),
        "the single record is not among the named ones"
    );
}

#[test]
fn sharing_adds_recipients_and_shows_the_record_to_them_alone() {
    let mut desk = Desk::new();
    let (alice, bob, carol) = (desk.who("alice"), desk.who("bob"), desk.who("carol"));
    let name = named();
    let shares = vec![subject("bob"), subject("alice"), subject("bob")];
    let create = PutRecord::new(name.clone(), bytes("m"), bytes("v"), Previous::Unsaid, shares);
    let head = desk.run(&alice, &create).unwrap();
    assert_eq!(head.recipients, [subject("bob"), subject("alice")], "duplicates dropped, first order kept");

    let theirs = GetRecord { owner: Some(subject("alice")), name: name.clone() };
    assert_eq!(desk.run(&bob, &theirs).unwrap().head.owner, subject("alice"));
    assert_eq!(desk.run(&carol, &theirs), Err(EngineError::UnknownRecord));
    let list = ListRecords { owner: Some(subject("alice")), prefix: Vec::new(), from: None, limit: 10 };
    assert_eq!(desk.run(&bob, &list).unwrap().records.len(), 1);
    assert_eq!(desk.run(&carol, &list).unwrap(), NamePage { records: Vec::new(), next: None });

    let share = ShareRecord { name: name.clone(), add: vec![subject("carol")], remove: vec![subject("bob")] };
    let shared = desk.run(&alice, &share).unwrap();
    assert_eq!(shared.recipients, [subject("alice"), subject("carol")]);
    assert_eq!(desk.run(&bob, &theirs), Err(EngineError::UnknownRecord));
    assert!(desk.run(&carol, &theirs).is_ok());
}

#[test]
fn taking_the_last_recipient_out_deletes_the_record() {
    let mut desk = Desk::new();
    let alice = desk.who("alice");
    let name = named();
    desk.run(&alice, &put(&name, "m", "v", Previous::Unsaid)).unwrap();
    let share = ShareRecord { name: name.clone(), add: vec![subject("bob")], remove: Vec::new() };
    desk.run(&alice, &share).unwrap();
    let remove =
        |who: &str| RemoveRecipient { prefix: name.parts().to_vec(), recipient: subject(who), from: None };
    let done = desk.run(&alice, &remove("bob")).unwrap();
    assert_eq!(done.record.expect("it is still there").head.recipients, [subject("alice")]);
    let done = desk.run(&alice, &remove("alice")).unwrap();
    assert_eq!(done.record, None);
    assert_eq!(desk.run(&alice, &get(&name)), Err(EngineError::UnknownRecord));
}

#[test]
fn grants_are_delivered_and_taken_back_through_the_outbox() {
    let mut desk = Desk::new();
    let (alice, bob, node) = (desk.who("alice"), desk.who("bob"), desk.node());
    let name = named();
    let create = PutRecord::new(name.clone(), bytes("m"), bytes("v"), Previous::Unsaid, vec![subject("bob")]);
    desk.run(&alice, &create).unwrap();
    let deliver = DeliverGrants { owner: alice.account, record: desk.space().record(&name).0 };
    let list = ListGrants { from: None, limit: 10 };
    assert!(desk.run(&bob, &list).unwrap().grants.is_empty(), "not before delivery");
    assert!(!desk.run(&node, &deliver).unwrap());
    assert_eq!(desk.run(&bob, &list).unwrap().grants[0].owner, subject("alice"));
    let share = ShareRecord { name: name.clone(), add: Vec::new(), remove: vec![subject("bob")] };
    desk.run(&alice, &share).unwrap();
    assert!(!desk.run(&node, &deliver).unwrap());
    assert!(desk.run(&bob, &list).unwrap().grants.is_empty());
    let told = |event: &&Event| matches!(event, Event::RecordGranted { .. } | Event::RecordWithdrawn { .. });
    assert_eq!(desk.events.iter().filter(told).count(), 2);
}

#[test]
fn who_could_read_a_record_is_told_that_it_is_gone_however_it_went() {
    let ways: [fn(&mut Desk, &crate::credential::Principal); 3] = [
        |desk, alice| {
            desk.run(alice, &DeleteRecord { name: named(), previous: Previous::Unsaid }).unwrap();
        },
        |desk, alice| {
            let reset = ResetRecords { prefix: Vec::new(), previous: Previous::Unsaid, from: None };
            desk.run(alice, &reset).unwrap();
        },
        |desk, alice| {
            let remove = RemoveRecipient { prefix: Vec::new(), recipient: subject("bob"), from: None };
            desk.run(alice, &remove).unwrap();
        },
    ];
    for way in ways {
        let mut desk = Desk::new();
        let (alice, bob, node) = (desk.who("alice"), desk.who("bob"), desk.node());
        let create = PutRecord::new(named(), bytes("m"), bytes("v"), Previous::Unsaid, vec![subject("bob")]);
        desk.run(&alice, &create).unwrap();
        let deliver = DeliverGrants { owner: alice.account, record: desk.space().record(&named()).0 };
        desk.run(&node, &deliver).unwrap();
        let list = ListGrants { from: None, limit: 10 };
        assert_eq!(desk.run(&bob, &list).unwrap().grants.len(), 1);
        way(&mut desk, &alice);
        assert_eq!(
            desk.run(&alice, &get(&named())),
            Err(EngineError::UnknownRecord),
            "bob was the only recipient"
        );
        desk.run(&node, &deliver).unwrap();
        assert!(desk.run(&bob, &list).unwrap().grants.is_empty());
        assert!(matches!(desk.events.last(), Some(Event::RecordWithdrawn { .. })));
    }
}

#[test]
fn history_keeps_its_number_of_versions_and_any_of_them_comes_back() {
    let mut desk = Desk::new();
    desk.limits.history_versions_max = 4;
    let alice = desk.who("alice");
    let name = named();
    let mut previous = Previous::Unsaid;
    for n in 1..=10 {
        desk.wait(Duration::from_secs(1));
        let head = desk.run(&alice, &put(&name, &format!("m{n}"), &format!("v{n}"), previous)).unwrap();
        previous = Previous::Tag(head.tag);
    }
    let page = desk.run(&alice, &History { name: name.clone(), after: None }).unwrap();
    let kept: Vec<u64> = page.versions.iter().map(|version| version.sequence).collect();
    assert_eq!(kept, [7, 8, 9, 10]);
    let gone = GetVersion { name: name.clone(), sequence: 6 };
    assert_eq!(desk.run(&alice, &gone), Err(EngineError::UnknownVersion));
    let old = desk.run(&alice, &GetVersion { name: name.clone(), sequence: 8 }).unwrap();
    assert_eq!(old.value, bytes("v8"));

    let undo = UndoRecord { name: name.clone(), sequence: 8, previous: previous.clone() };
    let head = desk.run(&alice, &undo).unwrap();
    assert_eq!((head.sequence, head.tag), (11, old.head.tag));
    assert!(head.version > old.head.version, "the version never goes back");
    assert_eq!(desk.run(&alice, &get(&name)).unwrap().value, bytes("v8"));
    let stale = UndoRecord { name: name.clone(), sequence: 9, previous };
    assert!(matches!(desk.run(&alice, &stale), Err(EngineError::StaleRecord { .. })));
}

#[test]
fn history_follows_its_limit_up_and_down_and_uses_its_slots_again() {
    let mut desk = Desk::new();
    let alice = desk.who("alice");
    let name = named();
    let mut previous = Previous::Unsaid;
    let mut n = 0;
    for (max, writes, kept) in [
        (3, 5, vec![3, 4, 5]),
        (5, 1, vec![3, 4, 5, 6]),
        (5, 4, vec![6, 7, 8, 9, 10]),
        (2, 1, vec![10, 11]),
        (4, 1, vec![10, 11, 12]),
        (1, 1, vec![13]),
        (1, 1, vec![14]),
    ] {
        desk.limits.history_versions_max = max;
        for _ in 0..writes {
            n += 1;
            let head = desk.run(&alice, &put(&name, &format!("m{n}"), &format!("v{n}"), previous)).unwrap();
            previous = Previous::Tag(head.tag);
        }
        let page = desk.run(&alice, &History { name: name.clone(), after: None }).unwrap();
        let found: Vec<u64> = page.versions.iter().map(|version| version.sequence).collect();
        assert_eq!(found, kept, "{max} are kept");
        for sequence in 1..=n + 1 {
            let got = desk.run(&alice, &GetVersion { name: name.clone(), sequence });
            if kept.contains(&sequence) {
                assert_eq!(got.unwrap().value, bytes(&format!("v{sequence}")));
            } else {
                assert_eq!(got, Err(EngineError::UnknownVersion), "{sequence} of {kept:?}");
            }
        }
        assert_eq!(desk.rows_under(b'v'), kept.len(), "no row is left behind");
    }
}

#[test]
fn history_comes_in_pages() {
    let mut desk = Desk::new();
    let alice = desk.who("alice");
    let name = named();
    let mut previous = Previous::Unsaid;
    for n in 1..=40 {
        let head = desk.run(&alice, &put(&name, &format!("m{n}"), "v", previous)).unwrap();
        previous = Previous::Tag(head.tag);
    }
    let (mut after, mut found, mut pages) = (None, Vec::new(), 0);
    loop {
        let page = desk.run(&alice, &History { name: name.clone(), after }).unwrap();
        found.extend(page.versions.iter().map(|version| version.sequence));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((found, pages), ((9..=40).collect(), 2));
    let beyond = History { name, after: Some(u64::MAX) };
    assert_eq!(desk.run(&alice, &beyond).unwrap(), HistoryPage { versions: Vec::new(), next: None });
}

#[test]
fn a_deleted_record_can_be_undone_by_its_owner() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.who("alice"), desk.who("bob"));
    let name = named();
    desk.run(&alice, &put(&name, "m", "v", Previous::Unsaid)).unwrap();
    let reset = ResetRecords { prefix: Vec::new(), previous: Previous::Unsaid, from: None };
    desk.run(&alice, &reset).unwrap();
    let undo = UndoRecord { name: name.clone(), sequence: 1, previous: Previous::Unsaid };
    assert_eq!(desk.run(&bob, &undo), Err(EngineError::UnknownRecord));
    let head = desk.run(&alice, &undo).unwrap();
    assert_eq!((head.sequence, head.recipients), (3, vec![subject("alice")]));
    assert_eq!(desk.run(&alice, &get(&name)).unwrap().value, bytes("v"));
}

/// A-REC-03: exact at the boundary, measured in decoded bytes, and nothing changes beyond it.
#[test]
fn sizes_are_exact_at_their_limits() {
    let mut desk = Desk::new();
    let alice = desk.who("alice");
    for (name, meta_max) in [(RecordName::single(), 10_240), (named(), 65_536)] {
        let meta = "m".repeat(meta_max);
        let value = "v".repeat(102_400);
        let head = desk.run(&alice, &put(&name, &meta, &value, Previous::Unsaid)).unwrap();
        for factor in [1, 9 * meta_max] {
            let meta = "m".repeat(meta_max + factor);
            let refused = desk.run(&alice, &put(&name, &meta, "v", Previous::Tag(head.tag)));
            assert_eq!(refused, Err(EngineError::MetaTooLarge { bytes: meta.len(), max: meta_max }));
        }
        let refused = desk.run(&alice, &put(&name, "m", &format!("{value}v"), Previous::Tag(head.tag)));
        assert_eq!(refused, Err(EngineError::ValueTooLarge { bytes: 102_401, max: 102_400 }));
        assert_eq!(desk.run(&alice, &get(&name)).unwrap().head, head);
    }
}

#[test]
fn quotas_count_live_records_and_their_bytes() {
    let mut desk = Desk::new();
    desk.limits.account_records_max = 2;
    desk.limits.account_bytes_max = 10;
    let alice = desk.who("alice");
    let name = |key: &str| RecordName::new(["r", "p", key]).unwrap();
    desk.run(&alice, &put(&name("1"), "mm", "vv", Previous::Unsaid)).unwrap();
    let head = desk.run(&alice, &put(&name("2"), "mm", "vv", Previous::Unsaid)).unwrap();
    let refused = desk.run(&alice, &put(&name("3"), "m", "v", Previous::Unsaid));
    assert_eq!(refused, Err(EngineError::QuotaExceeded { what: Quota::Records, max: 2 }));
    let refused = desk.run(&alice, &put(&name("2"), "mmm", "vvvv", Previous::Tag(head.tag)));
    assert_eq!(refused, Err(EngineError::QuotaExceeded { what: Quota::Bytes, max: 10 }));
    let smaller = desk.run(&alice, &put(&name("2"), "n", "w", Previous::Tag(head.tag)));
    assert!(smaller.is_ok());
    let reset = ResetRecords { prefix: Vec::new(), previous: Previous::Unsaid, from: None };
    desk.run(&alice, &reset).unwrap();
    desk.run(&alice, &put(&name("3"), "mmmmm", "vvvvv", Previous::Unsaid)).unwrap();
}

#[test]
fn recipients_are_limited_per_record_and_per_command() {
    let mut desk = Desk::new();
    desk.limits.recipients_max = 3;
    let alice = desk.who("alice");
    let subjects = |n: usize| (0..n).map(|n| subject(&format!("s{n}"))).collect::<Vec<_>>();
    let create = |n| PutRecord::new(named(), bytes("m"), bytes("v"), Previous::Unsaid, subjects(n));
    assert_eq!(desk.run(&alice, &create(4)), Err(EngineError::TooManyRecipients { max: 3 }));
    desk.run(&alice, &create(3)).unwrap();
    let more = ShareRecord { name: named(), add: vec![subject("one more")], remove: Vec::new() };
    assert_eq!(desk.run(&alice, &more), Err(EngineError::TooManyRecipients { max: 3 }));
    let single = PutRecord::new(RecordName::single(), bytes("m"), bytes("v"), Previous::Unsaid, subjects(1));
    assert_eq!(desk.run(&alice, &single), Err(EngineError::NotShareable));
}

/// A reader who keeps the chain can tell that two states have the same past.
#[test]
fn the_chain_depends_on_everything_before() {
    let mut desk = Desk::new();
    let (alice, bob) = (desk.who("alice"), desk.who("bob"));
    let mut chains = Vec::new();
    for (who, first) in [(&alice, "a"), (&bob, "b")] {
        let head = desk.run(who, &put(&named(), first, "v", Previous::Unsaid)).unwrap();
        let head = desk.run(who, &put(&named(), "m", "same", Previous::Tag(head.tag))).unwrap();
        chains.push((head.tag, head.chain));
    }
    assert_eq!(chains[0].0, chains[1].0, "the same state");
    assert_ne!(chains[0].1, chains[1].1, "by another way");
}

#[derive(Debug, Clone)]
enum Act {
    Put(u8, u8, bool),
    Reset,
    Undo(u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0..3_u8, 0..3_u8, any::<bool>()).prop_map(|(meta, value, current)| Act::Put(meta, value, current)),
        Just(Act::Reset),
        (1..8_u8).prop_map(Act::Undo),
    ];
    proptest::collection::vec(act, 1..24)
}

proptest! {
    /// Whatever is done to a record: the sequence counts every change, the version never goes back, refusals change
    /// nothing, and what is read is what was written last.
    #[test]
    fn no_order_of_commands_makes_a_record_go_back(acts in acts(), single in any::<bool>()) {
        let mut desk = Desk::new();
        let alice = desk.who("alice");
        let name = if single { RecordName::single() } else { named() };
        let (mut sequence, mut newest) = (0, Version { major: 0, minor: 0 });
        for act in acts {
            let before = desk.run(&alice, &get(&name)).ok();
            let changed = match act {
                Act::Put(meta, value, current) => {
                    let previous = match &before {
                        Some(record) if current => Previous::Tag(record.head.tag),
                        None if current => Previous::Absent,
                        _ => Previous::Nonsense,
                    };
                    let write = put(&name, &format!("m{meta}"), &format!("v{value}"), previous);
                    desk.run(&alice, &write).ok()
                }
                Act::Reset if single => {
                    desk.run(&alice, &ResetSingle { previous: Previous::Unsaid }).unwrap().map(|record| record.head)
                }
                Act::Reset => {
                    let reset =
                        ResetRecords { prefix: name.parts().to_vec(), previous: Previous::Unsaid, from: None };
                    sequence += desk.run(&alice, &reset).unwrap().count;
                    None
                }
                Act::Undo(back) => {
                    let undo = UndoRecord { name: name.clone(), sequence: u64::from(back), previous: Previous::Unsaid };
                    desk.run(&alice, &undo).ok()
                }
            };
            let after = desk.run(&alice, &get(&name)).ok();
            match changed {
                Some(head) => {
                    prop_assert!(head.sequence == sequence || head.sequence == sequence + 1);
                    prop_assert!(head.version >= newest);
                    (sequence, newest) = (head.sequence, head.version);
                    prop_assert_eq!(after.map(|record| record.head), Some(head));
                }
                None if !matches!(act, Act::Reset) => prop_assert_eq!(after, before),
                None => {}
            }
        }
    }
}

#[test]
fn deleting_takes_one_record_and_leaves_those_whose_names_begin_with_its_own() {
    let mut desk = Desk::new();
    let who = desk.who("ann");
    let (short, long) = (RecordName::new(["a"]).unwrap(), RecordName::new(["a", "b"]).unwrap());
    let head = desk.run(&who, &put(&short, "m", "v", Previous::Unsaid)).unwrap();
    desk.run(&who, &put(&long, "m", "v", Previous::Unsaid)).unwrap();

    let stale = DeleteRecord { name: short.clone(), previous: Previous::Absent };
    assert!(matches!(desk.run(&who, &stale), Err(EngineError::StaleRecord { head: Some(_) })));
    let delete = DeleteRecord { name: short.clone(), previous: Previous::Tag(head.tag) };
    desk.run(&who, &delete).unwrap();
    assert_eq!(desk.run(&who, &get(&short)).unwrap_err(), EngineError::UnknownRecord);
    assert!(desk.run(&who, &get(&long)).is_ok());
    assert_eq!(
        desk.run(&who, &DeleteRecord { name: short, previous: Previous::Unsaid }).unwrap_err(),
        EngineError::UnknownRecord
    );
    let single = DeleteRecord { name: RecordName::single(), previous: Previous::Unsaid };
    assert_eq!(desk.run(&who, &single).unwrap_err(), EngineError::UnknownRecord);
    assert!(matches!(desk.events.last(), Some(Event::RecordDeleted { sequence: 2, .. })));
}
