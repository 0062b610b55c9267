use strongroom_primitives::dc1::{ChainId, KeyId};
use strongroom_wire::{NewChain, NewServiceKey, RootKey, TokenText};

use super::*;

const CHAIN: &str = "sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4";

fn chain() -> ChainId {
    ChainId::new(CHAIN).unwrap()
}

fn id() -> KeyId {
    KeyId::new("KEY").unwrap()
}

#[test]
fn chains_and_service_keys_are_spelled_as_the_page_says() {
    let named = NewServiceKey {
        chain: Some(chain()),
        nickname: "n".to_owned(),
        permissions: Some("{}".to_owned()),
        expires: None,
        ..NewServiceKey::default()
    };
    let secret = Some(TokenText::new("secret".to_owned()));
    let update = Operation::UpdateServiceKey {
        chain: Some(chain()),
        id: id(),
        nickname: None,
        permissions: None,
        expires: Change::Clear,
    };
    let get = |chain| Operation::GetServiceKey { chain, id: id() };
    for (operation, expected) in [
        (Operation::CreateChain(NewChain::default()), "POST /chains   {}".to_owned()),
        (
            Operation::CreateChain(NewChain { id: Some(chain()), root: Some(id()), secret: secret.clone() }),
            format!(r#"POST /chains   {{"id":"{CHAIN}","root":"KEY","secret":"secret"}}"#),
        ),
        (Operation::ListChains {}, "GET /chains".to_owned()),
        (
            Operation::RotateRoot { chain: chain(), root: None, secret },
            format!(r#"POST /chains/{CHAIN}/root-key   {{"secret":"secret"}}"#),
        ),
        (
            Operation::CreateServiceKey(Box::new(named)),
            format!(r#"POST /service-keys   {{"chain":"{CHAIN}","nickname":"n","permissions":"{{}}"}}"#),
        ),
        (Operation::ListServiceKeys { chain: Some(chain()) }, format!("GET /service-keys?chain={CHAIN}")),
        (get(None), "GET /service-keys/KEY".to_owned()),
        (get(Some(chain())), format!("GET /service-keys/KEY?chain={CHAIN}")),
        (update, format!(r#"PATCH /service-keys/KEY   {{"chain":"{CHAIN}","expires":null}}"#)),
        (
            Operation::RotateServiceKey { chain: None, id: id(), public_key: None, overlap_s: 60 },
            r#"POST /service-keys/KEY/rotate   {"overlap_s":60}"#.to_owned(),
        ),
        (
            Operation::DeleteServiceKey { chain: Some(chain()), id: id() },
            format!("DELETE /service-keys/KEY?chain={CHAIN}"),
        ),
        (Operation::ServiceKeyInUse {}, "GET /service-keys/self".to_owned()),
    ] {
        assert_eq!(spelled(operation), expected);
    }
}

/// A server that makes another key than was asked for is not believed.
#[test]
fn a_root_key_is_the_one_that_was_asked_for() {
    let secret = |text: &str| TokenText::new(text.to_owned());
    let new = NewChain { id: Some(chain()), root: Some(id()), secret: Some(secret("mine")) };
    let made = RootKey { chain: chain(), id: id(), secret: secret("mine") };
    let asked = Operation::CreateChain(new);
    let good = |made: &RootKey| checks::check(&asked, &Reply::RootKey(made.clone())).is_ok();
    assert!(good(&made));
    assert!(!good(&RootKey { chain: ChainId::new("abc").unwrap(), ..made.clone() }));
    assert!(!good(&RootKey { id: KeyId::new("OTHER").unwrap(), ..made.clone() }));
    assert!(!good(&RootKey { secret: secret("theirs"), ..made.clone() }));
    let drawn = Operation::CreateChain(NewChain::default());
    assert!(checks::check(&drawn, &Reply::RootKey(made)).is_ok());
}
