//! The goldens: every call of a user's life, in the order in which clients make them (dialects/meeco.md, section 8), with
//! the exact answers.

use std::fmt::Write;

use serde_json::{Value, json};

use super::world::{Caller, Prover, World, deployed, registration, wrapped};

/// Which generation of clients lives it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clients {
    Sdk13,
    Api2023,
}

/// What was said, with names in place of what differs from run to run.
struct Transcript<'w> {
    world: &'w World,
    clients: Clients,
    said: String,
    /// Texts and their names. Ids, sessions and so on get theirs when they are first seen.
    names: Vec<(String, String)>,
}

impl Transcript<'_> {
    /// Makes a call and writes it down; gives the body of the answer.
    async fn say(&mut self, caller: &Caller<'_>, method: &str, target: &str, body: Value) -> Value {
        let caller = match self.clients {
            Clients::Sdk13 => caller.and("x_meeco_api_version", "2.0.0"),
            Clients::Api2023 => caller.clone(),
        };
        let sent = if body.is_null() { String::new() } else { body.to_string() };
        // Each call is a second after the one before, so that what is in order of time always is in the same one.
        self.world.tick();
        let answer = caller.send(method, target, &sent).await;
        let target = self.with_names(&caller.path(target));
        writeln!(self.said, "{method} {target}").expect("a string takes all");
        if !body.is_null() {
            let body = self.named(&body);
            writeln!(self.said, "{body}").expect("a string takes all");
        }
        writeln!(self.said, "= {}", answer.status()).expect("a string takes all");
        let told = answer.json();
        if !told.is_null() {
            let body = self.named(&told);
            writeln!(self.said, "{body:#}").expect("a string takes all");
        }
        self.said.push('\n');
        told
    }

    fn name(&mut self, text: &str, name: &str) {
        self.names.push((text.to_owned(), name.to_owned()));
    }

    /// The same with names, also in the middle of a text.
    fn with_names(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (given, name)| text.replace(given, name))
    }

    fn named(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.named_text(text).into(),
            Value::Array(items) => items.iter().map(|item| self.named(item)).collect(),
            Value::Object(members) => {
                members.iter().map(|(name, value)| (name.clone(), self.named(value))).collect()
            }
            other => other.clone(),
        }
    }

    fn named_text(&mut self, text: &str) -> String {
        if let Some((_, name)) = self.names.iter().find(|(given, _)| given == text) {
            return name.clone();
        }
        let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let kind = match text {
            _ if is_hex && text.len() >= 64 => return format!("<{} digits>", text.len()),
            _ if is_uuid(text) => "id",
            _ if text.starts_with("Rsa2048.") => "sealed session",
            _ if text.starts_with("sra1.") => "admission token",
            _ if text.len() == 89 && text.as_bytes()[44] == b'.' => "session",
            _ => return text.to_owned(),
        };
        let others = self.names.iter().filter(|(_, name)| name.starts_with(&format!("<{kind} "))).count();
        let name = format!("<{kind} {}>", others + 1);
        self.name(text, &name);
        name
    }
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12]
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

impl<'w> Transcript<'w> {
    /// Signs in to the keystore.
    async fn sign_in(&mut self, username: &str) -> Caller<'w> {
        let (open, prover) = (self.world.keystore(0), Prover::new(username));
        let body = self.say(&open, "POST", "/srp/challenges", prover.question()).await;
        let answer = prover.answer(&body["challenge"]);
        let body = self.say(&open, "POST", "/srp/session", answer).await;
        open.with(body["session"]["session_authentication_string"].as_str().expect("a session"))
    }

    /// `users:create`; gives the username.
    async fn create(&mut self) -> String {
        let open = self.world.keystore(0);
        let reserved = self.say(&open, "POST", "/srp/username", json!({})).await;
        let username = text(&reserved["username"]);
        self.name(&username, "<username>");
        self.said = self.with_names(&self.said);
        self.say(&open, "POST", "/srp/users", registration(&username)).await;
        let keystore = self.sign_in(&username).await;
        let body = self.say(&keystore, "GET", "/external_admission_tokens", Value::Null).await;
        let token = body["external_admission_token"]["vault_api_admission_token"].clone();
        let kek = json!({ "serialized_key_encryption_key": wrapped("kek") });
        self.say(&keystore, "POST", "/key_encryption_key", kek).await;
        let pair = json!({
            "public_key": self.world.public_key,
            "encrypted_serialized_key": wrapped("private key"),
            "external_identifiers": ["auth"],
            "metadata": {},
        });
        self.say(&keystore, "POST", "/keypairs", pair).await;
        let me = json!({ "public_key": self.world.public_key, "admission_token": token });
        let body = self.say(&self.world.vault(0), "POST", "/me", me).await;
        let session = self.world.unseal(&body["encrypted_session_authentication_string"]);
        let vault = self.world.vault(0).with(&session);
        let dek = json!({ "serialized_data_encryption_key": wrapped("dek") });
        let body = self.say(&keystore, "POST", "/data_encryption_keys", dek).await;
        let name = match self.clients {
            Clients::Sdk13 => "private_encryption_space_id",
            Clients::Api2023 => "private_dek_external_id",
        };
        let me = json!({ "user": { name: body["data_encryption_key"]["id"] } });
        self.say(&vault, "PUT", "/me", me).await;
        username
    }

    /// `users:login`; gives both sessions.
    async fn log_in(&mut self, username: &str) -> (Caller<'w>, Caller<'w>) {
        let keystore = self.sign_in(username).await;
        self.say(&keystore, "GET", "/key_encryption_key", Value::Null).await;
        self.say(&keystore, "GET", "/keypairs/external_id/auth", Value::Null).await;
        let body = json!({ "public_key": self.world.public_key });
        let body = self.say(&self.world.vault(0), "POST", "/session", body).await;
        let session = self.world.unseal(&body["session"]["encrypted_session_authentication_string"]);
        let vault = self.world.vault(0).with(&session);
        let body = self.say(&vault, "GET", "/me", Value::Null).await;
        let dek = text(&body["user"]["private_dek_external_id"]);
        self.say(&keystore, "GET", &format!("/data_encryption_keys/{dek}"), Value::Null).await;
        (keystore, vault)
    }

    /// What users do with items.
    async fn keep(&mut self, vault: &Caller<'w>) {
        let item = json!({ "label": "Work e-mail", "slots_attributes": [
            { "name": "password", "encrypted_value": wrapped("secret") },
            { "label": "Recovery code", "encrypted_value": wrapped("code") },
        ]});
        let body = json!({ "template_name": "password", "item": item });
        let made = self.say(vault, "POST", "/items", body).await;
        let path = format!("/items/{}", text(&made["item"]["id"]));
        self.say(vault, "GET", &path, Value::Null).await;
        let item = json!({ "label": "Mail", "slots_attributes": [
            { "id": made["slots"][0]["id"], "_destroy": true },
            { "name": "password", "encrypted_value": wrapped("other") },
        ]});
        self.say(vault, "PUT", &path, json!({ "item": item })).await;
        let slot = format!("/slots/{}", text(&made["slots"][4]["id"]));
        self.say(vault, "DELETE", &slot, Value::Null).await;
        let note = json!({ "template_name": "custom", "item": { "label": "Note" } });
        self.say(vault, "POST", "/items", note).await;
        let page = self.say(vault, "GET", "/items?per_page=1", Value::Null).await;
        self.name(page["next_page_after"].as_str().expect("there is more"), "<cursor>");
        self.said = self.with_names(&self.said);
        let next = format!("/items?per_page=1&next_page_after={}", text(&page["next_page_after"]));
        self.say(vault, "GET", &next, Value::Null).await;
        self.say(vault, "GET", "/item_templates?like=vehicle", Value::Null).await;
        self.say(vault, "DELETE", &path, Value::Null).await;
        self.say(vault, "GET", &path, Value::Null).await;
    }

    /// `users:logout`, and that it was one.
    async fn log_out(&mut self, keystore: &Caller<'w>, vault: &Caller<'w>) {
        self.say(vault, "DELETE", "/session", Value::Null).await;
        self.say(keystore, "DELETE", "/session", Value::Null).await;
        self.say(vault, "GET", "/me", Value::Null).await;
        self.say(keystore, "GET", "/session", Value::Null).await;
    }
}

/// A whole life, written down.
fn life(clients: Clients) -> String {
    let mut said = String::new();
    deployed(1, async |world| {
        let mut life = Transcript { world, clients, said: String::new(), names: Vec::new() };
        life.name(&world.public_key, "<public key>");
        for plain in ["kek", "private key", "dek", "secret", "code", "other"] {
            life.name(&wrapped(plain), &format!("<wrapped {plain}>"));
        }
        let username = life.create().await;
        // A second try with the same secret is refused twice over, and harms nothing.
        life.say(&world.keystore(0), "POST", "/srp/users", registration(&username)).await;
        let (keystore, vault) = life.log_in(&username).await;
        life.say(&keystore, "GET", "/external_admission_tokens", Value::Null).await;
        let kek = json!({ "serialized_key_encryption_key": wrapped("other") });
        life.say(&keystore, "POST", "/key_encryption_key", kek).await;
        life.keep(&vault).await;
        life.log_out(&keystore, &vault).await;
        said = life.said;
    });
    said
}

#[test]
fn the_life_of_a_user_of_sdk_13() {
    insta::assert_snapshot!(life(Clients::Sdk13));
}

#[test]
fn the_life_of_a_user_of_the_packages_of_2023() {
    insta::assert_snapshot!(life(Clients::Api2023));
}
