//! People, their keys and vaults, to the letter.

use strongroom_primitives::id::{DekId, IssuerName, KeyPairId, RealmId, SlotId, TemplateId};

use super::*;

fn text(text: &str) -> CryppoString {
    CryppoString(text.to_owned())
}

fn realm() -> RealmId {
    RealmId::new("users").unwrap()
}

fn dek() -> DekId {
    DekId::from_bytes([0xde; 16])
}

fn pair() -> KeyPairId {
    KeyPairId::from_bytes([0x9a; 16])
}

fn template() -> TemplateId {
    TemplateId::from_bytes([0x7e; 16])
}

fn slot() -> SlotId {
    SlotId::from_bytes([0x51; 16])
}

#[test]
fn operations() {
    let named = |name: &str| vec![name.to_owned()];
    let kek = KekRewrapped {
        generation: 1,
        wrapped: text("w1"),
        target: Some(TargetRewrapped { generation: 2, wrapped: text("w2") }),
    };
    let passphrase = PassphraseChange {
        client_public: bytes("A"),
        proof: bytes("M"),
        salt: bytes("s"),
        verifier: bytes("v"),
        derivation: String::new(),
        kek: Some(kek),
    };
    let pair_of = NewKeyPair {
        public_key: "PEM".to_owned(),
        wrapped_private_key: text("w"),
        external_identifiers: named("auth"),
        metadata: Some("{}".to_owned()),
        generation: Some(1),
    };
    let slot_change = SlotChange {
        id: Some(slot()),
        label: Some("Wife".to_owned()),
        kind: Some(SlotType::PhoneNumber),
        value: Change::Set(text("v")),
        ordinal: Some(1),
        visible: Some(false),
        required: Some(true),
        ..SlotChange::default()
    };
    let gone = SlotChange { name: Some("pin".to_owned()), destroy: true, ..SlotChange::default() };
    let empty = SlotChange { value: Change::Clear, ..SlotChange::default() };
    let profile = ProfileChange {
        email: Change::Clear,
        full_name: Change::Set("Ann".to_owned()),
        ..ProfileChange::default()
    };
    let (id, cursor, limit) = (item(), Some("AA".to_owned()), Some(1));
    let all = [
        Operation::ServiceInfo {},
        Operation::ReserveUsername {},
        Operation::RegisterUser(Registration {
            username: "ann".to_owned(),
            salt: bytes("s"),
            verifier: bytes("v"),
            derivation: "2skd".to_owned(),
        }),
        Operation::BeginSrp(SrpStart { username: "ann".to_owned(), client_public: bytes("A") }),
        Operation::FinishSrp(SrpProof {
            username: "ann".to_owned(),
            client_public: bytes("A"),
            proof: bytes("M"),
            life_s: Some(60),
            label: "laptop".to_owned(),
        }),
        Operation::ChangePassphrase(Box::new(passphrase)),
        Operation::SignInAttempts {},
        Operation::SetKek(NewKek { wrapped: text("w") }),
        Operation::GetKek {},
        Operation::RestartEnrolment(NewKek { wrapped: text("w") }),
        Operation::CreateDek(NewDek { wrapped: text("w"), generation: Some(1) }),
        Operation::GetDek { id: dek() },
        Operation::DeleteDek { id: dek() },
        Operation::ListDeks { pending: false, cursor: None, limit: None },
        Operation::ListDeks { pending: true, cursor: cursor.clone(), limit },
        Operation::CreateKeyPair(pair_of),
        Operation::GetKeyPair { id: pair() },
        Operation::FindKeyPair { external_identifier: "auth".to_owned() },
        Operation::UpdateKeyPair { id: pair(), external_identifiers: None, metadata: None },
        Operation::UpdateKeyPair {
            id: pair(),
            external_identifiers: Some(Vec::new()),
            metadata: Some("{}".to_owned()),
        },
        Operation::DeleteKeyPair { id: pair() },
        Operation::ListKeyPairs { pending: true, cursor: cursor.clone(), limit },
        Operation::BeginRotation(NewRotation { generation: 1, wrapped: text("w") }),
        Operation::Rewrap {
            target: 2,
            keys: vec![
                Rewrapped { id: WrappedKeyId::Dek(dek()), wrapped: text("w") },
                Rewrapped { id: WrappedKeyId::KeyPair(pair()), wrapped: text("w") },
            ],
        },
        Operation::FinishRotation { target: 2 },
        Operation::CancelRotation { target: 2 },
        Operation::IssueToken(TokenRequest { audience: audience() }),
        Operation::SpendToken(TokenShown {
            token: TokenText::new("sra1.x".to_owned()),
            audience: audience(),
        }),
        Operation::CreateVaultUser(VaultEnrolment {
            admission_token: TokenText::new("sra1.x".to_owned()),
            public_key: "PEM".to_owned(),
            label: String::new(),
        }),
        Operation::OpenVaultSession(VaultSignIn {
            public_key: "PEM".to_owned(),
            life_s: None,
            label: "laptop".to_owned(),
        }),
        Operation::GetVaultUser {},
        Operation::UpdateVaultUser(Box::new(profile)),
        Operation::ListTemplates {},
        Operation::CreateItem(NewItem {
            template: template(),
            label: "Card".to_owned(),
            name: None,
            slots: vec![slot_change, gone, empty],
        }),
        Operation::GetItem { id },
        Operation::ListItems { templates: vec![template()], cursor, limit },
        Operation::UpdateItem { id, label: None, slots: Vec::new() },
        Operation::DeleteItem { id },
        Operation::DeleteSlot { id: slot() },
    ];
    let text: Vec<String> = all.iter().map(json).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"service.info":{}}
    {"user.reserve":{}}
    {"user.register":{"username":"ann","salt":"cw==","verifier":"dg==","derivation":"2skd"}}
    {"user.challenge":{"username":"ann","client_public":"QQ=="}}
    {"user.sign_in":{"username":"ann","client_public":"QQ==","proof":"TQ==","life_s":60,"label":"laptop"}}
    {"user.passphrase":{"client_public":"QQ==","proof":"TQ==","salt":"cw==","verifier":"dg==","kek":{"generation":1,"wrapped":"w1","target":{"generation":2,"wrapped":"w2"}}}}
    {"user.attempts":{}}
    {"kek.set":{"wrapped":"w"}}
    {"kek.get":{}}
    {"kek.restart":{"wrapped":"w"}}
    {"dek.create":{"wrapped":"w","generation":1}}
    {"dek.get":{"id":"dededededededededededededededede"}}
    {"dek.delete":{"id":"dededededededededededededededede"}}
    {"dek.list":{}}
    {"dek.list":{"pending":true,"cursor":"AA","limit":1}}
    {"keypair.create":{"public_key":"PEM","wrapped_private_key":"w","external_identifiers":["auth"],"metadata":"{}","generation":1}}
    {"keypair.get":{"id":"9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a"}}
    {"keypair.find":{"external_identifier":"auth"}}
    {"keypair.update":{"id":"9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a"}}
    {"keypair.update":{"id":"9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a","external_identifiers":[],"metadata":"{}"}}
    {"keypair.delete":{"id":"9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a"}}
    {"keypair.list":{"pending":true,"cursor":"AA","limit":1}}
    {"rotation.begin":{"generation":1,"wrapped":"w"}}
    {"rotation.rewrap":{"target":2,"keys":[{"id":{"dek":"dededededededededededededededede"},"wrapped":"w"},{"id":{"keypair":"9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a"},"wrapped":"w"}]}}
    {"rotation.finish":{"target":2}}
    {"rotation.cancel":{"target":2}}
    {"admission.issue":{"audience":"vault"}}
    {"admission.spend":{"token":"sra1.x","audience":"vault"}}
    {"vault.enrol":{"admission_token":"sra1.x","public_key":"PEM"}}
    {"vault.session":{"public_key":"PEM","label":"laptop"}}
    {"vault.user":{}}
    {"vault.update":{"email":null,"full_name":"Ann"}}
    {"template.list":{}}
    {"item.create":{"template":"7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e","label":"Card","slots":[{"id":"51515151515151515151515151515151","label":"Wife","kind":"phone_number","value":"v","ordinal":1,"visible":false,"required":true},{"name":"pin","destroy":true},{"value":null}]}}
    {"item.get":{"id":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}}
    {"item.list":{"templates":["7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e"],"cursor":"AA","limit":1}}
    {"item.update":{"id":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}}
    {"item.delete":{"id":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}}
    {"slot.delete":{"id":"51515151515151515151515151515151"}}
    "#);
    for operation in &all {
        for encoding in [Encoding::Json, Encoding::Cbor] {
            let read = encoding.read::<Operation>(&encoding.write(operation));
            assert_eq!(read.as_ref(), Ok(operation), "{encoding:?}");
        }
    }
    let open: Vec<String> = all.iter().filter(|operation| operation.is_open()).map(json).collect();
    let names: Vec<&str> = open.iter().map(|text| text.split('"').nth(1).unwrap()).collect();
    assert_eq!(
        names,
        [
            "service.info",
            "user.reserve",
            "user.register",
            "user.challenge",
            "user.sign_in",
            "admission.spend",
            "vault.enrol",
            "vault.session"
        ]
    );
}

#[test]
fn replies() {
    let opened = SessionOpened { session: session(), token: "srt_x".to_owned(), expires: Some(at()) };
    let rotation = Rotation { target: 2, wrapped: text("w2"), began: at(), done: 1, keys: 2 };
    let kek =
        Kek { generation: 1, wrapped: text("w"), since: at(), keys: 2, rotation: Some(rotation.clone()) };
    let a_dek = Dek { id: dek(), generation: 1, wrapped: text("w"), created: at() };
    let a_pair = KeyPair {
        id: pair(),
        public_key: "PEM".to_owned(),
        fingerprint: bytes("f"),
        generation: 1,
        wrapped_private_key: text("w"),
        external_identifiers: vec!["auth".to_owned()],
        metadata: Some("{}".to_owned()),
        created: at(),
    };
    let admitted = |issuer| Reply::Admitted(Admitted { issuer, realm: realm(), subject: subject("ann") });
    let vault_session = VaultSession { session: session(), sealed_token: text("Rsa"), expires: Some(at()) };
    let user = VaultUser {
        account: AccountId::from_bytes([1; 16]),
        subject: subject("ann"),
        joined: at(),
        profile: Profile { email: Some("ann@example".to_owned()), ..Profile::default() },
        items: 1,
        bytes: 64,
    };
    let a_slot = Slot {
        id: slot(),
        name: "pin".to_owned(),
        label: "PIN".to_owned(),
        kind: SlotType::KeyValue,
        value: Some(text("v")),
        ordinal: 0,
        visible: true,
        required: false,
        created: at(),
        updated: at(),
    };
    let an_item = Item {
        id: item(),
        template: template(),
        name: "card".to_owned(),
        label: "Card".to_owned(),
        slots: vec![a_slot],
        created: at(),
        updated: at(),
    };
    let a_template = Template {
        id: template(),
        name: "card".to_owned(),
        label: "Card".to_owned(),
        slots: vec![TemplateSlot {
            id: slot(),
            name: "pin".to_owned(),
            label: "PIN".to_owned(),
            kind: SlotType::Password,
            required: true,
        }],
    };
    let next = Some("AA".to_owned());
    let all = [
        Reply::Service(ServiceInfo { users_realm: realm(), vault_audience: audience() }),
        Reply::Reserved(UsernameReserved { username: "ann".to_owned(), expires: at() }),
        Reply::Registered(UserRegistered { account: AccountId::from_bytes([1; 16]) }),
        Reply::Challenge(SrpChallenge {
            salt: bytes("s"),
            server_public: bytes("B"),
            derivation: String::new(),
            expires: at(),
        }),
        Reply::SignedIn(SignedIn { session: opened, server_proof: bytes("M2"), failures: 3 }),
        Reply::PassphraseChanged(PassphraseChanged { server_proof: bytes("M2"), ended: 1 }),
        Reply::Attempts(SignInFailures { count: 0, last: None }),
        Reply::Kek(Kek { rotation: None, ..kek.clone() }),
        Reply::Kek(kek),
        Reply::Rotation(rotation),
        Reply::Dek(a_dek.clone()),
        Reply::Deks(DekPage { deks: vec![a_dek], next: next.clone() }),
        Reply::KeyPair(a_pair.clone()),
        Reply::KeyPairs(KeyPairPage { keypairs: vec![KeyPair { metadata: None, ..a_pair }], next: None }),
        Reply::AdmissionToken(AdmissionToken {
            token: TokenText::new("sra1.x".to_owned()),
            issued: at(),
            expires: at(),
        }),
        admitted(None),
        admitted(Some(IssuerName::new("other").unwrap())),
        Reply::VaultEnrolled(VaultEnrolled { session: vault_session.clone(), user: user.clone() }),
        Reply::VaultSession(vault_session),
        Reply::VaultUser(user),
        Reply::Templates(TemplateList { templates: vec![a_template] }),
        Reply::Item(an_item.clone()),
        Reply::Items(ItemPage { items: vec![an_item], next }),
    ];
    let text: Vec<String> = all.iter().map(json).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"service":{"users_realm":"users","vault_audience":"vault"}}
    {"reserved":{"username":"ann","expires":1780000000123}}
    {"registered":{"account":"01010101010101010101010101010101"}}
    {"challenge":{"salt":"cw==","server_public":"Qg==","derivation":"","expires":1780000000123}}
    {"signed_in":{"session":{"session":"abababababababababababababababab","token":"srt_x","expires":1780000000123},"server_proof":"TTI=","failures":3}}
    {"passphrase_changed":{"server_proof":"TTI=","ended":1}}
    {"attempts":{"count":0}}
    {"kek":{"generation":1,"wrapped":"w","since":1780000000123,"keys":2}}
    {"kek":{"generation":1,"wrapped":"w","since":1780000000123,"keys":2,"rotation":{"target":2,"wrapped":"w2","began":1780000000123,"done":1,"keys":2}}}
    {"rotation":{"target":2,"wrapped":"w2","began":1780000000123,"done":1,"keys":2}}
    {"dek":{"id":"dededededededededededededededede","generation":1,"wrapped":"w","created":1780000000123}}
    {"deks":{"deks":[{"id":"dededededededededededededededede","generation":1,"wrapped":"w","created":1780000000123}],"next":"AA"}}
    {"keypair":{"id":"9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a","public_key":"PEM","fingerprint":"Zg==","generation":1,"wrapped_private_key":"w","external_identifiers":["auth"],"metadata":"{}","created":1780000000123}}
    {"keypairs":{"keypairs":[{"id":"9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a","public_key":"PEM","fingerprint":"Zg==","generation":1,"wrapped_private_key":"w","external_identifiers":["auth"],"created":1780000000123}]}}
    {"admission_token":{"token":"sra1.x","issued":1780000000123,"expires":1780000000123}}
    {"admitted":{"realm":"users","subject":"ann"}}
    {"admitted":{"issuer":"other","realm":"users","subject":"ann"}}
    {"vault_enrolled":{"session":{"session":"abababababababababababababababab","sealed_token":"Rsa","expires":1780000000123},"user":{"account":"01010101010101010101010101010101","subject":"ann","joined":1780000000123,"profile":{"email":"ann@example"},"items":1,"bytes":64}}}
    {"vault_session":{"session":"abababababababababababababababab","sealed_token":"Rsa","expires":1780000000123}}
    {"vault_user":{"account":"01010101010101010101010101010101","subject":"ann","joined":1780000000123,"profile":{"email":"ann@example"},"items":1,"bytes":64}}
    {"templates":{"templates":[{"id":"7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e","name":"card","label":"Card","slots":[{"id":"51515151515151515151515151515151","name":"pin","label":"PIN","kind":"password","required":true}]}]}}
    {"item":{"id":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","template":"7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e","name":"card","label":"Card","slots":[{"id":"51515151515151515151515151515151","name":"pin","label":"PIN","kind":"key_value","value":"v","ordinal":0,"visible":true,"required":false,"created":1780000000123,"updated":1780000000123}],"created":1780000000123,"updated":1780000000123}}
    {"items":{"items":[{"id":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","template":"7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e","name":"card","label":"Card","slots":[{"id":"51515151515151515151515151515151","name":"pin","label":"PIN","kind":"key_value","value":"v","ordinal":0,"visible":true,"required":false,"created":1780000000123,"updated":1780000000123}],"created":1780000000123,"updated":1780000000123}],"next":"AA"}}
    "#);
    for reply in &all {
        for encoding in [Encoding::Json, Encoding::Cbor] {
            let read = encoding.read::<Reply>(&encoding.write(reply));
            assert_eq!(read.as_ref(), Ok(reply), "{encoding:?}");
        }
    }
}

/// A-HTTP-11: left out, null and given are three things, and nothing else is understood.
#[test]
fn a_change_is_left_out_or_null_or_given() {
    let read = |text: &str| serde_json::from_str::<ProfileChange>(text).map(|change| change.email);
    assert_eq!(read("{}").ok(), Some(Change::Keep));
    assert_eq!(read(r#"{"email":null}"#).ok(), Some(Change::Clear));
    assert_eq!(read(r#"{"email":""}"#).ok(), Some(Change::Set(String::new())));
    for bad in
        [r#"{"email":1}"#, r#"{"email":null,"email":"x"}"#, r#"{"mail":"x"}"#, r#"{"email":{"Set":"x"}}"#]
    {
        assert!(read(bad).is_err(), "{bad}");
    }
}

/// A-HTTP-11: arguments that are documents of their own are as strict as all others.
#[test]
fn unknown_and_doubled_members_of_arguments_are_refused() {
    let start = r#"{"ask":{"id":1,"do":{"user.challenge":{"username":"a","client_public":"QQ=="}}}}"#;
    assert!(!refused(Encoding::Json, start.as_bytes()));
    for bad in [
        r#"{"ask":{"id":1,"do":{"user.challenge":{"username":"a","client_public":"QQ==","realm":"x"}}}}"#,
        r#"{"ask":{"id":1,"do":{"user.challenge":{"username":"a","username":"a","client_public":"QQ=="}}}}"#,
        r#"{"ask":{"id":1,"do":{"user.reserve":{"realm":"x"}}}}"#,
        r#"{"ask":{"id":1,"do":{"rotation.rewrap":{"target":2,"keys":[{"id":{"kek":"x"},"wrapped":"w"}]}}}}"#,
        r#"{"ask":{"id":1,"do":{"item.create":{"template":"7e","label":"x"}}}}"#,
        r#"{"ask":{"id":1,"do":{"vault.update":{"emails":"x"}}}}"#,
    ] {
        assert!(refused(Encoding::Json, bad.as_bytes()), "{bad}");
    }
}

/// A-LEAK-01.
#[test]
fn tokens_verifiers_wrapped_keys_and_profiles_print_as_nothing() {
    let register = Operation::RegisterUser(Registration {
        username: "ann".to_owned(),
        salt: bytes("canary"),
        verifier: bytes("canary"),
        derivation: String::new(),
    });
    let shown = Operation::SpendToken(TokenShown {
        token: TokenText::new("canary".to_owned()),
        audience: audience(),
    });
    let kek = Operation::SetKek(NewKek { wrapped: text("canary") });
    let email = Change::Set("canary".to_owned());
    let profile = Operation::UpdateVaultUser(Box::new(ProfileChange { email, ..ProfileChange::default() }));
    let printed = format!("{register:?} {shown:?} {kek:?} {profile:?}");
    assert!(!printed.contains("canary") && !printed.contains("Y2FuYXJ5"), "{printed}");
    assert!(printed.contains("TokenText(6 bytes)") && printed.contains("CryppoString(6 bytes)"), "{printed}");
}
