use super::*;

const STORAGE: &str = "/crypto/secret-storage";
const SETUP: &str = "/crypto/migration/v2";
pub(super) const BOX: &str = "5e3e7d0a-90a1-4a4e-8f53-0c6d2a1b3c4d";

pub(super) fn hash(number: u8) -> String {
    to_base64url(&[number; 64])
}

pub(super) fn sealed(text: &str) -> String {
    to_base64url(text.as_bytes())
}

pub(super) fn public_key(number: u8) -> String {
    to_base64url(&[number; 32])
}

/// A set-up under the root key of this number.
pub(super) fn set_up(number: u8, first: bool) -> Value {
    let mut body = json!({
        "account_root_key": { "key_hash": hash(number), "encrypted_key": sealed("root") },
        "vault_key": { "key_hash": hash(number), "encrypted_key": sealed("vault") },
        "asym_keys": { public_key(1): { "encrypted_secret_key": sealed("secret") } },
        "box_key_shares": {
            BOX: { "invitation_share_hash": hash(9), "encrypted_invitation_share": sealed("share") },
        },
    });
    if first {
        body["pubkey"] = public_key(7).into();
        body["non_identified_pubkey"] = public_key(8).into();
    }
    body
}

fn prehash(password: &str) -> Value {
    let params = json!({ "memory": 1_024, "iterations": 1, "parallelism": 1, "salt_base_64": "AAAAAAAAAAAAAAAAAAAAAA==" });
    json!({ "params": params, "hash_base_64": strongroom_primitives::encoding::to_base64(&sha512(password.as_bytes())[..32]) })
}

pub(super) fn change(old: &str, new: &str) -> Value {
    json!({
        "old_prehashed_password": prehash(old), "new_prehashed_password": prehash(new),
        "encrypted_account_root_key": sealed(new),
    })
}

fn password_of(account: &str) -> String {
    format!("/accounts/{account}/password")
}

#[test]
fn a_storage_is_set_up_and_read() {
    run(async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        let none = refusal(409, "conflict", "not_defined", json!({}));
        assert_eq!(said(world.get(&ann, STORAGE).await), none);
        assert_eq!(world.page(&ann, "POST", SETUP, &set_up(1, true)).await, (204, Value::Null));
        let (status, answer) = world.get(&ann, STORAGE).await;
        let sent = set_up(1, true);
        assert_eq!(status, 200);
        for name in ["account_root_key", "vault_key", "asym_keys"] {
            assert_eq!(answer[name], sent[name], "{name}");
        }
        let share = &answer["box_key_shares"][BOX];
        assert_eq!(share["invitation_share_hash"], hash(9));
        assert_eq!(share["encrypted_invitation_share"], sealed("share"));
        assert_eq!(share["created_at"], "2026-05-28T20:26:40.000Z");
        assert!(super::super::members::uuid4(share["id"].as_str().unwrap()).is_some());
        assert_eq!(answer.as_object().unwrap().len(), 4);
    });
}

#[test]
fn the_public_keys_come_with_the_first_set_up_and_never_again() {
    run(async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        let says = |what: &str| refusal(400, "bad_request", "body", json!({ "pubkey": what }));
        assert_eq!(said(world.page(&ann, "POST", SETUP, &set_up(1, false)).await), says("required"));
        let mut half = set_up(1, false);
        half["non_identified_pubkey"] = public_key(8).into();
        assert_eq!(said(world.page(&ann, "POST", SETUP, &half).await), says("required"));
        let mut rsa = set_up(1, true);
        rsa["pubkey_aes_rsa"] = format!("com.misakey.aes-rsa-enc:{}", public_key(3)).into();
        assert_eq!(world.page(&ann, "POST", SETUP, &rsa).await.0, 204);
        assert_eq!(said(world.page(&ann, "POST", SETUP, &set_up(2, true)).await), says("conflict"));
        assert_eq!(world.page(&ann, "POST", SETUP, &set_up(2, false)).await.0, 204);
    });
}

/// Section 9: a reset and a new password end what browsers were left with.
#[test]
fn a_reset_and_a_new_password_drop_all_shares() {
    run(async |world| {
        let (ann, bob) = (world.holder(Some(ANN), 2).await, world.holder(Some(BOB), 2).await);
        world.page(&ann, "POST", SETUP, &set_up(1, true)).await;
        world.page(&ann, "POST", SHARES, &filing(1)).await;
        world.page(&bob, "POST", SHARES, &filing(1)).await;
        assert_eq!(
            world.page(&ann, "PUT", &password_of(ANN), &change("", "first")).await,
            (204, Value::Null)
        );
        assert_eq!(world.get(&ann, &at(1)).await.0, 404);
        let root = world.get(&ann, STORAGE).await.1["account_root_key"].clone();
        assert_eq!(root, json!({ "key_hash": hash(1), "encrypted_key": sealed("first") }));
        world.page(&ann, "POST", SHARES, &filing(1)).await;
        world.page(&ann, "POST", SETUP, &set_up(2, false)).await;
        assert_eq!((world.get(&ann, &at(1)).await.0, world.get(&bob, &at(1)).await.0), (404, 200));
    });
}

/// A-DEV-01: whoever else had a token of the account signs in anew; who changed the password goes on.
#[test]
fn a_new_password_signs_everybody_else_out() {
    run(async |world| {
        let (ann, left, bob) = (
            world.holder(Some(ANN), 2).await,
            world.holder(Some(ANN), 4).await,
            world.holder(Some(BOB), 2).await,
        );
        let signing_in = world.process(ANN).await;
        world.page(&ann, "POST", SETUP, &set_up(1, true)).await;
        let half = format!("/auth/account-root-key-shares/{}", share(1).1);
        assert_eq!((world.get(&left, STORAGE).await.0, world.get(&signing_in, &half).await.0), (200, 404));
        assert_eq!(world.page(&ann, "PUT", &password_of(ANN), &change("", "first")).await.0, 204);
        assert_eq!(
            said(world.get(&left, STORAGE).await),
            refusal(401, "unauthorized", "not_defined", json!({}))
        );
        let no_process = refusal(403, "forbidden", "not_defined", json!({}));
        assert_eq!(said(world.get(&signing_in, &half).await), no_process);
        assert_eq!(world.get(&ann, STORAGE).await.0, 200);
        assert_eq!(world.get(&bob, &at(1)).await.0, 404);
        let again = world.holder(Some(ANN), 2).await;
        assert_eq!(world.get(&again, STORAGE).await.0, 200);
    });
}

#[test]
fn a_password_is_changed_by_who_knows_it() {
    run(async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        let none = refusal(409, "conflict", "not_defined", json!({}));
        let path = password_of(ANN);
        assert_eq!(said(world.page(&ann, "PUT", &path, &change("", "first")).await), none);
        world.page(&ann, "POST", SETUP, &set_up(1, true)).await;
        let params = format!("/accounts/{ANN}/pwd-params");
        let (_, decoy) = world.ask("GET", &params, &[], "").await;
        assert_eq!(
            (&decoy["memory"], &decoy["iterations"], &decoy["parallelism"]),
            (&json!(1_024), &json!(1), &json!(1))
        );
        let mut strong = change("", "first");
        strong["new_prehashed_password"]["params"]["memory"] = 65_536.into();
        assert_eq!(world.page(&ann, "PUT", &path, &strong).await.0, 204);
        assert_eq!(
            world.ask("GET", &params, &[], "").await,
            (200, strong["new_prehashed_password"]["params"].clone())
        );
        world.page(&ann, "POST", SHARES, &filing(1)).await;
        let wrong = refusal(403, "forbidden", "body", json!({ "old_password": "invalid" }));
        assert_eq!(said(world.page(&ann, "PUT", &path, &change("wrong", "x")).await), wrong);
        assert_eq!(world.get(&ann, &at(1)).await.0, 200, "a refused change drops nothing");
        let other = refusal(403, "forbidden", "path", json!({ "account_id": "forbidden" }));
        assert_eq!(said(world.page(&ann, "PUT", &password_of(BOB), &change("first", "x")).await), other);
        assert_eq!(world.page(&ann, "PUT", &path, &change("first", "second")).await.0, 204);
        // With the one above these are as many as there may be.
        for _ in 0..9 {
            assert_eq!(said(world.page(&ann, "PUT", &path, &change("first", "x")).await), wrong);
        }
        assert_eq!(said(world.page(&ann, "PUT", &path, &change("second", "x")).await).0, 429);
        let (_, one) = world.ask("GET", &format!("/accounts/{BOB}/pwd-params"), &[], "").await;
        let (_, again) = world.ask("GET", &format!("/accounts/{BOB}/pwd-params"), &[], "").await;
        assert_eq!(one, again, "nobody learns who there is");
    });
}

#[test]
fn secrets_are_added_under_the_present_root_key_only() {
    run(async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        world.page(&ann, "POST", SETUP, &set_up(1, true)).await;
        let keys = format!("{STORAGE}/asym-keys");
        let put = |root: u8, secret: &str| json!({ "public_key": public_key(2), "encrypted_secret_key": sealed(secret), "account_root_key_hash": hash(root) });
        let stale = refusal(403, "forbidden", "account_root_key_hash", json!({}));
        assert_eq!(said(world.page(&ann, "POST", &keys, &put(2, "one")).await), stale);
        for secret in ["one", "two"] {
            let (status, stored) = world.page(&ann, "POST", &keys, &put(1, secret)).await;
            assert_eq!((status, &stored["encrypted_secret_key"]), (200, &json!(sealed("one"))));
        }
        let names = json!({ "public_keys": [public_key(2), "nobody's"] });
        assert_eq!(world.page(&ann, "DELETE", &keys, &names).await, (204, Value::Null));
        assert!(world.get(&ann, STORAGE).await.1["asym_keys"].get(public_key(2)).is_none());
        let empty = refusal(400, "bad_request", "body", json!({ "public_keys": "required" }));
        assert_eq!(said(world.page(&ann, "DELETE", &keys, &json!({ "public_keys": [] })).await), empty);
        for (count, status) in [(1_000, 204), (1_001, 400)] {
            let many = json!({ "public_keys": vec!["x"; count] });
            assert_eq!(world.page(&ann, "DELETE", &keys, &many).await.0, status);
        }

        let share = format!("{STORAGE}/box-key-shares/{BOX}");
        let put = |root: u8| json!({ "invitation_share_hash": hash(3), "encrypted_invitation_share": sealed("new"), "account_root_key_hash": hash(root) });
        let first = world.get(&ann, STORAGE).await.1["box_key_shares"][BOX].clone();
        assert_eq!(said(world.page(&ann, "PUT", &share, &put(2)).await), stale);
        world.clock.advance(Duration::from_secs(1));
        let (status, stored) = world.page(&ann, "PUT", &share, &put(1)).await;
        assert_eq!((status, &stored["id"], &stored["created_at"]), (200, &first["id"], &first["created_at"]));
        assert_ne!(stored["updated_at"], first["updated_at"]);
        let all = format!("{STORAGE}/box-key-shares");
        assert_eq!(world.page(&ann, "DELETE", &all, &json!({ "box_ids": [BOX, IDENTITY] })).await.0, 204);
        assert_eq!(world.get(&ann, STORAGE).await.1["box_key_shares"], json!({}));
        let malformed = refusal(400, "bad_request", "body", json!({ "box_ids": "malformed" }));
        assert_eq!(said(world.page(&ann, "DELETE", &all, &json!({ "box_ids": ["x"] })).await), malformed);
    });
}

#[test]
fn whoever_is_signing_in_reads_and_sets_up_their_own() {
    run(async |world| {
        let signing_in = world.process(ANN).await;
        assert_eq!(
            world.page(&signing_in, "POST", "/auth/crypto/migration/v2", &set_up(1, true)).await.0,
            204
        );
        let path = |challenge: &str, identity: &str| {
            format!("/auth/secret-storage?login_challenge={challenge}&identity_id={identity}")
        };
        let (status, answer) = world.get(&signing_in, &path("c1", IDENTITY)).await;
        assert_eq!((status, &answer["account_id"]), (200, &json!(ANN)));
        assert_eq!(answer["secrets"]["account_root_key"], set_up(1, true)["account_root_key"]);
        let says = |origin, details| refusal(403, "forbidden", origin, details);
        let other = said(world.get(&signing_in, &path("c2", IDENTITY)).await);
        assert_eq!(other, says("query", json!({ "login_challenge": "invalid" })));
        let other = said(world.get(&signing_in, &path("c1", BOB)).await);
        assert_eq!(other, says("query", json!({ "identity_id": "forbidden" })));
        let without = said(world.get(&signing_in, "/auth/secret-storage?login_challenge=c1").await);
        assert_eq!(without, refusal(400, "bad_request", "query", json!({ "identity_id": "required" })));
        let twice = format!("{}&identity_id={BOB}", path("c1", IDENTITY));
        let malformed = refusal(400, "bad_request", "query", json!({ "identity_id": "malformed" }));
        assert_eq!(said(world.get(&signing_in, &twice).await), malformed);
        // Neither token is the other's, and a page's own token is none of a sign-in.
        let ann = world.holder(Some(ANN), 2).await;
        assert_eq!(said(world.get(&ann, &path("c1", IDENTITY)).await), says("not_defined", json!({})));
        assert_eq!(said(world.get(&signing_in, STORAGE).await).0, 401);
    });
}
