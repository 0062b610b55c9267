//! Escrows and requests for what they hold, to the letter.

use super::*;

fn request() -> RecoveryRequestId {
    RecoveryRequestId::from_bytes([0xf1; 16])
}

fn deal() -> Deal {
    let share = || Some(SealedShare { public_key: Base64Array([2; 32]), text: bytes("s") });
    let kinds = [
        (HolderKind::Account(subject("bob")), share()),
        (HolderKind::Device { signer: Base64Array([3; 32]) }, share()),
        (HolderKind::Realm {}, None),
        (HolderKind::Paper {}, None),
        (HolderKind::Server {}, share()),
    ];
    let holders = (1..).zip(kinds).map(|(index, (kind, share))| Holder { index, kind, share });
    Deal { commitments: bytes("c"), holders: holders.collect() }
}

fn policy() -> ReleasePolicy {
    ReleasePolicy {
        quorum: 2,
        delay_s: 3,
        window_s: 4,
        collect_s: 5,
        cooldown_s: 6,
        open_requests_max: 7,
        activity_vetoes: true,
    }
}

fn all_operations() -> [Operation; 17] {
    let refresh = |payload| EscrowRefresh { id: escrow(), epoch: 1, deal: deal(), payload };
    let approval = |signature| RecoveryApproval {
        escrow: escrow(),
        request: request(),
        epoch: 1,
        index: 255,
        sealed: bytes("s"),
        signature,
    };
    let new = NewEscrow {
        id: escrow(),
        label: "root key".to_owned(),
        payload: bytes("p"),
        deal: deal(),
        policy: policy(),
    };
    let (escrow, request) = (escrow(), request());
    [
        Operation::RecoveryKey {},
        Operation::ListEscrows { cursor: None, limit: None },
        Operation::ListEscrows { cursor: Some(escrow), limit: Some(2) },
        Operation::ListHeldEscrows { cursor: None, limit: None },
        Operation::ListHeldEscrows { cursor: Some(escrow), limit: Some(2) },
        Operation::CreateEscrow(Box::new(new)),
        Operation::GetEscrow { id: escrow },
        Operation::RefreshEscrow(Box::new(refresh(None))),
        Operation::RefreshEscrow(Box::new(refresh(Some(bytes("p"))))),
        Operation::DeleteEscrow { id: escrow },
        Operation::OpenRecoveryRequest {
            escrow,
            public_key: Base64Array([4; 32]),
            reason: "lost".to_owned(),
        },
        Operation::ListRecoveryRequests { escrow },
        Operation::GetRecoveryRequest { escrow, request },
        Operation::ApproveRecovery(Box::new(approval(None))),
        Operation::ApproveRecovery(Box::new(approval(Some(Base64Array([5; 64]))))),
        Operation::VetoRecovery { escrow, request },
        Operation::CollectRelease { escrow, request },
    ]
}

#[test]
fn operations() {
    let all = all_operations();
    let text: Vec<String> = all.iter().map(json).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"escrows.key":{}}
    {"escrows.list":{}}
    {"escrows.list":{"cursor":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","limit":2}}
    {"escrows.held":{}}
    {"escrows.held":{"cursor":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","limit":2}}
    {"escrows.create":{"id":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","label":"root key","payload":"cA==","deal":{"commitments":"Yw==","holders":[{"index":1,"kind":{"account":"bob"},"share":{"public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","text":"cw=="}},{"index":2,"kind":{"device":{"signer":"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="}},"share":{"public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","text":"cw=="}},{"index":3,"kind":{"realm":{}}},{"index":4,"kind":{"paper":{}}},{"index":5,"kind":{"server":{}},"share":{"public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","text":"cw=="}}]},"policy":{"quorum":2,"delay_s":3,"window_s":4,"collect_s":5,"cooldown_s":6,"open_requests_max":7,"activity_vetoes":true}}}
    {"escrows.get":{"id":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0"}}
    {"escrows.refresh":{"id":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","epoch":1,"deal":{"commitments":"Yw==","holders":[{"index":1,"kind":{"account":"bob"},"share":{"public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","text":"cw=="}},{"index":2,"kind":{"device":{"signer":"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="}},"share":{"public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","text":"cw=="}},{"index":3,"kind":{"realm":{}}},{"index":4,"kind":{"paper":{}}},{"index":5,"kind":{"server":{}},"share":{"public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","text":"cw=="}}]}}}
    {"escrows.refresh":{"id":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","epoch":1,"deal":{"commitments":"Yw==","holders":[{"index":1,"kind":{"account":"bob"},"share":{"public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","text":"cw=="}},{"index":2,"kind":{"device":{"signer":"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="}},"share":{"public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","text":"cw=="}},{"index":3,"kind":{"realm":{}}},{"index":4,"kind":{"paper":{}}},{"index":5,"kind":{"server":{}},"share":{"public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","text":"cw=="}}]},"payload":"cA=="}}
    {"escrows.delete":{"id":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0"}}
    {"recovery.open":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","public_key":"BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=","reason":"lost"}}
    {"recovery.list":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0"}}
    {"recovery.get":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","request":"f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1"}}
    {"recovery.approve":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","request":"f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1","epoch":1,"index":255,"sealed":"cw=="}}
    {"recovery.approve":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","request":"f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1","epoch":1,"index":255,"sealed":"cw==","signature":"BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQ=="}}
    {"recovery.veto":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","request":"f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1"}}
    {"recovery.collect":{"escrow":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","request":"f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1"}}
    "#);
    for operation in &all {
        for encoding in [Encoding::Json, Encoding::Cbor] {
            assert_eq!(encoding.read::<Operation>(&encoding.write(operation)).as_ref(), Ok(operation));
        }
        assert!(!operation.is_open(), "{operation:?}");
    }
}

#[test]
fn replies() {
    let summary = || EscrowSummary {
        id: escrow(),
        owner: subject("ann"),
        label: "root key".to_owned(),
        threshold: 2,
        holders: 5,
        epoch: 1,
        created: at(),
        written: at(),
    };
    let shown = |payload| {
        let (summary, Deal { commitments, holders }) = (summary(), deal());
        Reply::Escrow(Box::new(Escrow { summary, commitments, policy: policy(), holders, payload }))
    };
    let asked = |state| RecoveryRequest {
        id: request(),
        requester: subject("ann"),
        public_key: Base64Array([4; 32]),
        reason: "lost".to_owned(),
        epoch: 1,
        opened: at(),
        state,
        approvals: vec![Approved { index: 1, at: at() }],
        quorum: 2,
    };
    let release = Release {
        epoch: 1,
        commitments: bytes("c"),
        shares: vec![ReleasedShare { index: 1, sealed: bytes("s") }],
        payload: bytes("p"),
        until: at(),
    };
    let all = [
        Reply::RecoveryKey(RecoveryKey { public_key: Base64Array([1; 32]) }),
        Reply::Escrows(EscrowPage { escrows: Vec::new(), next: None }),
        Reply::Escrows(EscrowPage { escrows: vec![summary()], next: Some(escrow()) }),
        shown(None),
        shown(Some(bytes("p"))),
        Reply::EscrowDealt(summary()),
        Reply::RecoveryRequest(asked(RecoveryState::Waiting { due: at() })),
        Reply::RecoveryRequests(RecoveryRequestList { requests: vec![asked(RecoveryState::Open {})] }),
        Reply::Release(release),
    ];
    let text: Vec<String> = all.iter().map(json).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"recovery_key":{"public_key":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}}
    {"escrows":{"escrows":[]}}
    {"escrows":{"escrows":[{"id":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","owner":"ann","label":"root key","threshold":2,"holders":5,"epoch":1,"created":1780000000123,"written":1780000000123}],"next":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0"}}
    {"escrow":{"summary":{"id":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","owner":"ann","label":"root key","threshold":2,"holders":5,"epoch":1,"created":1780000000123,"written":1780000000123},"commitments":"Yw==","policy":{"quorum":2,"delay_s":3,"window_s":4,"collect_s":5,"cooldown_s":6,"open_requests_max":7,"activity_vetoes":true},"holders":[{"index":1,"kind":{"account":"bob"},"share":{"public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","text":"cw=="}},{"index":2,"kind":{"device":{"signer":"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="}},"share":{"public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","text":"cw=="}},{"index":3,"kind":{"realm":{}}},{"index":4,"kind":{"paper":{}}},{"index":5,"kind":{"server":{}},"share":{"public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","text":"cw=="}}]}}
    {"escrow":{"summary":{"id":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","owner":"ann","label":"root key","threshold":2,"holders":5,"epoch":1,"created":1780000000123,"written":1780000000123},"commitments":"Yw==","policy":{"quorum":2,"delay_s":3,"window_s":4,"collect_s":5,"cooldown_s":6,"open_requests_max":7,"activity_vetoes":true},"holders":[{"index":1,"kind":{"account":"bob"},"share":{"public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","text":"cw=="}},{"index":2,"kind":{"device":{"signer":"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="}},"share":{"public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","text":"cw=="}},{"index":3,"kind":{"realm":{}}},{"index":4,"kind":{"paper":{}}},{"index":5,"kind":{"server":{}},"share":{"public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","text":"cw=="}}],"payload":"cA=="}}
    {"escrow_dealt":{"id":"f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","owner":"ann","label":"root key","threshold":2,"holders":5,"epoch":1,"created":1780000000123,"written":1780000000123}}
    {"recovery_request":{"id":"f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1","requester":"ann","public_key":"BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=","reason":"lost","epoch":1,"opened":1780000000123,"state":{"waiting":{"due":1780000000123}},"approvals":[{"index":1,"at":1780000000123}],"quorum":2}}
    {"recovery_requests":{"requests":[{"id":"f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1","requester":"ann","public_key":"BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=","reason":"lost","epoch":1,"opened":1780000000123,"state":{"open":{}},"approvals":[{"index":1,"at":1780000000123}],"quorum":2}]}}
    {"release":{"epoch":1,"commitments":"Yw==","shares":[{"index":1,"sealed":"cw=="}],"payload":"cA==","until":1780000000123}}
    "#);
    for reply in &all {
        for encoding in [Encoding::Json, Encoding::Cbor] {
            assert_eq!(encoding.read::<Reply>(&encoding.write(reply)).as_ref(), Ok(reply));
        }
    }
}

/// A-API-05, A-HTTP-11: a key of another length, an index that is none and a member that nobody knows are no document.
#[test]
fn what_is_not_as_it_should_be_is_refused() {
    let texts: Vec<String> = all_operations()
        .map(|operation| json(&ClientFrame::Ask { id: 1, operation, idempotency_key: None }))
        .into();
    for text in &texts {
        assert!(!refused(Encoding::Json, text.as_bytes()), "{text}");
        let strange = text.replacen(r#""do":{"#, r#""do":{"x":{},"#, 1);
        assert!(refused(Encoding::Json, strange.as_bytes()), "{strange}");
    }
    let changed = |from: &str, to: &str| {
        let found: Vec<&String> = texts.iter().filter(|text| text.contains(from)).collect();
        assert!(!found.is_empty(), "{from}");
        for text in found {
            let bad = text.replacen(from, to, 1);
            assert!(refused(Encoding::Json, bad.as_bytes()), "{bad}");
        }
    };
    changed("AgICAgI=", "AgICAg==");
    changed("AwMDAwM=", "AwMDAw==");
    changed("BAQEBAQ=", "BAQEBA==");
    changed("BQUFBQ==", "BQUFBQUF");
    changed(r#""index":255"#, r#""index":256"#);
    changed(r#""epoch":1"#, r#""epoch":-1"#);
    changed(r#""quorum":2"#, r#""quorum":2,"notice":1"#);
    changed(r#""kind":{"paper":{}}"#, r#""kind":{"paper":{"x":1}}"#);
    changed(r#""kind":{"paper":{}}"#, r#""kind":{"words":{}}"#);
    changed(r#""index":1"#, r#""index":1,"weight":2"#);
    changed(&"f1".repeat(16), &"f1".repeat(15));
}
