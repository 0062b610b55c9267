//! Shares and rights on them, to the letter.

use super::{
    sharing::{boxed, check_round_trips, link},
    *,
};

fn account() -> AccountId {
    AccountId::from_bytes([0xac; 16])
}

const READ: ShareRights = ShareRights { read: true, write: false, grant: false };

#[test]
fn operations() {
    let parent = Parent::Share(share());
    let offer = ShareOffer {
        share: share(),
        taker: account(),
        key: boxed(),
        title: Some(boxed()),
        kind: Some(boxed()),
        rights: READ,
        expires: Some(at()),
    };
    let bare = ShareOffer { title: None, kind: None, expires: None, ..offer.clone() };
    let all = [
        Operation::ListShares { cursor: None, limit: Some(2) },
        Operation::CreateShare(Box::new(NewShare { data: boxed(), key: boxed(), link: link(), parent })),
        Operation::GetShare { id: share() },
        Operation::UpdateShare { id: share(), data: boxed(), previous: Some(at()) },
        Operation::OfferShare(Box::new(offer)),
        Operation::OfferShare(Box::new(bare)),
        Operation::AcceptShare { right: share_right(), key: boxed(), key_kind: KeyKind::Symmetric },
        Operation::DeclineShare { right: share_right() },
        Operation::ListShareRights { share: share() },
        Operation::ChangeShareRight { share: share(), taker: account(), rights: READ },
        Operation::RevokeShareRight { right: share_right() },
        Operation::PlaceShare { share: share(), link: link(), parent },
        Operation::MoveShare { link: link(), parent },
        Operation::UnlinkShare { link: link() },
    ];
    check_round_trips(&all);
    assert!(all.iter().all(|operation| !operation.is_open()));
    let text: Vec<String> = all.iter().map(json).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"shares.list":{"limit":2}}
    {"shares.create":{"data":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"key":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"link":"11111111111111111111111111111111","parent":{"share":"abababababababababababababababab"}}}
    {"shares.get":{"id":"abababababababababababababababab"}}
    {"shares.update":{"id":"abababababababababababababababab","data":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"previous":1780000000123}}
    {"shares.offer":{"share":"abababababababababababababababab","taker":"acacacacacacacacacacacacacacacac","key":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"title":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"kind":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"rights":{"read":true,"write":false,"grant":false},"expires":1780000000123}}
    {"shares.offer":{"share":"abababababababababababababababab","taker":"acacacacacacacacacacacacacacacac","key":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"rights":{"read":true,"write":false,"grant":false}}}
    {"shares.accept":{"right":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","key":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"key_kind":"symmetric"}}
    {"shares.decline":{"right":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}}
    {"shares.rights":{"share":"abababababababababababababababab"}}
    {"shares.change":{"share":"abababababababababababababababab","taker":"acacacacacacacacacacacacacacacac","rights":{"read":true,"write":false,"grant":false}}}
    {"shares.revoke":{"right":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}}
    {"shares.place":{"share":"abababababababababababababababab","link":"11111111111111111111111111111111","parent":{"share":"abababababababababababababababab"}}}
    {"shares.move":{"link":"11111111111111111111111111111111","parent":{"share":"abababababababababababababababab"}}}
    {"shares.unlink":{"link":"11111111111111111111111111111111"}}
    "#);
}

#[test]
fn replies() {
    let own = OwnShareRight {
        share: share(),
        right: share_right(),
        title: Some(boxed()),
        kind: None,
        key: boxed(),
        key_kind: KeyKind::Asymmetric,
        rights: READ,
        accepted: None,
        created: at(),
        written: at(),
        expires: None,
        giver: account(),
        giver_name: Some(subject("ann")),
    };
    let member = MemberRight {
        right: share_right(),
        account: account(),
        name: None,
        rights: READ,
        accepted: Some(true),
        created: at(),
        expires: Some(at()),
        giver: account(),
    };
    let all = [
        Reply::Shares(SharePage { rights: vec![own], next: Some("AA".to_owned()) }),
        Reply::ShareCreated(ShareCreated { id: share() }),
        Reply::Share(Share { id: share(), data: boxed(), by: account(), rights: READ, written: at() }),
        Reply::ShareRight(ShareRightGiven { right: share_right() }),
        Reply::ShareAccepted(ShareAccepted { share: share(), kind: None, data: Some(boxed()) }),
        Reply::Members(MemberList { members: vec![member] }),
    ];
    check_round_trips(&all);
    let text: Vec<String> = all.iter().map(json).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"shares":{"rights":[{"share":"abababababababababababababababab","right":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","title":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"key":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"key_kind":"asymmetric","rights":{"read":true,"write":false,"grant":false},"created":1780000000123,"written":1780000000123,"giver":"acacacacacacacacacacacacacacacac","giver_name":"ann"}],"next":"AA"}}
    {"share_created":{"id":"abababababababababababababababab"}}
    {"share":{"id":"abababababababababababababababab","data":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"by":"acacacacacacacacacacacacacacacac","rights":{"read":true,"write":false,"grant":false},"written":1780000000123}}
    {"share_right":{"right":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}}
    {"share_accepted":{"share":"abababababababababababababababab","data":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"}}}
    {"members":{"members":[{"right":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","account":"acacacacacacacacacacacacacacacac","rights":{"read":true,"write":false,"grant":false},"accepted":true,"created":1780000000123,"expires":1780000000123,"giver":"acacacacacacacacacacacacacacacac"}]}}
    "#);
}

/// A right that is not named is not given, and one that there is not is no right.
#[test]
fn rights_that_are_not_named_are_not_given() {
    let rights = |text: &str| Encoding::Json.read::<ShareRights>(text.as_bytes());
    assert_eq!(rights("{}"), Ok(ShareRights::default()));
    assert_eq!(rights(r#"{"read":true}"#), Ok(READ));
    for bad in [r#"{"read":1}"#, r#"{"read":null}"#, r#"{"admin":true}"#, r#"{"read":true,"read":false}"#] {
        assert!(rights(bad).is_err(), "{bad}");
    }
}
