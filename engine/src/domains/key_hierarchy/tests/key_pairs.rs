//! Key pairs: what is kept of them, what they are called, and what a rotation owes them.

use strongroom_primitives::{id::KeyPairId, rsa::RsaKeyError};

use super::*;
use crate::testing::keys::PUBLIC_KEY;

/// RSA of 1,024 bits: too small.
const TINY: &str = "\
-----BEGIN PUBLIC KEY-----\n\
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCtx8+Ct9EsBjMvCPCsLwHY28yI\n\
1PVoxteKzSshXhja85dHnjCQ2qZnPnOgEPQv9vLhERpVxKVL/Hx27yDhyCzamIrO\n\
TGIZKWWKspqjid+l39xyTe1Upq0CS3qgC8btoHWosQcF11gFTMKub54qDJ8gIKyc\n\
p1vgMkEcMnPb2QJIIQIDAQAB\n\
-----END PUBLIC KEY-----\n";

fn new_pair(generation: u32, private: &str, names: &[&str]) -> CreateKeyPair {
    CreateKeyPair {
        public_key: PUBLIC_KEY.to_owned(),
        wrapped_private_key: wrap(generation, private),
        external_identifiers: names.iter().map(|name| (*name).to_owned()).collect(),
        metadata: "{}".into(),
        generation: Some(generation),
    }
}

pub(super) fn create_pair(
    desk: &mut Desk,
    who: &Principal,
    generation: u32,
    private: &str,
    names: &[&str],
) -> Result<KeyPair, EngineError> {
    desk.run(who, &new_pair(generation, private, names))
}

pub(super) fn list_pairs(desk: &mut Desk, who: &Principal, pending: bool) -> Vec<KeyPair> {
    let (mut pairs, mut from) = (Vec::new(), None);
    loop {
        let page = desk.run(who, &ListKeyPairs { pending, from, limit: 3 }).unwrap();
        pairs.extend(page.key_pairs);
        from = page.next;
        if from.is_none() {
            return pairs;
        }
    }
}

fn find(desk: &mut Desk, who: &Principal, name: &str) -> Result<KeyPairId, EngineError> {
    let found = desk.run(who, &FindKeyPair { external_identifier: name.to_owned() });
    found.map(|pair| pair.id)
}

fn rename(id: KeyPairId, names: &[&str]) -> UpdateKeyPair {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    UpdateKeyPair { id, external_identifiers: Some(names), metadata: None }
}

/// A-KEY-08: nothing is trimmed, folded, escaped or written anew.
#[test]
fn a_key_pair_is_returned_exactly_as_it_was_given() {
    let (mut desk, ann) = with_kek();
    let names = ["auth", "a/b%2Fc", "=1+1|'cmd'!A0", "<script>", "\u{202e}evil\u{0}\t\n", " é \u{301}"];
    let lf = PUBLIC_KEY.replace("\r\n", "\n");
    let metadata = "{\"\\u202e\":\r\n [1.50, \"<script>\"]}\u{7}";
    let create =
        CreateKeyPair { public_key: lf.clone(), metadata: metadata.into(), ..new_pair(1, "private", &names) };
    let pair = desk.run(&ann, &create).unwrap();
    assert_eq!(pair.public_key, lf);
    assert_eq!(pair.metadata, metadata);
    assert_eq!((pair.generation, pair.wrapped_private_key.clone()), (1, wrap(1, "private")));
    let texts: Vec<&str> = pair.external_identifiers.iter().map(|name| name.text.as_str()).collect();
    assert_eq!(texts, names);
    assert_eq!(desk.run(&ann, &GetKeyPair { id: pair.id }).unwrap(), pair);
    for name in names {
        assert_eq!(find(&mut desk, &ann, name), Ok(pair.id));
    }
    for other in ["", "Auth", "auth ", "a/b/c", " é\u{301}"] {
        assert_eq!(find(&mut desk, &ann, other), Err(EngineError::UnknownKey), "{other:?}");
    }
    let same_key = create_pair(&mut desk, &ann, 1, "private", &[]).unwrap();
    assert_ne!(same_key.public_key, lf);
    assert_eq!(same_key.fingerprint, pair.fingerprint, "line ends do not make another key");
}

/// A-KEY-02: somebody else's key pair is one that never was, by id and by name.
#[test]
fn a_key_pair_is_its_accounts_own() {
    let (mut desk, ann) = with_kek();
    let bob = desk.who("bob");
    desk.run(&bob, &SetKek { wrapped: wrap(0, "kek") }).unwrap();
    let pair = create_pair(&mut desk, &ann, 1, "private", &["auth"]).unwrap();
    for id in [pair.id, KeyPairId::from_bytes([9; 16])] {
        assert_eq!(desk.run(&bob, &GetKeyPair { id }), Err(EngineError::UnknownKey));
        assert_eq!(desk.run(&bob, &rename(id, &["mine"])), Err(EngineError::UnknownKey));
        assert_eq!(desk.run(&bob, &DeleteKeyPair { id }), Err(EngineError::UnknownKey));
    }
    assert_eq!(find(&mut desk, &bob, "auth"), Err(EngineError::UnknownKey));
    assert!(list_pairs(&mut desk, &bob, false).is_empty());
    let bobs = create_pair(&mut desk, &bob, 1, "private", &["auth"]).unwrap();
    assert_eq!(find(&mut desk, &bob, "auth"), Ok(bobs.id), "names are unique within an account only");
    assert_eq!(find(&mut desk, &ann, "auth"), Ok(pair.id));
}

#[test]
fn a_key_pair_needs_a_kek_that_is_the_present_one_and_room() {
    let (mut desk, ann) = desk();
    assert_eq!(create_pair(&mut desk, &ann, 1, "a", &[]), Err(EngineError::UnknownKey));
    desk.run(&ann, &SetKek { wrapped: wrap(0, "kek") }).unwrap();
    assert_eq!(create_pair(&mut desk, &ann, 2, "a", &[]), Err(EngineError::StaleKek { generation: 1 }));
    desk.limits.account_keys_max = 2;
    let pair = create_pair(&mut desk, &ann, 1, "a", &["auth"]).unwrap();
    create(&mut desk, &ann, 1, "b");
    let full = EngineError::QuotaExceeded { what: Quota::Keys, max: 2 };
    assert_eq!(create_pair(&mut desk, &ann, 1, "c", &[]), Err(full.clone()));
    let dek = CreateDek { wrapped: wrap(1, "c"), generation: Some(1) };
    assert_eq!(desk.run(&ann, &dek), Err(full));
    desk.run(&ann, &DeleteKeyPair { id: pair.id }).unwrap();
    assert_eq!(desk.run(&ann, &GetKek {}).unwrap().keys, 1);
    assert_eq!(desk.run(&ann, &GetKeyPair { id: pair.id }), Err(EngineError::UnknownKey));
    create_pair(&mut desk, &ann, 1, "c", &["auth"]).unwrap();
}

/// A-TOK-08: what is no public key, or a private one, is refused before anything is written.
#[test]
fn a_public_key_is_rsa_of_a_sound_size() {
    let (mut desk, ann) = with_kek();
    let huge = format!("{PUBLIC_KEY}{}", " ".repeat(8_192));
    let bad = [
        ("", RsaKeyError::Pem),
        ("ssh-rsa AAAA", RsaKeyError::Pem),
        (&PUBLIC_KEY.replace("PUBLIC", "RSA PRIVATE"), RsaKeyError::Private),
        (&PUBLIC_KEY.replace("PUBLIC KEY", "CERTIFICATE"), RsaKeyError::Label),
        (&PUBLIC_KEY.replace("MIIB", "MIIC"), RsaKeyError::Key),
        (TINY, RsaKeyError::Key),
        (&huge, RsaKeyError::TooLong),
    ];
    let rows = desk.row_count();
    for (public_key, reason) in bad {
        let create = CreateKeyPair { public_key: public_key.to_owned(), ..new_pair(1, "a", &[]) };
        assert_eq!(desk.run(&ann, &create), Err(EngineError::PublicKeyInvalid { reason }), "{public_key:?}");
    }
    assert_eq!(desk.row_count(), rows);
}

#[test]
fn a_private_key_and_metadata_have_sizes() {
    let (mut desk, ann) = with_kek();
    let private = wrap(1, vec![b'x'; 5_000]);
    desk.limits.wrapped_private_key_bytes_max = private.len();
    desk.limits.key_pair_metadata_bytes_max = 100;
    let create = CreateKeyPair {
        wrapped_private_key: private.clone(),
        metadata: vec![b' '; 100].into(),
        ..new_pair(1, "a", &[])
    };
    let pair = desk.run(&ann, &create).unwrap();
    let longer = CreateKeyPair { wrapped_private_key: wrap(1, vec![b'x'; 5_003]), ..create.clone() };
    let (bytes, max) = (private.len() + 4, private.len());
    assert_eq!(desk.run(&ann, &longer), Err(EngineError::WrappedKeySize { bytes, max }));
    let plain = CreateKeyPair { wrapped_private_key: "-----BEGIN".into(), ..create.clone() };
    assert!(matches!(desk.run(&ann, &plain), Err(EngineError::WrappedKeyMalformed { .. })));
    let metadata = Bytes::from(vec![b' '; 101]);
    let refused = EngineError::MetadataTooLarge { bytes: 101, max: 100 };
    let more = CreateKeyPair { metadata: metadata.clone(), ..create };
    assert_eq!(desk.run(&ann, &more), Err(refused.clone()));
    let update = UpdateKeyPair { id: pair.id, external_identifiers: None, metadata: Some(metadata) };
    assert_eq!(desk.run(&ann, &update), Err(refused));
}

#[test]
fn names_have_a_size_and_a_number() {
    let (mut desk, ann) = with_kek();
    let longest = "\u{1f511}".repeat(255);
    let sixteen: Vec<String> = (0..16).map(|n| format!("name {n}")).collect();
    let sixteen: Vec<&str> = sixteen.iter().map(String::as_str).collect();
    create_pair(&mut desk, &ann, 1, "a", &[&longest]).unwrap();
    let pair = create_pair(&mut desk, &ann, 1, "a", &sixteen).unwrap();
    let seventeen = [&sixteen[..], &["one more"]].concat();
    let too_many = EngineError::TooManyExternalIdentifiers { max: 16 };
    assert_eq!(create_pair(&mut desk, &ann, 1, "a", &seventeen), Err(too_many.clone()));
    assert_eq!(desk.run(&ann, &rename(pair.id, &seventeen)), Err(too_many));
    for bad in ["", &"a".repeat(256), &"a".repeat(100_000)] {
        let refused = EngineError::ExternalIdentifierSize { at: 1, max: 255 };
        assert_eq!(create_pair(&mut desk, &ann, 1, "a", &["x", bad]), Err(refused.clone()));
        assert_eq!(desk.run(&ann, &rename(pair.id, &["x", bad])), Err(refused));
    }
}

#[test]
fn a_name_that_is_taken_is_refused_and_one_that_is_kept_keeps_its_id() {
    let (mut desk, ann) = with_kek();
    let first = create_pair(&mut desk, &ann, 1, "a", &["auth", "old"]).unwrap();
    let taken = |at| EngineError::ExternalIdentifierTaken { at };
    assert_eq!(create_pair(&mut desk, &ann, 1, "b", &["new", "auth"]), Err(taken(1)));
    assert_eq!(create_pair(&mut desk, &ann, 1, "b", &["new", "x", "new"]), Err(taken(2)));
    assert_eq!(find(&mut desk, &ann, "new"), Err(EngineError::UnknownKey), "all or nothing");
    let second = create_pair(&mut desk, &ann, 1, "b", &["new"]).unwrap();
    assert_eq!(desk.run(&ann, &rename(second.id, &["auth"])), Err(taken(0)));

    let renamed = desk.run(&ann, &rename(first.id, &["newer", "auth"])).unwrap();
    assert_eq!(renamed.external_identifiers[1], first.external_identifiers[0]);
    assert_ne!(renamed.external_identifiers[0].id, first.external_identifiers[1].id);
    let unchanged = KeyPair { external_identifiers: first.external_identifiers.clone(), ..renamed };
    assert_eq!(unchanged, first, "the keys stay");
    assert_eq!(desk.run(&ann, &rename(second.id, &["old"])).unwrap().id, second.id, "old is free");
}

#[test]
fn an_update_replaces_what_it_names_and_one_without_effect_writes_nothing() {
    let (mut desk, ann) = with_kek();
    let pair = create_pair(&mut desk, &ann, 1, "a", &["auth"]).unwrap();
    let told = desk.events.len();
    let nothing = UpdateKeyPair { id: pair.id, external_identifiers: None, metadata: None };
    let same = UpdateKeyPair { metadata: Some("{}".into()), ..rename(pair.id, &["auth"]) };
    for update in [nothing, same] {
        assert_eq!(desk.run(&ann, &update).unwrap(), pair);
        assert_eq!(desk.events.len(), told);
    }
    let update = UpdateKeyPair { metadata: Some("{\"a\":1}".into()), ..rename(pair.id, &[]) };
    let updated = desk.run(&ann, &update).unwrap();
    assert_eq!((&updated.metadata[..], updated.external_identifiers.len()), (&b"{\"a\":1}"[..], 0));
    assert_eq!(find(&mut desk, &ann, "auth"), Err(EngineError::UnknownKey));
    assert_eq!(desk.events.len(), told + 1);
}

/// A-KEY-04, A-KEY-06: a rotation ends once keys of both kinds are rewrapped, each within its own size.
#[test]
fn a_rotation_waits_for_private_keys_as_for_deks() {
    let (mut desk, ann) = with_kek();
    let dek = create(&mut desk, &ann, 1, "dek");
    let pair = create_pair(&mut desk, &ann, 1, "private", &["auth"]).unwrap();
    desk.run(&ann, &BeginRotation { generation: 1, wrapped: wrap(0, "kek 2") }).unwrap();
    assert_eq!(list_pairs(&mut desk, &ann, true), std::slice::from_ref(&pair));
    desk.run(&ann, &rewrap(2, &[(dek, "dek")])).unwrap();
    let finish = FinishRotation { target: 2 };
    assert_eq!(desk.run(&ann, &finish), Err(EngineError::RotationIncomplete { remaining: 1 }));

    let large = wrap(2, vec![b'x'; 4_096]);
    let rewrapped =
        |id: WrappedKeyId| Rewrap { target: 2, keys: vec![Rewrapped { id, wrapped: large.clone() }] };
    let max = desk.limits.wrapped_key_bytes_max;
    let refused = EngineError::WrappedKeySize { bytes: large.len(), max };
    assert_eq!(desk.run(&ann, &rewrapped(dek.into())), Err(refused), "a DEK stays a DEK");
    desk.run(&ann, &rewrapped(pair.id.into())).unwrap();
    // The same 16 bytes may name a DEK and a key pair.
    let twice = rewrap::<WrappedKeyId>(2, &[(pair.id.into(), "x"), (dek.into(), "y"), (pair.id.into(), "z")]);
    assert_eq!(desk.run(&ann, &twice), Err(EngineError::RewrapList { max: 256 }));
    let other_kind = KeyPairId::from_bytes(*dek.as_bytes());
    assert_eq!(desk.run(&ann, &rewrap(2, &[(other_kind, "x")])), Err(EngineError::UnknownKey));

    desk.run(&ann, &rename(pair.id, &["auth", "vault"])).unwrap();
    let status = desk.run(&ann, &rewrap(2, &[(pair.id, "private")])).unwrap();
    assert_eq!((status.done, status.keys), (2, 2));
    assert!(list_pairs(&mut desk, &ann, true).is_empty());
    assert_eq!(desk.run(&ann, &finish).unwrap().generation, 2);
    let rotated = desk.run(&ann, &GetKeyPair { id: pair.id }).unwrap();
    assert_eq!((rotated.generation, rotated.wrapped_private_key), (2, wrap(2, "private")));
    assert_eq!((rotated.public_key, rotated.metadata), (pair.public_key, pair.metadata));
    assert_eq!(
        find(&mut desk, &ann, "vault"),
        Ok(pair.id),
        "what it is called is not the rotation's business"
    );
}
