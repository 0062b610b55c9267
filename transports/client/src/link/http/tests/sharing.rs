use strongroom_primitives::id::{DatastoreId, LinkId, ShareId};
use strongroom_primitives::time::Timestamp;
use strongroom_wire::{NewSecret, NewSecrets, Parent, TokenText};

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
