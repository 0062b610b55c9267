use strongroom_primitives::id::{AccountId, DatastoreId, LinkId, ShareId, ShareRightId};
use strongroom_primitives::time::Timestamp;
use strongroom_wire::{KeyKind, NewSecret, NewSecrets, Parent, ShareOffer, ShareRights, TokenText};

use super::*;

const ID: &str = "02020202020202020202020202020202";
const BOX: &str = r#"{"nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB","text":"c2VhbGVk"}"#;

#[test]
fn datastores_and_secrets_are_spelled_as_the_page_says() {
    let (store, secret) = (DatastoreId::from_bytes([2; 16]), SecretId::from_bytes([2; 16]));
    let (link, parent) = (LinkId::from_bytes([2; 16]), Parent::Share(ShareId::from_bytes([2; 16])));
    let previous = Some(Timestamp::from_ms(7));
    let described = Operation::UpdateDatastore {
        id: store,
        data: None,
        secret_key: None,
        description: Some("home".to_owned()),
        is_default: None,
        previous,
    };
    let authkey = Some(TokenText::new("ab".to_owned()));
    let secrets = vec![NewSecret { data: boxed(), link }];
    for (operation, expected) in [
        (Operation::ListDatastores {}, "GET /datastores".to_owned()),
        (Operation::GetDatastore { id: store }, format!("GET /datastores/{ID}")),
        (described, format!(r#"PATCH /datastores/{ID}   {{"description":"home","previous":7}}"#)),
        (Operation::DeleteDatastore { id: store, authkey: None }, format!("DELETE /datastores/{ID}")),
        (
            Operation::DeleteDatastore { id: store, authkey },
            format!(r#"DELETE /datastores/{ID}   {{"authkey":"ab"}}"#),
        ),
        (
            Operation::CreateSecrets(NewSecrets { parent, secrets }),
            format!(
                r#"POST /secrets   {{"parent":{{"share":"{ID}"}},"secrets":[{{"data":{BOX},"link":"{ID}"}}]}}"#
            ),
        ),
        (Operation::GetSecret { id: secret }, format!("GET /secrets/{ID}")),
        (
            Operation::UpdateSecret { id: secret, data: boxed(), previous },
            format!(r#"PUT /secrets/{ID}   {{"data":{BOX},"previous":7}}"#),
        ),
        (Operation::SecretHistory { id: secret }, format!("GET /secrets/{ID}/versions")),
        (
            Operation::MoveSecret { link, parent },
            format!(r#"PUT /secrets/links/{ID}   {{"parent":{{"share":"{ID}"}}}}"#),
        ),
        (Operation::UnlinkSecret { link }, format!("DELETE /secrets/links/{ID}")),
    ] {
        assert_eq!(spelled(operation), expected);
    }
}

#[test]
fn shares_are_spelled_as_the_page_says() {
    let (share, right) = (ShareId::from_bytes([2; 16]), ShareRightId::from_bytes([2; 16]));
    let (link, parent) = (LinkId::from_bytes([2; 16]), Parent::Share(share));
    let taker = AccountId::from_bytes([3; 16]);
    let of_taker = "03030303030303030303030303030303";
    let rights = ShareRights { read: true, ..ShareRights::default() };
    let given = r#"{"grant":false,"read":true,"write":false}"#;
    let offer = ShareOffer { share, taker, key: boxed(), title: None, kind: None, rights, expires: None };
    let page = Operation::ListShares { cursor: Some("AA".to_owned()), limit: Some(3) };
    for (operation, expected) in [
        (page, "GET /shares?cursor=AA&limit=3".to_owned()),
        (Operation::GetShare { id: share }, format!("GET /shares/{ID}")),
        (
            Operation::UpdateShare { id: share, data: boxed(), previous: None },
            format!(r#"PUT /shares/{ID}   {{"data":{BOX}}}"#),
        ),
        (
            Operation::OfferShare(Box::new(offer)),
            format!(r#"POST /shares/{ID}/rights   {{"key":{BOX},"rights":{given},"taker":"{of_taker}"}}"#),
        ),
        (
            Operation::AcceptShare { right, key: boxed(), key_kind: KeyKind::Symmetric },
            format!(r#"POST /shares/rights/{ID}/accept   {{"key":{BOX},"key_kind":"symmetric"}}"#),
        ),
        (Operation::DeclineShare { right }, format!("POST /shares/rights/{ID}/decline")),
        (Operation::ListShareRights { share }, format!("GET /shares/{ID}/rights")),
        (
            Operation::ChangeShareRight { share, taker, rights },
            format!(r#"PUT /shares/{ID}/rights/{of_taker}   {{"rights":{given}}}"#),
        ),
        (Operation::RevokeShareRight { right }, format!("DELETE /shares/rights/{ID}")),
        (
            Operation::PlaceShare { share, link, parent },
            format!(r#"POST /shares/{ID}/links   {{"link":"{ID}","parent":{{"share":"{ID}"}}}}"#),
        ),
        (
            Operation::MoveShare { link, parent },
            format!(r#"PUT /shares/links/{ID}   {{"parent":{{"share":"{ID}"}}}}"#),
        ),
        (Operation::UnlinkShare { link }, format!("DELETE /shares/links/{ID}")),
    ] {
        assert_eq!(spelled(operation), expected);
    }
}
