//! The stories of people: a passphrase, keys that the server cannot open, and a vault.

use std::sync::atomic::{AtomicU8, Ordering};

use strongroom_client::{
    Client, ClientError,
    wire::{
        Base64Bytes, Change, CryppoString, Item, Kek, KekRewrapped, NewDek, NewItem, NewKek, NewKeyPair,
        NewRotation, Operation, PassphraseChange, ProfileChange, Registration, Reply, Rewrapped, SignedIn,
        SlotChange, SrpProof, SrpStart, TokenRequest, VaultEnrolment, VaultSession, VaultSignIn,
        WrappedKeyId,
    },
};
use strongroom_engine::testing::keys::{unwrap, wrap};
use strongroom_primitives::{
    cryppo,
    rsa::{NewKeyBits, PrivateKey},
    srp::{self, Ephemeral, Profile, Salt, ServerPublic},
};

use crate::stage::{Stage, credentials};

/// Asks, and takes the answer of the kind that belongs to the question.
macro_rules! told {
    ($client:expr, $kind:ident, $operation:expr) => {
        match $client.ask($operation).await.unwrap() {
            Reply::$kind(answer) => answer,
            other => panic!("{other:?}"),
        }
    };
}

const SALT: [u8; 16] = [7; 16];

fn bytes(bytes: &[u8]) -> Base64Bytes {
    Base64Bytes(bytes.to_vec().into())
}

/// A key as the KEK of `generation` wraps it; the PDK counts as generation 0.
fn wrapped(generation: u32, plain: &str) -> CryppoString {
    CryppoString(String::from_utf8(wrap(generation, plain).to_vec()).unwrap())
}

fn opened(generation: u32, text: &CryppoString) -> String {
    unwrap(generation, &text.0.clone().into())
}

fn verifier(username: &str, password: &str) -> Base64Bytes {
    let salt = Salt::new(&SALT).unwrap();
    bytes(srp::register(Profile::NATIVE, username, password.as_bytes(), &salt).unwrap().expose())
}

/// Proves the password against a fresh challenge.
struct Proved {
    client_public: Base64Bytes,
    pending: srp::Pending,
}

impl Proved {
    async fn new(client: &Client, username: &str, password: &str) -> Self {
        static DRAWN: AtomicU8 = AtomicU8::new(1);
        let ephemeral = Ephemeral::new([DRAWN.fetch_add(1, Ordering::Relaxed); 32]);
        let started = srp::Client::start(Profile::NATIVE, ephemeral).unwrap();
        let client_public = bytes(started.public().as_bytes());
        let start = SrpStart { username: username.to_owned(), client_public: client_public.clone() };
        let challenge = told!(client, Challenge, Operation::BeginSrp(start));
        let salt = Salt::new(&challenge.salt.0).unwrap();
        let server_public = ServerPublic::new(Profile::NATIVE, &challenge.server_public.0).unwrap();
        let pending = started.prove(username, password.as_bytes(), &salt, &server_public).unwrap();
        Self { client_public, pending }
    }

    fn proof(&self) -> Base64Bytes {
        bytes(self.pending.m1().expose())
    }
}

pub(crate) async fn sign_up(stage: &Stage, password: &str) -> String {
    let nobody = stage.nobody();
    let username = told!(nobody, Reserved, Operation::ReserveUsername {}).username;
    let registration = Registration {
        username: username.clone(),
        salt: bytes(&SALT),
        verifier: verifier(&username, password),
        derivation: "as the story says".to_owned(),
    };
    told!(nobody, Registered, Operation::RegisterUser(registration));
    username
}

pub(crate) async fn sign_in(stage: &Stage, username: &str, password: &str) -> Result<SignedIn, ClientError> {
    let nobody = stage.nobody();
    let proved = Proved::new(&nobody, username, password).await;
    let proof = SrpProof {
        username: username.to_owned(),
        client_public: proved.client_public.clone(),
        proof: proved.proof(),
        life_s: Some(3_600),
        label: "laptop".to_owned(),
    };
    match nobody.ask(Operation::FinishSrp(proof)).await? {
        Reply::SignedIn(signed_in) => {
            proved.pending.verify_server(&signed_in.server_proof.0).expect("the server knows the verifier");
            Ok(signed_in)
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn client_of(stage: &Stage, signed_in: &SignedIn) -> Client {
    stage.client_with(credentials(&signed_in.session.token))
}

pub(crate) async fn refusal(client: &Client, operation: Operation) -> String {
    let refused = client.ask(operation).await.expect_err("a refusal");
    refused.problem().expect("in the server's words").code.as_str().to_owned()
}

/// A-SRP-16: whoever proves the passphrase has the session, and the server proves itself too.
pub(crate) async fn a_person_signs_up_keeps_keys_and_enters_the_vault(stage: &Stage) {
    let username = sign_up(stage, "first").await;
    let me = client_of(stage, &sign_in(stage, &username, "first").await.unwrap());
    assert_eq!(me.whoami().await.unwrap().subject.as_str(), username);
    assert_eq!(me.sessions().await.unwrap()[0].label, "laptop");

    let pair = keeps_keys(&me).await;
    rotates(&me).await;
    changes_the_passphrase(stage, &me, &username).await;
    let vault = enters_the_vault(stage, &me, &pair).await;
    keeps_items(&vault).await;

    assert_eq!(refusal(&vault, Operation::GetKek {}).await, "unknown-key", "another account");
    assert_eq!(refusal(&me, Operation::GetVaultUser {}).await, "unknown-vault-user");
    me.revoke_session(None).await.unwrap();
    assert!(me.ask(Operation::GetKek {}).await.is_err(), "signed out");
    told!(vault, VaultUser, Operation::GetVaultUser {});
}

/// Sets the KEK, and keeps a DEK and a key pair under it.
async fn keeps_keys(me: &Client) -> PrivateKey {
    let kek = told!(me, Kek, Operation::SetKek(NewKek { wrapped: wrapped(0, "kek 1") }));
    assert_eq!((kek.generation, opened(0, &kek.wrapped).as_str()), (1, "kek 1"));
    let new = NewDek { wrapped: wrapped(1, "dek"), generation: Some(1) };
    let dek = told!(me, Dek, Operation::CreateDek(new));
    assert_eq!(told!(me, Dek, Operation::GetDek { id: dek.id }), dek);

    let pair = PrivateKey::generate(NewKeyBits::Bits2048).unwrap();
    let new = NewKeyPair {
        public_key: pair.public_key().to_pem(),
        wrapped_private_key: wrapped(1, pair.expose_pem().expose()),
        external_identifiers: vec!["auth/1".to_owned()],
        metadata: None,
        generation: None,
    };
    told!(me, KeyPair, Operation::CreateKeyPair(new));
    let find = Operation::FindKeyPair { external_identifier: "auth/1".to_owned() };
    let found = told!(me, KeyPair, find);
    assert_eq!(found.fingerprint.0, pair.public_key().fingerprint().as_slice());
    let update = Operation::UpdateKeyPair {
        id: found.id,
        external_identifiers: None,
        metadata: Some(r#"{"for":"the vault"}"#.to_owned()),
    };
    let described = told!(me, KeyPair, update);
    assert_eq!(described.external_identifiers, ["auth/1"]);
    assert_eq!(told!(me, KeyPair, Operation::GetKeyPair { id: found.id }), described);
    pair
}

async fn rotates(me: &Client) {
    let begin = |wrapped| Operation::BeginRotation(NewRotation { generation: 1, wrapped });
    let given_up = told!(me, Rotation, begin(wrapped(0, "no kek"))).target;
    told!(me, Kek, Operation::CancelRotation { target: given_up });
    let rotation = told!(me, Rotation, begin(wrapped(0, "kek 3")));
    assert_eq!((rotation.target, rotation.done, rotation.keys), (3, 0, 2));
    let target = rotation.target;
    assert_eq!(refusal(me, Operation::FinishRotation { target }).await, "rotation-incomplete");

    let list = Operation::ListDeks { pending: true, cursor: None, limit: None };
    let deks = told!(me, Deks, list.clone()).deks;
    let list = Operation::ListKeyPairs { pending: true, cursor: None, limit: Some(8) };
    let pairs = told!(me, KeyPairs, list).keypairs;
    let again = |id, text: &CryppoString| Rewrapped { id, wrapped: wrapped(target, &opened(1, text)) };
    let deks = deks.iter().map(|dek| again(WrappedKeyId::Dek(dek.id), &dek.wrapped));
    let pairs = pairs.iter().map(|pair| again(WrappedKeyId::KeyPair(pair.id), &pair.wrapped_private_key));
    let keys: Vec<Rewrapped> = deks.chain(pairs).collect();
    let rewrapped = told!(me, Rotation, Operation::Rewrap { target, keys });
    assert_eq!((rewrapped.done, rewrapped.keys), (2, 2));
    let kek: Kek = told!(me, Kek, Operation::FinishRotation { target });
    assert_eq!((kek.generation, kek.rotation), (3, None));
    let list = Operation::ListDeks { pending: false, cursor: None, limit: None };
    let deks = told!(me, Deks, list).deks;
    assert_eq!(opened(3, &deks[0].wrapped), "dek");
    told!(me, Kek, Operation::GetKek {});
}

async fn changes_the_passphrase(stage: &Stage, me: &Client, username: &str) {
    let lost = client_of(stage, &sign_in(stage, username, "first").await.unwrap());
    let proved = Proved::new(me, username, "first").await;
    let change = PassphraseChange {
        client_public: proved.client_public.clone(),
        proof: proved.proof(),
        salt: bytes(&SALT),
        verifier: verifier(username, "second"),
        derivation: String::new(),
        kek: Some(KekRewrapped { generation: 3, wrapped: wrapped(0, "kek 3 again"), target: None }),
    };
    let changed = told!(me, PassphraseChanged, Operation::ChangePassphrase(Box::new(change)));
    proved.pending.verify_server(&changed.server_proof.0).unwrap();
    assert_eq!(changed.ended, 1);
    assert!(lost.ask(Operation::GetKek {}).await.is_err(), "the other session ended");
    assert!(sign_in(stage, username, "first").await.unwrap_err().is_problem("login-refused"));
    assert_eq!(sign_in(stage, username, "second").await.unwrap().failures, 1);
}

/// Enrols with an admission token, which is good once, and opens the session that comes sealed.
async fn enters_the_vault(stage: &Stage, me: &Client, pair: &PrivateKey) -> Client {
    let nobody = stage.nobody();
    let audience = told!(nobody, Service, Operation::ServiceInfo {}).vault_audience;
    let ticket = told!(me, AdmissionToken, Operation::IssueToken(TokenRequest { audience }));
    let enrolment = |public_key| {
        let (admission_token, label) = (ticket.token.clone(), "laptop".to_owned());
        Operation::CreateVaultUser(VaultEnrolment { admission_token, public_key, label })
    };
    assert_eq!(refusal(&nobody, enrolment("no key".to_owned())).await, "public-key-invalid");
    let public_key = pair.public_key().to_pem();
    let enrolled = told!(nobody, VaultEnrolled, enrolment(public_key.clone()));
    let again = refusal(&nobody, enrolment(public_key.clone())).await;
    assert!(matches!(&*again, "token-spent" | "vault-user-exists"), "{again}");

    let open = |session: &VaultSession| {
        let token = cryppo::decrypt_rsa(pair, &session.sealed_token.0).expect("it is sealed to this key");
        let token = String::from_utf8(token.expose().to_vec()).unwrap();
        assert!(token.starts_with("srt_"));
        stage.client_with(credentials(&token))
    };
    let vault = open(&enrolled.session);
    assert_eq!(told!(vault, VaultUser, Operation::GetVaultUser {}), enrolled.user);
    let sign_in = VaultSignIn { public_key, life_s: Some(60), label: String::new() };
    let second = open(&told!(nobody, VaultSession, Operation::OpenVaultSession(sign_in)));
    // A session that came sealed is proved by whatever is asked first.
    told!(second, Item, Operation::CreateItem(a_password("from the phone")));
    let feed = Operation::FeedPage { owner: None, record: None, after: Some(0), wait_s: None, limit: None };
    assert!(!told!(vault, Feed, feed).events.is_empty());
    vault
}

fn a_password(label: &str) -> NewItem {
    let value = Change::Set(wrapped(1, "hunter2"));
    let slot = SlotChange { name: Some("password".to_owned()), value, ..SlotChange::default() };
    let template = "a632673f755f4b029ac3cbff4b8c4525".parse().unwrap();
    NewItem { template, label: label.to_owned(), name: None, slots: vec![slot] }
}

fn value_of<'i>(item: &'i Item, name: &str) -> Option<&'i CryppoString> {
    item.slots.iter().find(|slot| slot.name == name).and_then(|slot| slot.value.as_ref())
}

async fn keeps_items(vault: &Client) {
    let templates = told!(vault, Templates, Operation::ListTemplates {}).templates;
    assert!(templates.iter().any(|template| template.id == a_password("").template));
    let item = told!(vault, Item, Operation::CreateItem(a_password("Bank")));
    assert_eq!(opened(1, value_of(&item, "password").unwrap()), "hunter2");
    let plain = SlotChange {
        name: Some("password".to_owned()),
        value: Change::Set(CryppoString("plain".to_owned())),
        ..SlotChange::default()
    };
    let plain = Operation::UpdateItem { id: item.id, label: None, slots: vec![plain] };
    assert_eq!(refusal(vault, plain).await, "slot-value-invalid");

    let named = |name: &str| SlotChange { name: Some(name.to_owned()), ..SlotChange::default() };
    let emptied = SlotChange { value: Change::Clear, ..named("password") };
    let gone = SlotChange { destroy: true, ..named("notes") };
    let (label, slots) = (Some("Savings bank".to_owned()), vec![emptied, gone]);
    let item = told!(vault, Item, Operation::UpdateItem { id: item.id, label, slots });
    assert_eq!((item.label.as_str(), value_of(&item, "password")), ("Savings bank", None));
    assert!(item.slots.iter().all(|slot| slot.name != "notes"));
    vault.ask(Operation::DeleteSlot { id: item.slots[0].id }).await.unwrap();
    let shown = told!(vault, Item, Operation::GetItem { id: item.id });
    assert_eq!(shown.slots.len() + 1, item.slots.len());

    let list = |cursor| Operation::ListItems { templates: Vec::new(), cursor, limit: Some(1) };
    let first = told!(vault, Items, list(None));
    let second = told!(vault, Items, list(first.next.clone()));
    assert_eq!((first.items.len(), &second.items), (1, &vec![shown]));
    vault.ask(Operation::DeleteItem { id: item.id }).await.unwrap();
    assert_eq!(refusal(vault, Operation::GetItem { id: item.id }).await, "unknown-item");

    let update = |full_name| {
        Operation::UpdateVaultUser(Box::new(ProfileChange { full_name, ..ProfileChange::default() }))
    };
    let user = told!(vault, VaultUser, update(Change::Set("Ann".to_owned())));
    assert_eq!((user.profile.full_name.as_deref(), user.items), (Some("Ann"), 1));
    assert_eq!(told!(vault, VaultUser, update(Change::Clear)).profile.full_name, None);
}

/// A-SRP-14: a name that nobody has is answered like one that somebody has.
pub(crate) async fn a_wrong_passphrase_opens_nothing_and_is_told_at_the_next_sign_in(stage: &Stage) {
    let username = sign_up(stage, "right").await;
    let wrong = sign_in(stage, &username, "wrong").await.unwrap_err();
    let nobody = sign_in(stage, "NobodyHasIt", "right").await.unwrap_err();
    assert!(wrong.is_problem("login-refused"), "{wrong}");
    assert_eq!(wrong.to_string(), nobody.to_string());
    let signed_in = sign_in(stage, &username, "right").await.unwrap();
    assert_eq!(signed_in.failures, 1);
    let attempts = told!(client_of(stage, &signed_in), Attempts, Operation::SignInAttempts {});
    assert_eq!((attempts.count, attempts.last.is_some()), (0, true));
}
