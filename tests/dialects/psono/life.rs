//! The goldens: every call of two people and of an API key, in the order in which clients make them, with the exact
//! answers. What was sealed stands as it was opened, and what lay in a box inside of it stands below.

use std::fmt::Write;

use serde_json::{Value, json};
use strongroom_primitives::{encoding::to_hex, nacl::BoxKey, psono::seal_key};

use super::world::{Client, Exchange, Person, World, deployed, text};

/// Names in place of ids and bytes: the first of a kind is number 1, and the same bytes have the same name.
#[derive(Default)]
struct Names(Vec<(String, String)>);

impl Names {
    fn of(&mut self, kind: &str, given: &str) -> String {
        if let Some((_, name)) = self.0.iter().find(|(seen, _)| seen == given) {
            return name.clone();
        }
        let others = self.0.iter().filter(|(_, name)| name.starts_with(&format!("<{kind} "))).count();
        let name = format!("<{kind} {}>", others + 1);
        self.0.push((given.to_owned(), name.clone()));
        name
    }

    fn named(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.named_text(text),
            Value::Array(items) => items.iter().map(|item| self.named(item)).collect(),
            Value::Object(members) => {
                members.iter().map(|(name, value)| (name.clone(), self.named(value))).collect()
            }
            other => other.clone(),
        }
    }

    /// What is a document of its own is shown as one.
    fn named_text(&mut self, text: &str) -> Value {
        if let Ok(document @ Value::Object(_)) = serde_json::from_str(text) {
            return json!({ "as text": self.named(&document) });
        }
        let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let parts: Vec<usize> = text.split('-').map(str::len).collect();
        match text {
            _ if parts == [8, 4, 4, 4, 12] => self.of("id", text).into(),
            _ if is_hex && text.len() >= 32 => self.of(&format!("{} bytes", text.len() / 2), text).into(),
            _ => text.into(),
        }
    }

    fn named_path(&mut self, path: &str) -> String {
        let segments = path.split('/').map(|segment| text(&self.named_text(segment)).to_owned());
        segments.collect::<Vec<_>>().join("/")
    }
}

/// Everything that was said, written down.
fn written(said: &[Exchange]) -> String {
    let (mut names, mut out) = (Names::default(), String::new());
    let how = |sealed: bool| if sealed { "sealed" } else { "plain" };
    let mut line = |text: String| writeln!(out, "{text}").expect("a string takes all");
    for Exchange { method, path, headers, sent, sent_sealed, told, inside } in said {
        line(format!("{method} {}", names.named_path(path)));
        for (name, value) in headers {
            line(format!("{name}: {}", names.named(value)));
        }
        if !sent.is_null() {
            line(format!("{} {}", how(*sent_sealed), names.named(sent)));
        }
        line(format!("= {} {}", told.status, how(told.sealed)));
        for (name, value) in &told.headers {
            line(format!("{name}: {value}"));
        }
        if !told.body.is_null() {
            line(format!("{:#}", names.named(&told.body)));
        }
        for (name, value) in inside {
            line(format!("{name}: {:#}", names.named(value)));
        }
        line(String::new());
    }
    out
}

fn with(mut body: Value, more: Value) -> Value {
    for (name, value) in more.as_object().expect("members") {
        body[name] = value.clone();
    }
    body
}

/// A text that is sealed for nobody in particular.
fn data(world: &World) -> Value {
    let nonce = world.draw();
    let sealed = BoxKey::from_bytes([99; 32]).seal(&nonce, b"what nobody but clients can read");
    json!({ "data": to_hex(&sealed), "data_nonce": to_hex(&nonce) })
}

/// A sealed key by this name.
fn key(world: &World, name: &str) -> Value {
    let nonce = world.draw();
    let sealed = seal_key(&BoxKey::from_bytes([98; 32]), &nonce, &[97; 32]);
    json!({ name: to_hex(&sealed), format!("{name}_nonce"): to_hex(&nonce) })
}

async fn made(client: &Client<'_>, method: &str, path: &str, body: Value, id: &str) -> String {
    let told = client.send(0, method, path, body).await;
    assert_eq!(told.status, 201, "{told:?}");
    text(&told.body[id]).to_owned()
}

async fn datastore(world: &World, client: &Client<'_>, description: &str) -> String {
    let body = with(
        key(world, "secret_key"),
        json!({ "type": "password", "description": description, "data": "", "data_nonce": "", "is_default": true }),
    );
    made(client, "PUT", "/datastore/", body, "datastore_id").await
}

async fn secret(world: &World, client: &Client<'_>, store: &str, link: &str) -> String {
    let body = with(
        data(world),
        json!({ "link_id": link, "parent_datastore_id": store, "callback_url": "", "callback_user": "", "callback_pass": "" }),
    );
    made(client, "PUT", "/secret/", body, "secret_id").await
}

/// What ann does with what is hers alone. Gives a datastore, a secret in it, and the link that it hangs at.
async fn keep(world: &World, ann: &Client<'_>) -> (String, String, String) {
    ann.get(0, "/datastore/").await;
    let store = datastore(world, ann, "private").await;
    let shown = ann.get(0, &format!("/datastore/{store}/")).await;
    let save =
        with(data(world), json!({ "datastore_id": store, "old_write_date": shown.body["write_date"] }));
    ann.send(0, "POST", "/datastore/", save.clone()).await;
    let again =
        with(data(world), json!({ "datastore_id": store, "old_write_date": shown.body["write_date"] }));
    ann.send(0, "POST", "/datastore/", again).await;
    ann.get(0, "/datastore/").await;

    let link = world.uuid();
    let id = secret(world, ann, &store, &link).await;
    let path = format!("/secret/{id}/");
    ann.get(0, &path).await;
    ann.send(0, "POST", "/secret/", with(data(world), json!({ "secret_id": id }))).await;
    ann.get(0, &path).await;
    let history = ann.get(0, &format!("/secret/history/{id}/")).await.body["history"].clone();
    ann.get(0, &format!("/history/{}/", text(&history[0]["id"]))).await;
    let many = json!({ "parent_datastore_id": store, "secrets": [with(data(world), json!({ "link_id": world.uuid() }))] });
    let many = ann.send(0, "PUT", "/bulk-secret/", many).await.body["secrets"].clone();
    let ids = json!({ "secret_ids": [many[0]["secret_id"], world.uuid()] });
    ann.send(0, "POST", "/bulk-secret-read/", ids).await;
    ann.send(0, "DELETE", "/secret/link/", json!({ "link_id": many[0]["link_id"] })).await;
    (store, id, link)
}

/// Ann shares a secret with bob, and takes it back.
async fn share(world: &World, ann: &Client<'_>, bob: &Client<'_>, store: &str, secret: &str, link: &str) {
    let share_link = world.uuid();
    let body = with(
        with(data(world), key(world, "key")),
        json!({ "key_type": "symmetric", "link_id": share_link, "parent_datastore_id": store }),
    );
    let id = made(ann, "POST", "/share/", body, "share_id").await;
    ann.send(0, "POST", "/secret/link/", json!({ "link_id": link, "new_parent_share_id": id })).await;
    ann.get(0, &format!("/metadata-datastore/{store}/")).await;
    ann.get(0, &format!("/metadata-share/{id}/")).await;
    let found = ann.send(0, "POST", "/user/search/", json!({ "user_username": "bob@example.com" })).await;
    let offer = with(
        with(with(key(world, "key"), key(world, "title")), key(world, "type")),
        json!({ "share_id": id, "user_id": found.body["id"], "read": true, "write": false, "grant": false }),
    );
    let right = made(ann, "PUT", "/share/right/", offer, "share_right_id").await;
    bob.get(0, "/share/").await;
    bob.get(0, &format!("/share/{id}/")).await;
    let accept = with(key(world, "key"), json!({ "share_right_id": right, "key_type": "symmetric" }));
    bob.send(0, "POST", "/share/right/accept/", accept).await;
    bob.get(0, &format!("/share/{id}/")).await;
    bob.get(0, &format!("/secret/{secret}/")).await;
    let save = with(data(world), json!({ "share_id": id }));
    bob.send(0, "PUT", "/share/", save.clone()).await;
    let more =
        json!({ "share_id": id, "user_id": found.body["id"], "read": true, "write": true, "grant": false });
    ann.send(0, "POST", "/share/right/", more).await;
    bob.send(0, "PUT", "/share/", save).await;
    ann.get(0, &format!("/share/rights/{id}/")).await;
    bob.get(0, "/share/right/").await;
    ann.send(0, "DELETE", "/share/right/", json!({ "user_share_right_id": right })).await;
    bob.get(0, &format!("/secret/{secret}/")).await;
    ann.send(0, "DELETE", "/share/link/", json!({ "link_id": share_link })).await;
}

/// Ann lets another device of hers in, and ends its session.
async fn let_in(ann: &Client<'_>) {
    let other = ann.let_in().await;
    other.get(0, "/api-key/").await;
    let sessions = ann.get(0, "/authentication/sessions/").await.body["sessions"].clone();
    let others = sessions.as_array().expect("a list").iter().find(|one| one["current_session"] == false);
    let end = json!({ "session_id": others.expect("the device's")["id"] });
    ann.send(0, "POST", "/authentication/logout/", end).await;
    other.get(0, "/api-key/").await;
}

#[test]
fn the_life_of_two_people() {
    let mut said = String::new();
    deployed(1, async |world| {
        world.plain(0, "GET", "/info/", "").await;
        world.plain(0, "GET", "/healthcheck/", "").await;
        let person = Person::new(world, "ann@example.com", 20);
        world.post(0, "/authentication/prelogin/", json!({ "username": "ann@example.com" })).await;
        person.register().await;
        let ann = person.session().await;
        let bob = Person::new(world, "bob@example.com", 30);
        bob.register().await;
        let bob = bob.session().await;
        let (store, secret, link) = keep(world, &ann).await;
        share(world, &ann, &bob, &store, &secret, &link).await;
        let_in(&ann).await;
        ann.get(0, "/session-key/").await;
        let wrong = json!({ "datastore_id": store, "authkey": "00".repeat(64) });
        ann.send(0, "DELETE", "/datastore/", wrong).await;
        ann.send(0, "POST", "/authentication/logout/", json!({})).await;
        ann.get(0, "/datastore/").await;
        said = written(&world.said());
    });
    insta::assert_snapshot!(said);
}

#[test]
fn the_life_of_an_api_key() {
    let mut said = String::new();
    deployed(1, async |world| {
        let person = Person::new(world, "ann@example.com", 20);
        person.register().await;
        let owner = person.session().await;
        let store = datastore(world, &owner, "private").await;
        let open = secret(world, &owner, &store, &world.uuid()).await;
        let closed = secret(world, &owner, &store, &world.uuid()).await;
        world.said();

        let api_key = person.api_key(&owner, 40, json!({ "write": true })).await;
        let id = api_key.id.to_uuid();
        owner.get(0, "/api-key/").await;
        owner.get(0, &format!("/api-key/{id}/")).await;
        let nonce = world.draw();
        let its = BoxKey::from_bytes(api_key.secret);
        let attach = with(
            json!({ "api_key_id": id, "secret_id": open, "secret_key": to_hex(&seal_key(&its, &nonce, &[99; 32])), "secret_key_nonce": to_hex(&nonce) }),
            key(world, "title"),
        );
        let attached = made(&owner, "PUT", "/api-key/secret/", attach, "api_key_secret_id").await;
        owner.get(0, &format!("/api-key/secret/{id}/")).await;

        let (_, server) = world.server(0).await;
        let program = api_key.session(0, &server).await.expect("the server is itself");
        owner.get(0, "/authentication/sessions/").await;
        program.get(0, "/datastore/").await;
        program.get(0, &format!("/datastore/{store}/")).await;
        program.get(0, &format!("/secret/{open}/")).await;
        let update = || with(data(world), json!({ "secret_id": open }));
        program.send(0, "POST", "/secret/", update()).await;
        program.send(0, "POST", "/bulk-secret-read/", json!({ "secret_ids": [open, closed] })).await;
        program.send(0, "POST", "/api-key/", json!({ "api_key_id": id, "title": "wider" })).await;
        program.get(0, "/authentication/sessions/").await;
        owner.send(0, "POST", "/api-key/", json!({ "api_key_id": id, "write": false })).await;
        program.send(0, "POST", "/secret/", update()).await;
        let restrict = json!({ "api_key_id": id, "write": true, "restrict_to_secrets": true, "allow_insecure_access": true });
        owner.send(0, "POST", "/api-key/", restrict).await;
        program.get(0, "/datastore/").await;
        program.get(0, &format!("/secret/{open}/")).await;
        program.get(0, &format!("/secret/{closed}/")).await;
        program.send(0, "POST", "/authentication/logout/", json!({})).await;
        program.get(0, &format!("/secret/{open}/")).await;
        api_key.session(0, &server).await.expect("the server is itself");

        let named = json!({ "api_key_id": id, "secret_id": open });
        world.post(0, "/api-key-access/inspect/", json!({ "api_key_id": id })).await;
        world.post(0, "/api-key-access/secret/", named.clone()).await;
        let put = |body: Value| {
            let body = body.to_string();
            async move { world.plain(0, "PUT", "/api-key-access/secret/", &body).await }
        };
        put(with(data(world), named.clone())).await;
        let insecure = with(named.clone(), json!({ "api_key_secret_key": to_hex(&api_key.secret) }));
        put(with(insecure.clone(), json!({ "insecure_data": "{\"user\": {\"name\": \"ann\"}}" }))).await;
        world.post(0, "/api-key-access/secret/", insecure.clone()).await;
        world.post(0, "/api-key-access/secret/", with(insecure, json!({ "json_filter": "user.name" }))).await;

        owner.send(0, "DELETE", "/api-key/secret/", json!({ "api_key_secret_id": attached })).await;
        world.post(0, "/api-key-access/secret/", named).await;
        owner.send(0, "DELETE", "/api-key/", json!({ "api_key_id": id })).await;
        let (request, _) = api_key.login();
        world.plain(0, "POST", "/api-key/login/", &request.to_json()).await;
        said = written(&world.said());
    });
    insta::assert_snapshot!(said);
}
