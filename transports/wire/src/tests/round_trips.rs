//! What is written is read again as it was, in both encodings.

use proptest::{collection::vec, option, prelude::*};

use super::*;

fn a_subject() -> impl Strategy<Value = Subject> {
    "[a-z\u{e9}\u{1F511}/ ]{1,12}".prop_map(|text| subject(&text))
}

fn a_name() -> impl Strategy<Value = Vec<String>> {
    vec("\\PC{0,8}", 0..4)
}

fn some_bytes() -> impl Strategy<Value = Base64Bytes> {
    vec(any::<u8>(), 0..80).prop_map(|bytes| Base64Bytes(bytes.into()))
}

fn a_tag() -> impl Strategy<Value = RecordTag> {
    vec(any::<u8>(), 64).prop_map(|bytes| RecordTag::from_bytes(bytes.try_into().unwrap()))
}

fn a_session() -> impl Strategy<Value = SessionId> {
    any::<[u8; 16]>().prop_map(SessionId::from_bytes)
}

fn a_moment() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp::from_ms)
}

fn a_previous() -> impl Strategy<Value = Previous> {
    prop_oneof![Just(Previous::Absent), a_tag().prop_map(Previous::Tag)]
}

fn an_operation() -> impl Strategy<Value = Operation> {
    let owner = || option::of(a_subject());
    let cursor = || option::of("[A-Za-z0-9_-]{0,20}");
    prop_oneof![
        Just(Operation::Whoami {}),
        Just(Operation::ListSessions {}),
        option::of(a_session()).prop_map(|session| Operation::RevokeSession { session }),
        any::<bool>().prop_map(|keep_current| Operation::RevokeSessions { keep_current }),
        (any::<u64>(), "[a-z]{0,8}").prop_map(|(life_s, label)| Operation::OpenChild { life_s, label }),
        (owner(), a_name()).prop_map(|(owner, name)| Operation::GetRecord { owner, name }),
        (a_name(), some_bytes(), some_bytes(), option::of(a_previous()), vec(a_subject(), 0..3)).prop_map(
            |(name, meta, value, previous, recipients)| Operation::PutRecord {
                name,
                meta,
                value,
                previous,
                recipients
            }
        ),
        (owner(), a_name(), cursor(), option::of(any::<usize>())).prop_map(
            |(owner, prefix, cursor, limit)| Operation::ListRecords { owner, prefix, cursor, limit }
        ),
        (a_name(), option::of(a_previous()))
            .prop_map(|(name, previous)| Operation::DeleteRecord { name, previous }),
        (a_name(), owner()).prop_map(|(prefix, recipient)| Operation::ResetRecords { prefix, recipient }),
        (a_name(), option::of(any::<u64>())).prop_map(|(name, after)| Operation::History { name, after }),
        (a_name(), any::<u64>()).prop_map(|(name, sequence)| Operation::GetVersion { name, sequence }),
        (a_name(), any::<u64>(), option::of(a_previous()))
            .prop_map(|(name, sequence, previous)| { Operation::UndoRecord { name, sequence, previous } }),
        (a_name(), vec(a_subject(), 0..3), vec(a_subject(), 0..3))
            .prop_map(|(name, add, remove)| Operation::ShareRecord { name, add, remove }),
        (cursor(), option::of(any::<usize>()))
            .prop_map(|(cursor, limit)| Operation::ListGrants { cursor, limit }),
        (owner(), a_name()).prop_map(|(owner, name)| Operation::Receipt { owner, name }),
        (
            owner(),
            option::of(a_name()),
            option::of(any::<u64>()),
            option::of(any::<u64>()),
            option::of(any::<usize>())
        )
            .prop_map(|(owner, record, after, wait_s, limit)| Operation::FeedPage {
                owner,
                record,
                after,
                wait_s,
                limit
            }),
        a_subject().prop_map(|confirm| Operation::EraseAccount { confirm }),
    ]
}

fn a_client_frame() -> impl Strategy<Value = ClientFrame> {
    prop_oneof![
        "\\PC{0,20}".prop_map(|authorization| ClientFrame::Hello { authorization }),
        (any::<u64>(), an_operation(), option::of("[0-9a-f]{32}"))
            .prop_map(|(id, operation, idempotency_key)| ClientFrame::Ask { id, operation, idempotency_key }),
        (any::<u64>(), any::<u32>(), option::of(a_subject()), option::of(a_name()), option::of(any::<u64>()))
            .prop_map(|(id, subscription, owner, record, after)| {
                ClientFrame::Subscribe { id, subscription, owner, record, after }
            }),
        (any::<u64>(), any::<u32>())
            .prop_map(|(id, subscription)| ClientFrame::Unsubscribe { id, subscription }),
    ]
}

fn a_head() -> impl Strategy<Value = RecordHead> {
    (a_name(), a_subject(), any::<u64>(), a_tag(), some_bytes(), a_moment(), vec(a_subject(), 0..3)).prop_map(
        |(name, owner, sequence, tag, chain, written, recipients)| RecordHead {
            name,
            owner,
            sequence,
            version: format!("{sequence}.0"),
            tag,
            chain,
            written,
            recipients,
        },
    )
}

fn a_problem() -> impl Strategy<Value = Box<Problem>> {
    (400_u16..600, option::of(a_head()), option::of("\\PC{0,20}"), option::of(0_u32..100)).prop_map(
        |(status, head, detail, retry_after_s)| {
            Box::new(Problem {
                head: head.map(Box::new),
                detail,
                retry_after_s: retry_after_s.map(f64::from),
                ..Problem::new(status, "some-code", "something")
            })
        },
    )
}

fn a_reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        a_head().prop_map(Reply::Head),
        (a_head(), some_bytes(), some_bytes())
            .prop_map(|(head, meta, value)| Reply::Record(RecordDocument { head, meta, value })),
        (any::<[u8; 16]>(), a_subject(), option::of(a_session()), option::of(a_moment())).prop_map(
            |(account, subject, session, expires)| Reply::Whoami(Whoami {
                account: AccountId::from_bytes(account),
                realm: "app".to_owned(),
                subject,
                rights: vec!["get".to_owned()],
                session,
                expires,
            })
        ),
        vec(a_subject(), 0..4).prop_map(|recipients| Reply::Shared(Shared { recipients })),
        Just(Reply::Done {}),
    ]
}

fn a_server_frame() -> impl Strategy<Value = ServerFrame> {
    let an_event = (any::<u64>(), a_moment(), a_name(), a_tag(), a_session()).prop_flat_map(
        |(sequence, at, name, tag, session)| {
            let put = What::RecordPut { name, record_sequence: sequence, version: "1.0".to_owned(), tag };
            prop_oneof![Just(put), Just(What::SessionRevoked { session })].prop_map(move |what| Event {
                sequence,
                at,
                what,
            })
        },
    );
    prop_oneof![
        (any::<u64>(), a_reply()).prop_map(|(id, reply)| ServerFrame::Answer { id, reply }),
        (option::of(any::<u64>()), a_problem())
            .prop_map(|(id, problem)| ServerFrame::Problem { id, problem }),
        (any::<u32>(), an_event).prop_map(|(subscription, event)| ServerFrame::Push { subscription, event }),
        (any::<u32>(), any::<u64>())
            .prop_map(|(subscription, after)| ServerFrame::Gap { subscription, after }),
        (any::<u32>(), a_problem())
            .prop_map(|(subscription, problem)| ServerFrame::Ended { subscription, problem }),
    ]
}

proptest! {
    #[test]
    fn what_a_client_says_is_what_a_server_hears(frame in a_client_frame()) {
        for encoding in [Encoding::Json, Encoding::Cbor] {
            let read = encoding.read::<ClientFrame>(&encoding.write(&frame));
            prop_assert_eq!(read.as_ref(), Ok(&frame), "{:?}", encoding);
        }
    }

    #[test]
    fn what_a_server_says_is_what_a_client_hears(frame in a_server_frame()) {
        for encoding in [Encoding::Json, Encoding::Cbor] {
            let read = encoding.read::<ServerFrame>(&encoding.write(&frame));
            prop_assert_eq!(read.as_ref(), Ok(&frame), "{:?}", encoding);
        }
    }

    /// A-WS-01: whatever bytes arrive, reading ends in a frame or an error.
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..400)) {
        for encoding in [Encoding::Json, Encoding::Cbor] {
            let _ = encoding.read::<ClientFrame>(&bytes);
        }
    }
}
