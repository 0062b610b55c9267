//! Psono over the router: the life of two people and of an API key, word by word; logins, bodies and ends of sessions
//! that race or return on two nodes; a rotation of the server's identity; and what must appear nowhere.
//!
//! What differs from run to run stands in the goldens as a name: `<id 1>`, `<24 bytes 2>`.

mod life;
pub(crate) mod world;

use futures_util::future::join_all;
use serde_json::json;
use strongroom_engine::domains::sessions::identity::RotateIdentity;
use strongroom_primitives::encoding::to_hex;

use self::world::{Person, World, deployed};
use crate::support::everything_logged;

async fn ann(world: &World) -> Person<'_> {
    let ann = Person::new(world, "ann@example.com", 20);
    ann.register().await;
    ann
}

/// A-API-04 over two nodes: of one login, sent to both at once and again, one opens a session.
#[test]
fn of_logins_that_race_on_two_nodes_one_opens_a_session() {
    deployed(2, async |world| {
        let ann = ann(world).await;
        let api_key = ann.api_key(&ann.session().await, 40, json!({})).await;
        for _ in 0..8 {
            let body = api_key.login().0.to_json();
            let tries = (0..8).map(|number| world.plain(number % 2, "POST", "/api-key/login/", &body));
            let told = join_all(tries).await;
            assert_eq!(told.iter().filter(|told| told.status == 200).count(), 1, "{told:?}");
            let replayed = json!({ "non_field_errors": ["LOGIN_INFO_REPLAYED"] });
            assert_eq!(told.iter().filter(|told| told.body == replayed).count(), 7, "{told:?}");
        }
    });
}

/// A-API-11 over two nodes: of one sealed body, one is taken; and a session that ends on one node is over on the other,
/// which remembers what it is sealed with (A-API-08).
#[test]
fn what_one_node_has_taken_or_ended_no_other_takes_or_goes_on_with() {
    deployed(2, async |world| {
        let ann = ann(world).await;
        let api_key = ann.api_key(&ann.session().await, 40, json!({ "write": true })).await;
        let (_, server) = world.server(0).await;
        let client = api_key.session(0, &server).await.expect("the server is itself");
        for _ in 0..8 {
            let body = client.seal(&json!({ "user_username": "ann@example.com" }).to_string());
            let tries = (0..8).map(|number| client.raw(number % 2, "POST", "/user/search/", &body));
            let statuses: Vec<u16> = join_all(tries).await.iter().map(|told| told.status).collect();
            assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
            assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 7, "{statuses:?}");
        }
        assert_eq!(client.get(1, "/datastore/").await.status, 200);
        assert_eq!(client.send(0, "POST", "/authentication/logout/", json!({})).await.status, 200);
        let told = client.get(1, "/datastore/").await;
        assert_eq!(
            (told.status, told.body, told.sealed),
            (401, json!({ "detail": "Invalid token." }), false)
        );
    });
}

/// A rotation on one node is one on all: whoever knows the former identity is answered by it, on every node, until the
/// last instant of the overlap; whoever came after it is answered by the present one, and nobody loses a session.
#[test]
fn both_identities_answer_on_every_node_while_they_overlap() {
    const OVERLAP_S: u64 = 1_800;
    deployed(2, async |world| {
        let ann = ann(world).await;
        let owner = ann.session().await;
        let before = ann.api_key(&owner, 40, json!({})).await;
        let (former_box, former) = world.server(1).await;
        let open = before.session(1, &former).await.expect("there is one identity only");
        let overlap = std::time::Duration::from_secs(OVERLAP_S);
        world.as_operator(RotateIdentity { overlap }).await;
        let (present_box, present) = world.server(0).await;
        assert_ne!((former_box, former.as_bytes()), (present_box, present.as_bytes()));
        let after = ann.api_key(&owner, 50, json!({})).await;
        for node in 0..2 {
            let (shown_box, shown) = world.server(node).await;
            assert_eq!((shown_box, shown.as_bytes()), (present_box, present.as_bytes()), "node {node}");
            assert!(before.session(node, &former).await.is_some(), "node {node}");
            assert!(before.session(node, &present).await.is_none(), "node {node}");
            assert!(after.session(node, &present).await.is_some(), "node {node}");
            assert!(after.session(node, &former).await.is_none(), "node {node}");
            for server in [&former_box, &present_box] {
                assert_eq!(ann.attempt(node, server).await.0.status, 200, "node {node}");
            }
            assert_eq!(open.get(node, "/datastore/").await.status, 200, "node {node}");
        }
        world.wait_s(OVERLAP_S);
        for node in 0..2 {
            assert!(before.session(node, &former).await.is_none(), "node {node}");
            assert!(before.session(node, &present).await.is_some(), "node {node}");
            let refused = ann.attempt(node, &former_box).await.0;
            let code = json!({ "non_field_errors": ["LOGIN_INFO_CANNOT_BE_DECRYPTED"] });
            assert_eq!((refused.status, refused.body), (400, code), "node {node}");
            assert_eq!(ann.attempt(node, &present_box).await.0.status, 200, "node {node}");
            assert_eq!(owner.get(node, "/api-key/").await.status, 200, "node {node}");
        }
    });
}

/// A-LEAK-01: a whole life and every kind of refusal, with everything logged that is ever logged. A secret that the server
/// is given the key of leaves a line that says so.
#[test]
fn tokens_keys_validators_and_bodies_appear_in_no_log() {
    let log = everything_logged();
    let mut secrets = vec!["PSONOCANARY".to_owned(), world::FINGERPRINT.to_owned()];
    deployed(1, async |world| {
        let ann = ann(world).await;
        let owner = ann.session().await;
        let api_key = ann.api_key(&owner, 40, json!({ "write": true })).await;
        let (_, server) = world.server(0).await;
        let client = api_key.session(0, &server).await.expect("the server is itself");
        let (request, _) = api_key.login();
        let told = world.plain(0, "POST", "/api-key/login/", &request.to_json()).await;
        let body = client.seal(&json!({ "type": "PSONOCANARY", "description": "PSONOCANARY" }).to_string());
        let id = api_key.id.to_uuid();
        let secret = to_hex(&api_key.secret);
        let sent = [
            world.plain(0, "POST", "/api-key/login/", &request.to_json()).await,
            world.post(0, "/authentication/login/", json!({ "login_info": "PSONOCANARY" })).await,
            world
                .post(
                    0,
                    "/api-key-access/secret/",
                    json!({ "api_key_id": id, "secret_id": id, "api_key_secret_key": secret }),
                )
                .await,
            client.raw(0, "PUT", "/datastore/", &body).await,
            client.raw(0, "PUT", "/datastore/", &body).await,
            client.get(0, "/share/PSONOCANARY/").await,
            owner.raw(0, "GET", "/datastore/x/", "").await,
        ];
        assert!(sent.iter().all(|told| told.status >= 400), "{sent:?}");
        secrets.extend(ann.secrets());
        secrets.extend([client.token.clone(), owner.token.clone(), body, secret, to_hex(&[40; 32])]);
        secrets.push(told.body["login_info"].as_str().expect("a box").to_owned());
        secrets.extend([client.key, owner.key].map(|key| to_hex(key.expose())));
        secrets.extend([to_hex(&request.signature), request.info, id]);
    });
    let logged = log.text();
    assert!(logged.contains("psono insecure access"), "each such use leaves a line");
    for secret in &secrets {
        assert!(!logged.contains(secret.as_str()), "the log has {secret:.40}");
    }
}
