//! What travels, to the letter: a change of any of these texts is a change for every client.

use bytes::Bytes;
use insta::assert_snapshot;
use strongroom_primitives::{
    hash::RecordTag,
    id::{
        AccountId, ApiKeyId, Audience, EscrowId, ItemId, RecoveryRequestId, SessionId, ShareId, ShareRightId,
        Subject,
    },
    time::Timestamp,
};

use super::*;

fn json<T: serde::Serialize>(document: &T) -> String {
    String::from_utf8(Encoding::Json.write(document).to_vec()).expect("JSON is UTF-8")
}

/// CBOR, in hexadecimal digits.
fn cbor<T: serde::Serialize>(document: &T) -> String {
    strongroom_primitives::encoding::to_hex(&Encoding::Cbor.write(document))
}

fn subject(text: &str) -> Subject {
    Subject::new(text).expect("a good subject")
}

fn name() -> Vec<String> {
    vec!["notes".to_owned(), "a/b".to_owned()]
}

fn bytes(text: &'static str) -> Base64Bytes {
    Base64Bytes(Bytes::from_static(text.as_bytes()))
}

fn tag() -> RecordTag {
    RecordTag::from_bytes([7; 64])
}

fn audience() -> Audience {
    Audience::new("vault").unwrap()
}

fn share() -> ShareId {
    ShareId::from_bytes([0xab; 16])
}

fn share_right() -> ShareRightId {
    ShareRightId::from_bytes([0xcd; 16])
}

fn api_key() -> ApiKeyId {
    ApiKeyId::from_bytes([0xef; 16])
}

fn escrow() -> EscrowId {
    EscrowId::from_bytes([0xf0; 16])
}

fn changed(state: RecoveryState, approvals: u8) -> What {
    let request = RecoveryRequestId::from_bytes([0xf1; 16]);
    What::RecoveryChanged { escrow: escrow(), request, requester: subject("ann"), state, approvals }
}

fn item() -> ItemId {
    ItemId::from_bytes([0xcd; 16])
}

fn session() -> SessionId {
    SessionId::from_bytes([0xab; 16])
}

fn at() -> Timestamp {
    Timestamp::from_ms(1_780_000_000_123)
}

fn head() -> RecordHead {
    RecordHead {
        name: name(),
        owner: subject("ann"),
        sequence: 3,
        version: "2.1".to_owned(),
        tag: tag(),
        chain: Base64Bytes(Bytes::from_static(&[1; 32])),
        written: at(),
        recipients: vec![subject("ann"), subject("bob")],
    }
}

fn document() -> RecordDocument {
    RecordDocument { head: head(), meta: bytes("m"), value: bytes("") }
}

#[test]
fn operations() {
    let all = [
        Operation::Whoami {},
        Operation::ListSessions {},
        Operation::RevokeSession { session: None },
        Operation::RevokeSession { session: Some(session()) },
        Operation::RevokeSessions { keep_current: true },
        Operation::OpenChild { life_s: 60, label: "script".to_owned() },
        Operation::GetRecord { owner: None, name: name() },
        Operation::GetRecord { owner: Some(subject("ann")), name: name() },
        Operation::PutRecord {
            name: name(),
            meta: bytes("m"),
            value: bytes("v"),
            previous: None,
            recipients: Vec::new(),
        },
        Operation::PutRecord {
            name: name(),
            meta: bytes("m"),
            value: bytes("v"),
            previous: Some(Previous::Tag(tag())),
            recipients: vec![subject("bob")],
        },
        Operation::ListRecords { owner: None, prefix: Vec::new(), cursor: None, limit: None },
        Operation::ListRecords {
            owner: Some(subject("ann")),
            prefix: vec!["notes".to_owned()],
            cursor: Some("AA".to_owned()),
            limit: Some(10),
        },
        Operation::DeleteRecord { name: name(), previous: Some(Previous::Absent) },
        Operation::ResetRecords { prefix: Vec::new(), recipient: Some(subject("bob")) },
        Operation::History { name: name(), after: Some(2) },
        Operation::GetVersion { name: name(), sequence: 2 },
        Operation::UndoRecord { name: name(), sequence: 2, previous: None },
        Operation::ShareRecord { name: name(), add: vec![subject("bob")], remove: vec![subject("cy")] },
        Operation::ListGrants { cursor: None, limit: Some(1) },
        Operation::Receipt { owner: None, name: name() },
        Operation::FeedPage { owner: None, record: None, after: Some(0), wait_s: Some(30), limit: None },
        Operation::EraseAccount { confirm: subject("ann") },
    ];
    let text: Vec<String> = all.iter().map(json).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"session.whoami":{}}
    {"session.list":{}}
    {"session.revoke":{}}
    {"session.revoke":{"session":"abababababababababababababababab"}}
    {"session.revoke_all":{"keep_current":true}}
    {"session.child":{"life_s":60,"label":"script"}}
    {"records.get":{"name":["notes","a/b"]}}
    {"records.get":{"owner":"ann","name":["notes","a/b"]}}
    {"records.put":{"name":["notes","a/b"],"meta":"bQ==","value":"dg=="}}
    {"records.put":{"name":["notes","a/b"],"meta":"bQ==","value":"dg==","previous":{"tag":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw=="},"recipients":["bob"]}}
    {"records.list":{}}
    {"records.list":{"owner":"ann","prefix":["notes"],"cursor":"AA","limit":10}}
    {"records.delete":{"name":["notes","a/b"],"previous":"absent"}}
    {"records.reset":{"prefix":[],"recipient":"bob"}}
    {"records.history":{"name":["notes","a/b"],"after":2}}
    {"records.version":{"name":["notes","a/b"],"sequence":2}}
    {"records.undo":{"name":["notes","a/b"],"sequence":2}}
    {"records.share":{"name":["notes","a/b"],"add":["bob"],"remove":["cy"]}}
    {"records.grants":{"limit":1}}
    {"records.receipt":{"name":["notes","a/b"]}}
    {"feed.page":{"after":0,"wait_s":30}}
    {"account.erase":{"confirm":"ann"}}
    "#);
}

#[test]
fn replies() {
    let all = [
        Reply::Whoami(Whoami {
            account: AccountId::from_bytes([1; 16]),
            realm: "app".to_owned(),
            subject: subject("ann"),
            rights: vec!["create".to_owned(), "get".to_owned()],
            session: Some(session()),
            expires: None,
        }),
        Reply::Sessions {
            sessions: vec![SessionInfo {
                session: session(),
                label: "laptop".to_owned(),
                rights: vec!["get".to_owned()],
                opened: at(),
                expires: Some(at()),
                last_used: None,
                parent: None,
                api_key: None,
            }],
        },
        Reply::Opened(SessionOpened { session: session(), token: "srt_x".to_owned(), expires: Some(at()) }),
        Reply::Revoked { count: 2 },
        Reply::Record(document()),
        Reply::Head(head()),
        Reply::Names(NamePage {
            records: vec![RecordInfo { name: name(), sequence: 3, version: "2.1".to_owned(), written: at() }],
            next: Some("AA".to_owned()),
        }),
        Reply::Reset(ResetDone { count: 2 }),
        Reply::History(HistoryPage {
            versions: vec![VersionInfo {
                sequence: 1,
                version: "1.0".to_owned(),
                tag: tag(),
                written: at(),
                deleted: false,
                meta_bytes: 1,
                value_bytes: 0,
            }],
            next_after: None,
        }),
        Reply::Shared(Shared { recipients: vec![subject("ann")] }),
        Reply::Grants(GrantPage {
            grants: vec![GrantInfo { owner: subject("ann"), name: name(), since: at() }],
            next: None,
        }),
        Reply::Receipt(ReceiptDocument {
            head: head(),
            signature: "c2ln".to_owned(),
            key: "a2V5".to_owned(),
        }),
        Reply::Feed(FeedPage { events: Vec::new(), next_after: 9, head: 9, gap: true }),
        Reply::Done {},
    ];
    let text: Vec<String> = all.iter().map(json).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"whoami":{"account":"01010101010101010101010101010101","realm":"app","subject":"ann","rights":["create","get"],"session":"abababababababababababababababab"}}
    {"sessions":{"sessions":[{"session":"abababababababababababababababab","label":"laptop","rights":["get"],"opened":1780000000123,"expires":1780000000123}]}}
    {"opened":{"session":"abababababababababababababababab","token":"srt_x","expires":1780000000123}}
    {"revoked":{"count":2}}
    {"record":{"head":{"name":["notes","a/b"],"owner":"ann","sequence":3,"version":"2.1","tag":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw==","chain":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","written":1780000000123,"recipients":["ann","bob"]},"meta":"bQ==","value":""}}
    {"head":{"name":["notes","a/b"],"owner":"ann","sequence":3,"version":"2.1","tag":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw==","chain":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","written":1780000000123,"recipients":["ann","bob"]}}
    {"names":{"records":[{"name":["notes","a/b"],"sequence":3,"version":"2.1","written":1780000000123}],"next":"AA"}}
    {"reset":{"count":2}}
    {"history":{"versions":[{"sequence":1,"version":"1.0","tag":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw==","written":1780000000123,"deleted":false,"meta_bytes":1,"value_bytes":0}]}}
    {"shared":{"recipients":["ann"]}}
    {"grants":{"grants":[{"owner":"ann","name":["notes","a/b"],"since":1780000000123}]}}
    {"receipt":{"head":{"name":["notes","a/b"],"owner":"ann","sequence":3,"version":"2.1","tag":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw==","chain":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","written":1780000000123,"recipients":["ann","bob"]},"signature":"c2ln","key":"a2V5"}}
    {"feed":{"events":[],"next_after":9,"head":9,"gap":true}}
    {"done":{}}
    "#);
}

#[test]
fn events() {
    let all = [
        What::RecordPut { name: name(), record_sequence: 3, version: "2.1".to_owned(), tag: tag() },
        What::RecordDeleted { name: name(), record_sequence: 4 },
        What::RecordsReset { prefix: Vec::new(), count: 2 },
        What::RecordsShared { prefix: name(), added: 1, removed: 0 },
        What::RecordGranted { owner: subject("ann"), name: name() },
        What::RecordWithdrawn { owner: subject("ann"), name: name() },
        What::SessionOpened { session: session() },
        What::SessionRevoked { session: session() },
        What::PassphraseChanged {},
        What::KeysChanged { generation: 2 },
        What::TokenIssued { audience: audience() },
        What::TokenSpent { audience: audience() },
        What::ItemPut { item: item() },
        What::ItemDeleted { item: item() },
        What::VaultUserChanged {},
        What::ShareOffered { share: share(), right: share_right() },
        What::ShareAnswered { share: share(), right: share_right(), accepted: true },
        What::ShareRightChanged { share: share(), right: share_right() },
        What::ShareRevoked { share: share(), right: share_right() },
        What::ApiKeyPut { api_key: api_key() },
        What::ApiKeyDeleted { api_key: api_key() },
        What::EscrowShareFiled {},
        What::EscrowShareRead {},
        What::EscrowSharesDropped { count: 2 },
        What::EscrowSharesMissed { count: 20 },
        What::SecretStorageChanged {},
        What::EscrowPut { escrow: escrow(), epoch: 1 },
        What::EscrowDeleted { escrow: escrow() },
        changed(RecoveryState::Open {}, 0),
        changed(RecoveryState::Approved {}, 1),
        changed(RecoveryState::Waiting { due: at() }, 2),
        changed(RecoveryState::Released { until: at() }, 2),
        changed(RecoveryState::Expired {}, 2),
        changed(RecoveryState::Vetoed {}, 0),
        changed(RecoveryState::Lapsed {}, 2),
    ];
    let text: Vec<String> =
        all.into_iter().map(|what| json(&Event { sequence: 9, at: at(), what })).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"sequence":9,"at":1780000000123,"what":{"record.put":{"name":["notes","a/b"],"record_sequence":3,"version":"2.1","tag":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw=="}}}
    {"sequence":9,"at":1780000000123,"what":{"record.deleted":{"name":["notes","a/b"],"record_sequence":4}}}
    {"sequence":9,"at":1780000000123,"what":{"records.reset":{"prefix":[],"count":2}}}
    {"sequence":9,"at":1780000000123,"what":{"records.shared":{"prefix":["notes","a/b"],"added":1,"removed":0}}}
    {"sequence":9,"at":1780000000123,"what":{"record.granted":{"owner":"ann","name":["notes","a/b"]}}}
    {"sequence":9,"at":1780000000123,"what":{"record.withdrawn":{"owner":"ann","name":["notes","a/b"]}}}
    {"sequence":9,"at":1780000000123,"what":{"session.opened":{"session":"abababababababababababababababab"}}}
    {"sequence":9,"at":1780000000123,"what":{"session.revoked":{"session":"abababababababababababababababab"}}}
    {"sequence":9,"at":1780000000123,"what":{"passphrase.changed":{}}}
    {"sequence":9,"at":1780000000123,"what":{"keys.changed":{"generation":2}}}
    {"sequence":9,"at":1780000000123,"what":{"token.issued":{"audience":"vault"}}}
    {"sequence":9,"at":1780000000123,"what":{"token.spent":{"audience":"vault"}}}
    {"sequence":9,"at":1780000000123,"what":{"item.put":{"item":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}}}
    {"sequence":9,"at":1780000000123,"what":{"item.deleted":{"item":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}}}
    {"sequence":9,"at":1780000000123,"what":{"vault_user.changed":{}}}
    {"sequence":9,"at":1780000000123,"what":{"share.offered":{"share":"abababababababababababababababab","right":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}}}
    {"sequence":9,"at":1780000000123,"what":{"share.answered":{"share":"abababababababababababababababab","right":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","accepted":true}}}
    {"sequence":9,"at":1780000000123,"what":{"share.right_changed":{"share":"abababababababababababababababab","right":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}}}
    {"sequence":9,"at":1780000000123,"what":{"share.revoked":{"share":"abababababababababababababababab","right":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}}}
    {"sequence":9,"at":1780000000123,"what":{"api_key.put":{"api_key":"efefefefefefefefefefefefefefefef"}}}
    {"sequence":9,"at":1780000000123,"what":{"api_key.deleted":{"api_key":"efefefefefefefefefefefefefefefef"}}}
    {"sequence":9,"at":1780000000123,"what":{"escrow.share_filed":{}}}
    {"sequence":9,"at":1780000000123,"what":{"escrow.share_read":{}}}
    {"sequence":9,"at":1780000000123,"what":{"escrow.shares_dropped":{"count":2}}}
    {"sequence":9,"at":1780000000123,"what":{"escrow.shares_missed":{"count":20}}}
    {"sequence":9,"at":1780000000123,"what":{"escrow.storage_changed":{}}}
    {"sequence":9,"at":1780000000123,"what":{"escrow.put":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","epoch":1}}}
    {"sequence":9,"at":1780000000123,"what":{"escrow.deleted":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0"}}}
    {"sequence":9,"at":1780000000123,"what":{"recovery.changed":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","request":"f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1","requester":"ann","state":{"open":{}},"approvals":0}}}
    {"sequence":9,"at":1780000000123,"what":{"recovery.changed":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","request":"f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1","requester":"ann","state":{"approved":{}},"approvals":1}}}
    {"sequence":9,"at":1780000000123,"what":{"recovery.changed":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","request":"f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1","requester":"ann","state":{"waiting":{"due":1780000000123}},"approvals":2}}}
    {"sequence":9,"at":1780000000123,"what":{"recovery.changed":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","request":"f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1","requester":"ann","state":{"released":{"until":1780000000123}},"approvals":2}}}
    {"sequence":9,"at":1780000000123,"what":{"recovery.changed":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","request":"f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1","requester":"ann","state":{"expired":{}},"approvals":2}}}
    {"sequence":9,"at":1780000000123,"what":{"recovery.changed":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","request":"f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1","requester":"ann","state":{"vetoed":{}},"approvals":0}}}
    {"sequence":9,"at":1780000000123,"what":{"recovery.changed":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","request":"f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1","requester":"ann","state":{"lapsed":{}},"approvals":2}}}
    "#);
}

#[test]
fn frames() {
    let client = [
        ClientFrame::Hello { authorization: "Bearer srt_x".to_owned() },
        ClientFrame::Ask { id: 1, operation: Operation::Whoami {}, idempotency_key: None },
        ClientFrame::Ask {
            id: u64::MAX,
            operation: Operation::GetRecord { owner: None, name: name() },
            idempotency_key: Some("AAECAwQFBgcICQoLDA0ODw".to_owned()),
        },
        ClientFrame::Subscribe { id: 2, subscription: 1, owner: None, record: None, after: None },
        ClientFrame::Subscribe {
            id: 2,
            subscription: 1,
            owner: Some(subject("ann")),
            record: Some(name()),
            after: Some(9),
        },
        ClientFrame::Unsubscribe { id: 3, subscription: 1 },
    ];
    let problem = || {
        Box::new(Problem {
            detail: Some("try again".to_owned()),
            retry_after_s: Some(0.25),
            ..Problem::new(503, "overloaded", "too much is going on")
        })
    };
    let server = [
        ServerFrame::Welcome { account: AccountId::from_bytes([1; 16]), subject: subject("ann") },
        ServerFrame::Answer { id: 1, reply: Reply::Done {} },
        ServerFrame::Subscribed { id: 2, subscription: 1, after: 9 },
        ServerFrame::Problem { id: Some(1), problem: problem() },
        ServerFrame::Problem { id: None, problem: problem() },
        ServerFrame::Push {
            subscription: 1,
            event: Event { sequence: 10, at: at(), what: What::SessionOpened { session: session() } },
        },
        ServerFrame::Gap { subscription: 1, after: 40 },
        ServerFrame::Ended { subscription: 1, problem: problem() },
    ];
    let text: Vec<String> = client.iter().map(json).chain(server.iter().map(json)).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"hello":{"authorization":"Bearer srt_x"}}
    {"ask":{"id":1,"do":{"session.whoami":{}}}}
    {"ask":{"id":18446744073709551615,"do":{"records.get":{"name":["notes","a/b"]}},"idempotency_key":"AAECAwQFBgcICQoLDA0ODw"}}
    {"subscribe":{"id":2,"subscription":1}}
    {"subscribe":{"id":2,"subscription":1,"owner":"ann","record":["notes","a/b"],"after":9}}
    {"unsubscribe":{"id":3,"subscription":1}}
    {"welcome":{"account":"01010101010101010101010101010101","subject":"ann"}}
    {"answer":{"id":1,"reply":{"done":{}}}}
    {"subscribed":{"id":2,"subscription":1,"after":9}}
    {"problem":{"id":1,"problem":{"type":"urn:strongroom:problem:overloaded","title":"too much is going on","status":503,"code":"overloaded","detail":"try again","retry_after_s":0.25}}}
    {"problem":{"problem":{"type":"urn:strongroom:problem:overloaded","title":"too much is going on","status":503,"code":"overloaded","detail":"try again","retry_after_s":0.25}}}
    {"push":{"subscription":1,"event":{"sequence":10,"at":1780000000123,"what":{"session.opened":{"session":"abababababababababababababababab"}}}}}
    {"gap":{"subscription":1,"after":40}}
    {"ended":{"subscription":1,"problem":{"type":"urn:strongroom:problem:overloaded","title":"too much is going on","status":503,"code":"overloaded","detail":"try again","retry_after_s":0.25}}}
    "#);
    let whole = Problem { head: Some(Box::new(head())), request_id: Some("r".to_owned()), ..*problem() };
    assert_snapshot!(json(&whole), @r#"{"type":"urn:strongroom:problem:overloaded","title":"too much is going on","status":503,"code":"overloaded","detail":"try again","retry_after_s":0.25,"head":{"name":["notes","a/b"],"owner":"ann","sequence":3,"version":"2.1","tag":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw==","chain":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","written":1780000000123,"recipients":["ann","bob"]},"request_id":"r"}"#);
}

/// Bytes, tags and identifiers are byte strings in CBOR and never base64.
#[test]
fn binary_frames() {
    let put = ClientFrame::Ask {
        id: 1,
        operation: Operation::PutRecord {
            name: vec!["a".to_owned()],
            meta: bytes("m"),
            value: bytes("v"),
            previous: Some(Previous::Tag(tag())),
            recipients: Vec::new(),
        },
        idempotency_key: None,
    };
    assert_snapshot!(cbor(&put), @"a16361736ba26269640162646fa16b7265636f7264732e707574a4646e616d65816161646d657461416d6576616c756541766870726576696f7573a163746167584007070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707");
    let revoke = Operation::RevokeSession { session: Some(session()) };
    assert_snapshot!(cbor(&revoke), @"a16e73657373696f6e2e7265766f6b65a16773657373696f6e50abababababababababababababababab");
}

fn refused(encoding: Encoding, message: &[u8]) -> bool {
    encoding.read::<ClientFrame>(message).is_err()
}

/// A-HTTP-11, A-WS-01, A-LEAK-01: a document has one meaning or none, and a refusal does not repeat it.
#[test]
fn doubled_and_unknown_members_and_everything_beside_the_document_are_refused() {
    let get = r#"{"ask":{"id":1,"do":{"records.get":{"name":["a"]}}}}"#;
    assert!(!refused(Encoding::Json, get.as_bytes()));
    for bad in [
        r#"{"ask":{"id":1,"id":1,"do":{"session.whoami":{}}}}"#,
        r#"{"ask":{"id":1,"do":{"session.whoami":{}},"do":{"session.whoami":{}}}}"#,
        r#"{"ask":{"id":1,"do":{"session.whoami":{}}},"ask":{"id":1,"do":{"session.whoami":{}}}}"#,
        r#"{"ask":{"id":1,"do":{"session.whoami":{},"session.list":{}}}}"#,
        r#"{"ask":{"id":1,"do":{"records.get":{"name":["a"],"name":["b"]}}}}"#,
        r#"{"ask":{"id":1,"do":{"records.get":{"name":["a"],"nam":["b"]}}}}"#,
        r#"{"ask":{"id":1,"do":{"records.get":{}}}}"#,
        r#"{"ask":{"id":1,"do":{"records.get":{"name":"a"}}}}"#,
        r#"{"ask":{"id":1,"do":{"session.whoami":{"x":1}}}}"#,
        r#"{"ask":{"id":1,"do":{"session.whoami":{}},"trace":true}}"#,
        r#"{"ask":{"id":-1,"do":{"session.whoami":{}}}}"#,
        r#"{"ask":{"id":1.0,"do":{"session.whoami":{}}}}"#,
        r#"{"ask":{"id":18446744073709551616,"do":{"session.whoami":{}}}}"#,
        r#"{"ask":{"id":1,"do":"session.whoami"}}"#,
        r#"{"ask":{"id":1,"do":{"session.revoke":{"session":"AB"}}}}"#,
        r#"{"subscribe":{"id":1,"subscription":4294967296}}"#,
        r#"{"ask":{"id":1,"do":{"session.whoami":{}}}} "x""#,
        r#"{"ask":{"id":1,"do":{"session.whoami":{}}}}//"#,
        "\u{feff}{\"unsubscribe\":{\"id\":1,\"subscription\":1}}",
        r#"["ask",1]"#,
        "{}",
        "",
    ] {
        assert!(refused(Encoding::Json, bad.as_bytes()), "{bad}");
    }
    let canary = br#"{"unsubscribe":{"id":1,"subscription":"canary"}}"#;
    let error = Encoding::Json.read::<ClientFrame>(canary).unwrap_err();
    assert!(!error.to_string().contains("canary"), "{error}");
    let large = vec![b' '; FRAME_BYTES_MAX + 1];
    assert_eq!(Encoding::Json.read::<ClientFrame>(&large), Err(FrameError::TooLarge));
}

/// A-WS-01: a declared length is not believed, and depth is bounded.
#[test]
fn binary_messages_that_are_no_frame_are_refused_without_believing_their_lengths() {
    let good = Encoding::Cbor.write(&ClientFrame::Unsubscribe { id: 1, subscription: 1 });
    assert!(!refused(Encoding::Cbor, &good));
    for cut in 0..good.len() {
        assert!(refused(Encoding::Cbor, &good[..cut]), "cut at {cut}");
    }
    assert!(refused(Encoding::Cbor, &[&good[..], &[0]].concat()), "something follows");
    let mut twice = vec![0xa2];
    twice.extend_from_slice(&good[1..]);
    twice.extend_from_slice(&good[1..]);
    assert!(refused(Encoding::Cbor, &twice), "two frames in one");
    // {"hello": {"authorization": <text of 2^63 bytes>}}, an endless array, and arrays within arrays.
    let mut long = b"\xa1\x65hello\xa1\x6dauthorization\x7b".to_vec();
    long.extend_from_slice(&(1_u64 << 63).to_be_bytes());
    for bad in
        [long, b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(), vec![0x81; 100_000], vec![0xd8; 50_000]]
    {
        assert!(refused(Encoding::Cbor, &bad));
    }
}

/// A-LEAK-01.
#[test]
fn a_frame_prints_without_token_key_and_content() {
    let hello = ClientFrame::Hello { authorization: "Bearer srt_canary".to_owned() };
    let put = ClientFrame::Ask {
        id: 1,
        operation: Operation::PutRecord {
            name: name(),
            meta: bytes("canary"),
            value: bytes("canary"),
            previous: None,
            recipients: Vec::new(),
        },
        idempotency_key: Some("canary".to_owned()),
    };
    let record = RecordDocument { meta: bytes("canary"), ..document() };
    let answer = ServerFrame::Answer { id: 1, reply: Reply::Record(record) };
    let printed = format!("{hello:?} {put:?} {answer:?}");
    assert!(!printed.contains("canary") && !printed.contains("Y2FuYXJ5"), "{printed}");
    assert!(printed.contains("has_idempotency_key: true"), "{printed}");
}

mod api_keys;
mod people;
mod pin_recovery;
mod recovery;
mod round_trips;
mod service_keys;
mod shares;
mod sharing;
