//! Too much at once, rules that break down, stores that are slow: a clear answer in time, and life goes on (A-BUS).

use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use strongroom_engine::{
    Access, Asking, Boxed, Command, Credential, EngineError, EngineHandle, Rights, Routed,
    domains::{
        accounts::{DescribeAccount, EraseAccount, ListAccounts, PurgeAccount, SetAccountPolicy, WhoAmI},
        admission::{IssueToken, SpendToken},
        escrow::{
            ChangeEscrowPassword, DeleteAsymKeys, DeleteBoxShares, DepositShare, DropShare, DropShares,
            FetchShare, GetSecretStorage, NewBoxShare, PasswordParams, Prehash, PutAsymKey, PutBoxShare,
            SetUpSecretStorage, ShareBytes, ShareKind, ShowPasswordParams, WrappedRoot,
        },
        key_hierarchy::{
            BeginRotation, CancelRotation, CreateDek, CreateKeyPair, DeleteDek, DeleteKeyPair, FindKeyPair,
            FinishRotation, GetDek, GetKek, GetKeyPair, ListDeks, ListKeyPairs, RestartEnrolment, Rewrap,
            Rewrapped, SetKek, UpdateKeyPair,
        },
        people::{ActivatePerson, FindBy, FindPerson, LoginPerson, Prelogin, RegisterPerson},
        realms::{
            ListRealms, PutRealm, PutRealmKey, RevokeRealmKey, SetSignUp, SignUp, SyncConfiguredRealms,
        },
        records::{
            DeleteRecord, DeliverGrants, GetRecord, GetVersion, History, ListGrants, ListRecords, Previous,
            PutRecord, RecordName, RemoveRecipient, ResetRecords, ResetSingle, ShareRecord, UndoRecord,
        },
        recovery::{
            ApproveRequest, CollectRelease, CreateEscrow, DeleteEscrow, EndRequest, GetEscrow, GetRequest,
            ListEscrows, ListHeldEscrows, ListRequests, OpenRequest, RefreshEscrow, VetoRequest,
        },
        service_keys::{
            CheckServiceKey, CreateChain, CreateServiceKey, DeleteServiceKey, GetServiceKey, ListChains,
            ListServiceKeys, RotateRoot, RotateServiceKey, SpendSignature, TouchServiceKey, UpdateServiceKey,
            WhichServiceKey,
        },
        sessions::{
            ExpireSession, IssueBearer, ListSessions, OpenChild, ProveSession, RevokeSession, RevokeSessions,
            TokenForm, TouchSession,
            api_key::{
                AttachSecret, CreateApiKey, DeleteApiKey, DetachSecret, GetApiKey, GetAttachedKey,
                InspectApiKey, ListApiKeys, ListAttached, LoginByApiKey, NamedKey, ReadAttached,
                UpdateApiKey, WriteAttached,
            },
            assured::{Assurance, AssuredFor, CheckAssurance, IssueAssured},
            device_code::{ClaimDeviceCode, CreateDeviceCode, PollDeviceCode},
            identity::{RotateIdentity, ServerIdentity},
            sealed::{ActivateSession, Device, SealOf, SpendNonces},
            srp::{
                BeginSrp, ChangePassphrase, FinishSrp, RegisterUser, ReserveUsername, SignInAttempts,
                SrpProfile,
            },
        },
        sharing::{
            Child, CreateDatastore, DeleteDatastore, DropLink, DropLoose, DropShareRight, GetDatastore,
            KeyKind, ListChildren, ListDatastores, Parent, ShareRights, UpdateDatastore,
            secrets::{
                Callback, CreateSecrets, DeleteSecretLink, GetSecretVersion, MoveSecretLink, NewSecret,
                ReadSecret, ReadSecrets, SecretHistory, UpdateSecret,
            },
            shares::{
                AcceptShare, ChangeShareRight, CreateShare, DeclineShare, DeleteShareLink, GetShare,
                ListShareRights, ListShares, MoveShareLink, OfferShare, PlaceShareLink, RevokeShareRight,
                SaveShare,
            },
        },
        vault::{
            CreateItem, CreateVaultUser, DeleteItem, DeleteSlot, GetItem, GetVaultKey, GetVaultUser,
            ListItems, OpenVaultSession, UpdateItem, UpdateVaultUser, templates::templates,
        },
    },
    feed::FollowFeed,
    testing::{
        escrows::{Dealer, account as holder_account, policy as release_policy},
        keys::{PUBLIC_KEY, rsa_pem, wrap},
        people::{Holder, WIDE, boxed, login, registration},
        recovery::{self, PinClient, token},
        signing::Signer,
    },
};
use strongroom_primitives::{
    dc1::{ChainId, KeyId, permissions::Endpoint},
    id::{
        AccountId, ApiKeyId, ApiKeySecretId, Audience, BoxId, DatastoreId, DekId, DeviceCodeId, ItemId,
        KeyPairId, LinkId, RecoveryRequestId, SecretId, SecretVersionId, SessionId, ShareId, ShareRightId,
        SlotId,
    },
    pin_recovery::{
        RecoveryRealmId,
        messages::{Recover3Request, Request},
        tenant_token::Scope,
    },
    secret::SecretText,
};
use strongroom_testkit::{
    Client, Dice, Plan, TokenKey, World,
    history::{Outcome, content},
    record,
    rules::{Breaks, PanickingRead, PanickingWrite},
    seeds, simulate,
};

fn put(n: u64, name: RecordName) -> PutRecord {
    let (meta, value) = content(n);
    PutRecord::new(name, meta, value, Previous::Unsaid, Vec::new())
}

fn slow(latency_ms: std::ops::RangeInclusive<u64>) -> impl Fn(&Dice) -> Plan {
    move |_| Plan::calm(1).with_latency_ms(latency_ms.clone())
}

/// A-BUS-01: beyond the permits a caller is told to come back, at once, and whoever comes back is served.
#[test]
fn callers_beyond_the_permits_are_told_at_once_and_served_when_they_come_back() {
    let narrow = |_: &Dice| {
        let mut plan = Plan::calm(1).with_latency_ms(20..=40);
        plan.limits.in_flight_max = 100;
        plan
    };
    simulate(seeds(0..30), narrow, async |world| {
        let handle = world.up(0);
        // One reader per identity: no lane, no conflict, permits alone decide.
        let ask = async |n: usize| {
            let asked = world.now();
            let get = GetRecord { owner: None, name: record("notes") };
            let answer = handle.ask(world.gateway(&format!("user-{n}")), get).await;
            (answer, world.now() - asked)
        };
        let answers = futures_util::future::join_all((0..300).map(&ask)).await;
        let refused: Vec<&Duration> = answers
            .iter()
            .filter_map(|(answer, took)| match answer {
                Err(EngineError::Overloaded { retry_after }) => {
                    assert!(*retry_after > Duration::ZERO);
                    Some(took)
                }
                Err(EngineError::UnknownRecord) => None,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(refused.len(), 200);
        assert!(refused.iter().all(|took| **took == Duration::ZERO), "nothing was queued for them");
        assert_eq!(handle.health().await.in_flight, 0, "every permit came back");

        // Writers who come back when they are told are all served in the end.
        let persistent = async |n: u64| {
            let subject = format!("user-{n}");
            loop {
                match handle.ask(world.gateway(&subject), put(n, record("notes"))).await {
                    Ok(_) => return,
                    Err(EngineError::Overloaded { retry_after }) => {
                        let jitter = world.dice(&subject).ms(0..=100);
                        world.wait(retry_after + jitter).await;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        };
        futures_util::future::join_all((0..300).map(persistent)).await;
    });
}

/// A-BUS-01: a domain that is full does not stop the others.
#[test]
fn a_domain_without_permits_leaves_the_others_theirs() {
    let narrow = |_: &Dice| {
        let mut plan = Plan::calm(1).with_latency_ms(50..=50);
        plan.limits.in_flight_max = 10;
        plan
    };
    simulate(seeds(0..5), narrow, async |world| {
        let handle = world.up(0);
        let flood = futures_util::future::join_all((0..50).map(|n| {
            let get = GetRecord { owner: None, name: record("notes") };
            handle.ask(world.gateway(&format!("user-{n}")), get)
        }));
        let other = async {
            world.wait(Duration::from_millis(10)).await;
            handle.ask(world.gateway("ann"), WhoAmI).await
        };
        let (_, answer) = futures_util::future::join(flood, other).await;
        assert!(answer.is_ok(), "{answer:?}");
    });
}

/// A-BUS-02: a rule that panics costs its own caller an answer. Those before and behind it in the same lane, and
/// everybody else, notice nothing.
#[test]
fn a_rule_that_panics_costs_nobody_else_anything() {
    simulate(seeds(0..40), slow(0..=5), async |world| {
        let handle = world.up(0);
        let dice = world.dice("order");
        let asked = (0..30).map(|n| {
            let (handle, kind) = (handle.clone(), dice.below(4));
            let breaks = *dice.pick(&[Breaks::InReads, Breaks::InDecide]);
            // In ann's lane and beside it.
            let who = world.gateway(if dice.chance(50) { "ann" } else { "bob" });
            async move {
                match kind {
                    0 => (true, handle.ask(who, PanickingWrite { breaks }).await),
                    1 => (true, handle.ask(who, PanickingRead { breaks }).await),
                    2 => {
                        let name = RecordName::new(["r", &n.to_string()]).expect("a good name");
                        (false, handle.ask(who, put(n, name)).await.map(drop))
                    }
                    _ => (false, handle.ask(who, WhoAmI).await.map(drop)),
                }
            }
        });
        let limit = Duration::from_secs(30);
        let answers = tokio::time::timeout(limit, futures_util::future::join_all(asked)).await;
        for (panics, answer) in answers.expect("nobody waits for ever") {
            let wanted = if panics { Err(EngineError::Fault) } else { Ok(()) };
            assert_eq!(answer, wanted, "a panic is a fault of its own command, and of no other");
        }
        // Later messages work.
        world.client("ann").update_until_done(&record("notes")).await;
        assert_eq!(handle.health().await.busy_lanes, 0, "no lane is left behind");
        world.conclude("ann").await;
    });
}

/// What is under way when a deadline passes is finished: a few calls to the store, of 0.4 s each.
const GRACE: Duration = Duration::from_secs(2);

/// One question of any kind, asked and timed.
async fn timed<C>(
    handle: &EngineHandle,
    who: Credential,
    within: Duration,
    command: C,
) -> (&'static str, bool)
where
    C: Command,
    C::Domain: Routed,
{
    let asking = Asking { within: Some(within), ..who.into() };
    let answered = tokio::time::timeout(within + GRACE, handle.ask(asking, command)).await;
    (C::NAME, answered.is_ok())
}

/// Every command that there is, in whatever state the world is in.
async fn ask_everything(world: &World, handle: &EngineHandle, within: Duration) -> Vec<(&'static str, bool)> {
    let (ann, operator, node) = (world.gateway("ann"), Credential::Operator, Credential::Node);
    let dan = &ann;
    let nobody_in_particular = Credential::Anonymous;
    let (name, bob) = (record("notes"), world.subject("bob"));
    let (realm, identity) = (world.realm.clone(), world.identity("bob"));
    let nobody = AccountId::from_bytes([7; 16]);
    let no_session = SessionId::from_bytes([7; 16]);
    let audience = Audience::from(&realm);
    let no_item = ItemId::from_bytes([7; 16]);
    let no_dek = DekId::from_bytes([7; 16]);
    let no_pair = KeyPairId::from_bytes([7; 16]);
    let no_store = DatastoreId::from_bytes([7; 16]);
    let (no_share, no_right) = (ShareId::from_bytes([7; 16]), ShareRightId::from_bytes([7; 16]));
    let (no_link, parent) = (LinkId::from_bytes([7; 16]), Parent::Datastore(no_store));
    let sealed = Boxed { text: vec![1; 40].into(), nonce: [1; 24] };
    let (no_key, no_secret) = (ApiKeyId::from_bytes([7; 16]), SecretId::from_bytes([7; 16]));
    let (named, no_code) = (NamedKey { realm: realm.clone(), id: no_key }, DeviceCodeId::from_bytes([7; 16]));
    let holder = Holder { number: 1 };
    let extra = TokenKey::new("key-2", [7; 32]);
    let account = |identity: &strongroom_engine::Identity| Some(identity.clone());
    let (chain, no_service) = (ChainId::draw(&[7; 32]), KeyId::draw(&[7; 32]));
    let signer =
        Signer { chain: chain.clone(), id: no_service.clone(), secret: SecretText::new("s".repeat(43)) };
    let signed = signer.credential(handle.now(), 0);
    let (in_box, subject) = (BoxId::from_bytes([7; 16]), world.subject("ann"));
    let assurance = Assurance {
        identity: subject.clone(),
        account: Some(subject.clone()),
        level: 2,
        client: "web".to_owned(),
        good_for: AssuredFor::Access,
    };
    let wrapped_root = WrappedRoot { key_hash: vec![7; 64], encrypted: "sealed".to_owned() };
    let params = PasswordParams { memory: 1_024, iterations: 1, parallelism: 1, salt: vec![7; 16] };
    let prehash = Prehash { params, hash: ShareBytes::new(vec![7; 32]) };
    let (mut dealer, no_request) = (Dealer::new(7, [0; 32]), RecoveryRequestId::from_bytes([7; 16]));
    let kinds = [holder_account("bob"), holder_account("cyd")];
    let (create_escrow, escrow) = (dealer.create(2, &kinds, release_policy()), dealer.escrow);
    let approve_request = dealer.approve_with(no_request, 1, &[1; 33]);
    let refresh_escrow = dealer.refresh(2, &kinds);
    macro_rules! asked {
        ($($who:expr => $command:expr,)*) => {{
            let asked: Vec<LocalBoxFuture<'_, (&'static str, bool)>> =
                vec![$(Box::pin(timed(handle, $who.clone(), within, $command))),*];
            asked
        }};
    }
    let asked = asked! {
        ann => put(1, name.clone()),
        ann => put(2, RecordName::single()),
        ann => GetRecord { owner: None, name: name.clone() },
        ann => ListRecords { owner: None, prefix: Vec::new(), from: None, limit: 10 },
        ann => ListGrants { from: None, limit: 10 },
        ann => History { name: name.clone(), after: None },
        ann => GetVersion { name: name.clone(), sequence: 1 },
        ann => UndoRecord { name: name.clone(), sequence: 1, previous: Previous::Unsaid },
        ann => ShareRecord { name: name.clone(), add: vec![bob.clone()], remove: Vec::new() },
        ann => RemoveRecipient { prefix: Vec::new(), recipient: bob.clone(), from: None },
        ann => DeleteRecord { name: name.clone(), previous: Previous::Unsaid },
        ann => ResetRecords { prefix: Vec::new(), previous: Previous::Unsaid, from: None },
        ann => ResetSingle { previous: Previous::Unsaid },
        ann => FollowFeed { owner: None, record: None, after: Some(0), limit: 10 },
        node => DeliverGrants { owner: nobody, record: [7; 16] },
        ann => WhoAmI,
        operator => DescribeAccount { whose: identity.clone().into() },
        operator => ListAccounts { after: None, limit: 10 },
        operator => SetAccountPolicy { identity: identity.clone(), suspended: Some(false), rights: None },
        operator => IssueBearer {
            identity: identity.clone(),
            rights: Rights::ALL,
            life: None,
            label: String::new(),
        },
        operator => ListSessions { identity: account(&identity) },
        operator => RevokeSession { identity: account(&identity), session: Some(no_session) },
        dan => RevokeSessions { identity: None, keep_current: true },
        dan => OpenChild { life: Duration::from_secs(60), label: String::new() },
        nobody_in_particular => ReserveUsername { realm: realm.clone() },
        nobody_in_particular => RegisterUser {
            realm: realm.clone(),
            username: "eve".into(),
            profile: SrpProfile::Meeco,
            salt: vec![1; 16],
            verifier: vec![2],
            derivation: String::new(),
        },
        nobody_in_particular => BeginSrp {
            realm: realm.clone(),
            username: "eve".into(),
            profile: SrpProfile::Meeco,
            client_public: vec![2],
        },
        nobody_in_particular => FinishSrp {
            realm: realm.clone(),
            username: "eve".into(),
            profile: SrpProfile::Meeco,
            client_public: vec![2],
            proof: vec![1; 32],
            life: None,
            label: String::new(),
            form: TokenForm::Pair,
            network: Vec::new(),
        },
        ann => ChangePassphrase {
            profile: SrpProfile::Meeco,
            client_public: vec![2],
            proof: vec![1; 32],
            network: Vec::new(),
            new_profile: SrpProfile::Native,
            salt: vec![1; 16],
            verifier: vec![2],
            derivation: String::new(),
            kek: None,
        },
        ann => SignInAttempts {},
        ann => ProveSession {},
        node => TouchSession { account: nobody, session: no_session },
        node => ExpireSession { account: nobody, session: no_session },
        nobody_in_particular => ServerIdentity {},
        operator => RotateIdentity { overlap: Duration::from_secs(1) },
        dan => CreateApiKey { title: "key".to_owned(), ..holder.creation(WIDE) },
        dan => ListApiKeys {},
        dan => GetApiKey { id: no_key },
        dan => UpdateApiKey { write: Some(false), ..UpdateApiKey::of(no_key) },
        dan => DeleteApiKey { id: no_key },
        dan => AttachSecret {
            api_key: no_key,
            secret: no_secret,
            secret_key: boxed(80),
            title: boxed(20),
        },
        dan => ListAttached { api_key: no_key },
        dan => DetachSecret { id: ApiKeySecretId::from_bytes([7; 16]) },
        nobody_in_particular => LoginByApiKey { realm: Some(realm.clone()), ..holder.login(&realm, no_key, 1) },
        nobody_in_particular => ReadAttached { key: named.clone(), secret: no_secret, insecure: false },
        nobody_in_particular => WriteAttached {
            key: named.clone(),
            secret: no_secret,
            data: boxed(100),
            previous: None,
            insecure: false,
        },
        nobody_in_particular => GetAttachedKey { key: named.clone(), secret: no_secret },
        nobody_in_particular => InspectApiKey { key: named.clone() },
        dan => SealOf {},
        dan => SpendNonces { body: Some([7; 24]), validator: None },
        dan => ActivateSession { validator: SecretText::new("none".to_owned()) },
        nobody_in_particular => CreateDeviceCode {
            realm: realm.clone(),
            device: Device::default(),
            public_key: [9; 32],
        },
        dan => ClaimDeviceCode { id: no_code, credentials: boxed(200) },
        nobody_in_particular => PollDeviceCode { id: no_code },
        nobody_in_particular => RegisterPerson { verify_email: true, ..registration(&realm, "ann", "secret") },
        nobody_in_particular => ActivatePerson {
            realm: realm.clone(),
            code: SecretText::new("none".to_owned()),
        },
        nobody_in_particular => Prelogin { realm: realm.clone(), username: "ann@host.example".to_owned() },
        nobody_in_particular => LoginPerson { life: None, ..login(&realm, "ann", "secret") },
        dan => FindPerson { by: FindBy::Id(nobody), access: Access::Read },
        dan => SetKek { wrapped: wrap(0, "kek") },
        dan => GetKek {},
        dan => CreateDek { wrapped: wrap(1, "dek"), generation: None },
        dan => GetDek { id: no_dek },
        dan => DeleteDek { id: no_dek },
        dan => ListDeks { pending: false, from: None, limit: 10 },
        dan => CreateKeyPair {
            public_key: PUBLIC_KEY.to_owned(),
            wrapped_private_key: wrap(1, "private"),
            external_identifiers: vec!["auth".to_owned()],
            metadata: "{}".into(),
            generation: None,
        },
        dan => GetKeyPair { id: no_pair },
        dan => FindKeyPair { external_identifier: "auth".to_owned() },
        dan => UpdateKeyPair { id: no_pair, external_identifiers: None, metadata: Some("{}".into()) },
        dan => DeleteKeyPair { id: no_pair },
        dan => ListKeyPairs { pending: false, from: None, limit: 10 },
        dan => BeginRotation { generation: 1, wrapped: wrap(0, "kek") },
        dan => Rewrap { target: 2, keys: vec![Rewrapped { id: no_dek.into(), wrapped: wrap(1, "dek") }] },
        dan => RestartEnrolment { wrapped: wrap(0, "kek") },
        dan => FinishRotation { target: 2 },
        dan => CancelRotation { target: 2 },
        dan => IssueToken { audience: audience.clone() },
        dan => SpendToken { token: SecretText::new("no token".to_owned()), audience: audience.clone() },
        nobody_in_particular => CreateVaultUser {
            realm: realm.clone(),
            keystore: realm.clone(),
            token: SecretText::new("no token".to_owned()),
            public_key: rsa_pem(1),
            label: String::new(),
            form: TokenForm::Pair,
        },
        nobody_in_particular => OpenVaultSession {
            realm: realm.clone(),
            public_key: rsa_pem(1),
            life: None,
            label: String::new(),
            form: TokenForm::Pair,
        },
        dan => CreateDatastore {
            kind: "password".to_owned(),
            description: String::new(),
            data: None,
            secret_key: sealed.clone(),
            is_default: true,
        },
        dan => ListDatastores {},
        dan => GetDatastore { id: no_store },
        dan => UpdateDatastore {
            id: no_store,
            data: Some(sealed.clone()),
            secret_key: None,
            description: None,
            is_default: None,
            previous: None,
        },
        dan => DeleteDatastore {
            id: no_store,
            authkey: Some(SecretText::new("no password".to_owned())),
            network: Vec::new(),
        },
        dan => CreateSecrets {
            secrets: vec![NewSecret { data: sealed.clone(), link: no_link, callback: Callback::default() }],
            parent,
        },
        dan => ReadSecret { id: no_secret },
        dan => ReadSecrets { ids: vec![no_secret] },
        dan => UpdateSecret {
            id: no_secret,
            data: Some(sealed.clone()),
            callback: Callback::default(),
            previous: None,
        },
        dan => SecretHistory { secret: no_secret },
        dan => GetSecretVersion { id: SecretVersionId::from_bytes([7; 16]) },
        dan => MoveSecretLink { link: no_link, parent },
        dan => DeleteSecretLink { link: no_link },
        dan => CreateShare { data: sealed.clone(), key: sealed.clone(), link: no_link, parent },
        dan => GetShare { id: no_share },
        dan => SaveShare { id: no_share, data: sealed.clone(), previous: None },
        dan => OfferShare {
            share: no_share,
            taker: nobody,
            key: sealed.clone(),
            title: None,
            kind: None,
            rights: ShareRights::ALL,
            expires: None,
        },
        dan => ChangeShareRight { share: no_share, taker: nobody, rights: ShareRights::ALL },
        dan => RevokeShareRight { right: no_right },
        dan => AcceptShare { right: no_right, key: sealed.clone(), key_kind: KeyKind::Symmetric },
        dan => DeclineShare { right: no_right },
        dan => ListShares { from: None, limit: 10 },
        dan => ListShareRights { share: no_share },
        dan => PlaceShareLink { link: no_link, share: no_share, parent },
        dan => MoveShareLink { link: no_link, parent },
        dan => DeleteShareLink { link: no_link },
        dan => ListChildren { parent, from: None, limit: 10 },
        node => DropLink { link: no_link },
        node => DropLoose { child: Child::Secret(no_secret) },
        node => DropShareRight { account: nobody, share: no_share },
        operator => IssueAssured { realm: realm.clone(), assurance, life: Duration::from_secs(60) },
        dan => CheckAssurance { client: "web".to_owned(), good_for: AssuredFor::Access, level: 2 },
        dan => DepositShare {
            kind: ShareKind::RootKey,
            hash: vec![7; 64],
            share: ShareBytes::new(vec![7; 32]),
            note: Vec::new(),
        },
        dan => FetchShare { kind: ShareKind::RootKey, hash: vec![7; 64] },
        dan => DropShare { kind: ShareKind::RootKey, hash: vec![7; 64] },
        dan => DropShares {},
        dan => GetSecretStorage {},
        dan => SetUpSecretStorage {
            root: wrapped_root.clone(),
            vault: wrapped_root,
            asym_keys: Vec::new(),
            box_shares: Vec::new(),
            identity_keys: None,
        },
        dan => PutAsymKey {
            public_key: "public".to_owned(),
            encrypted: "sealed".to_owned(),
            root_key_hash: vec![7; 64],
        },
        dan => DeleteAsymKeys { public_keys: vec!["public".to_owned()] },
        dan => PutBoxShare {
            new: NewBoxShare { in_box, share_hash: vec![7; 64], encrypted: "sealed".to_owned() },
            root_key_hash: vec![7; 64],
        },
        dan => DeleteBoxShares { boxes: vec![in_box] },
        dan => ChangeEscrowPassword {
            old: prehash.clone(),
            new: prehash,
            encrypted_root_key: "sealed".to_owned(),
            network: Vec::new(),
        },
        dan => ShowPasswordParams { realm: realm.clone(), account: subject },
        dan => CreateEscrow { ..create_escrow.clone() },
        dan => GetEscrow { id: escrow },
        dan => ListEscrows { from: None, limit: 10 },
        dan => ListHeldEscrows { from: None, limit: 10 },
        dan => RefreshEscrow { ..refresh_escrow.clone() },
        dan => OpenRequest { escrow, public_key: [9; 32], reason: String::new() },
        dan => GetRequest { escrow, request: no_request },
        dan => ListRequests { escrow },
        dan => ApproveRequest { ..approve_request.clone() },
        dan => VetoRequest { escrow, request: no_request },
        dan => CollectRelease { escrow, request: no_request },
        node => EndRequest { escrow, request: no_request },
        dan => DeleteEscrow { id: escrow },
        dan => GetVaultUser {},
        dan => GetVaultKey {},
        dan => UpdateVaultUser::default(),
        dan => CreateItem {
            template: templates()[0].id,
            label: "thing".to_owned(),
            name: None,
            slots: Vec::new(),
        },
        dan => GetItem { id: no_item },
        dan => ListItems { templates: Vec::new(), from: None, limit: 10 },
        dan => UpdateItem { id: no_item, label: None, slots: Vec::new() },
        dan => DeleteItem { id: no_item },
        dan => DeleteSlot { id: SlotId::from_bytes([7; 16]) },
        operator => PutRealm { realm: realm.clone(), rights: Rights::ALL },
        operator => SetSignUp { realm: realm.clone(), sign_up: SignUp::Reserved },
        operator => PutRealmKey { realm: realm.clone(), key: extra.public() },
        operator => RevokeRealmKey { realm: realm.clone(), key_id: extra.id().to_owned() },
        operator => SyncConfiguredRealms { realms: Vec::new() },
        operator => ListRealms,
        operator => CreateChain { id: Some(chain.clone()), ..CreateChain::default() },
        operator => RotateRoot { chain: chain.clone(), root: None, secret: None },
        operator => ListChains {},
        operator => CreateServiceKey { chain: Some(chain.clone()), ..CreateServiceKey::default() },
        operator => ListServiceKeys { chain: Some(chain.clone()) },
        dan => ListServiceKeys { chain: Some(chain.clone()) },
        operator => GetServiceKey { chain: Some(chain.clone()), id: no_service.clone() },
        operator => UpdateServiceKey { chain: Some(chain.clone()), ..UpdateServiceKey::of(no_service.clone()) },
        operator => RotateServiceKey {
            chain: Some(chain.clone()),
            id: no_service.clone(),
            public_key: None,
            overlap: Duration::ZERO,
        },
        operator => DeleteServiceKey { chain: Some(chain.clone()), id: no_service.clone() },
        signed => CheckServiceKey { endpoint: Endpoint::GET_STATUS },
        signed => WhichServiceKey {},
        signed => SpendSignature {},
        node => TouchServiceKey { chain: chain.clone(), id: no_service.clone() },
        operator => EraseAccount { identity: account(&world.identity("cyd")) },
        node => PurgeAccount { account: nobody },
    };
    let (everything, recovery) =
        futures_util::future::join(futures_util::future::join_all(asked), ask_realm(world, handle, within))
            .await;
    [everything, recovery].concat()
}

/// The commands of a realm of recovery, which are asked through the handle's own methods.
async fn ask_realm(world: &World, handle: &EngineHandle, within: Duration) -> Vec<(&'static str, bool)> {
    let (realm, now) = (RecoveryRealmId::from_bytes([7; 16]), handle.now());
    let user = || handle.recovery_user(&realm, token(&realm, "bob", Scope::User, now).expose());
    let auditor = || handle.recovery_auditor(&realm, token(&realm, "bob", Scope::Audit, now).expose());
    let client = PinClient::new(realm, 7);
    let kept = client.registration("1234", b"", 3);
    let guess = client.guess(kept.version, "1234").expect("a short PIN");
    let opening = Recover3Request { version: kept.version, unlock_key_tag: kept.unlock_key_tag.clone() };
    let limit = Some(within);
    let send = |request: Request| async move { handle.recovery(user()?, request, limit).await.map(drop) };
    let veto = Asking { within: limit, ..world.gateway("ann").into() };
    let own = veto.clone();
    let asked: [(&'static str, LocalBoxFuture<'_, Result<(), EngineError>>); 12] = [
        ("RegisterShare", Box::pin(send(Request::Register2(Box::new(kept))))),
        ("FindShare", Box::pin(send(Request::Recover1))),
        ("CountGuess", Box::pin(send(Request::Recover2(guess)))),
        ("ReleaseShare", Box::pin(send(Request::Recover3(opening)))),
        ("DeleteShare", Box::pin(send(Request::Delete))),
        ("ShareStatus", Box::pin(async { handle.recovery_status(user()?, limit).await.map(drop) })),
        ("VetoErasure", Box::pin(async { handle.veto_erasure(veto, &realm, None).await })),
        ("OwnShareStatus", Box::pin(async { handle.own_recovery_status(own, &realm, None).await.map(drop) })),
        ("ListRecoveryRealms", Box::pin(async { handle.recovery_realms(limit).await.map(drop) })),
        ("TellRestored", Box::pin(async { handle.tell_restored(limit).await.map(drop) })),
        ("ReadLog", Box::pin(async { handle.recovery_log(auditor()?, 10, limit).await.map(drop) })),
        ("AckLog", Box::pin(async { handle.acknowledge_recovery_log(auditor()?, vec![0], limit).await })),
    ];
    let answered = asked
        .into_iter()
        .map(async |(name, asked)| (name, tokio::time::timeout(within + GRACE, asked).await.is_ok()));
    futures_util::future::join_all(answered).await
}

/// A-BUS-03: calls go one way, so nobody waits for somebody who waits for them: every command, all at once and in the
/// same lanes, is answered by its deadline.
#[test]
fn every_command_is_answered_by_its_deadline() {
    simulate(
        seeds(0..60),
        |dice| Plan {
            recovery: vec![recovery::realm_of_accounts(7, recovery::at_once(), "simulated")],
            encrypted: true,
            ..Plan::rough(dice).with_latency_ms(0..=400)
        },
        async |world| {
            let within = Duration::from_secs(8);
            let everything = (0..world.node_count()).map(async |node| {
                let handle = world.up(node);
                let rounds = (0..2).map(|_| ask_everything(world, &handle, within));
                futures_util::future::join_all(rounds).await.concat()
            });
            for (name, answered) in futures_util::future::join_all(everything).await.concat() {
                assert!(answered, "{name} had no answer soon after its deadline");
            }
        },
    );
}

/// The list above is the whole of the engine's commands.
#[test]
fn the_deadline_test_knows_every_command() {
    fn collect(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("the engine's source is there") {
            let path = entry.expect("a readable folder").path();
            // Tests have commands of their own.
            if path.file_stem().is_some_and(|name| name == "tests") {
                continue;
            }
            if path.is_dir() {
                collect(&path, found);
            } else {
                let source = std::fs::read_to_string(&path).expect("source is text");
                let commands = source.lines().filter_map(|line| line.strip_prefix("impl Command for "));
                found.extend(commands.filter_map(|rest| rest.split_whitespace().next()).map(str::to_owned));
            }
        }
    }
    let mut found = Vec::new();
    collect(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("engine/src"), &mut found);
    assert!(found.len() >= 25, "{found:?}");
    let asked = include_str!("overload.rs");
    for command in found {
        let asked = match command.as_str() {
            "PutRecord" => asked.contains("=> put("),
            by_handle if asked.contains(&format!("(\"{by_handle}\", Box::pin(")) => true,
            _ => asked.contains(&format!("=> {command}")),
        };
        assert!(asked, "{command} is not asked under a deadline");
    }
}

/// A command whose deadline passes while the store is slow says so in time, and has written nothing.
#[test]
fn a_deadline_that_passes_in_front_of_a_slow_store_means_that_nothing_was_written() {
    simulate(seeds(0..60), slow(700..=900), async |world| {
        let handle = world.up(0);
        let rows = world.rows();
        let dice = world.dice("deadline");
        let within = dice.ms(1..=1_500);
        let asking = Asking { within: Some(within), ..world.gateway("ann").into() };
        let answer = handle.ask(asking, put(1, record("notes"))).await;
        assert_eq!(answer, Err(EngineError::DeadlinePassed));
        assert!(world.now() <= within + Duration::from_secs(20), "and not much later");
        world.wait(Duration::from_secs(5)).await;
        assert_eq!(world.rows(), rows);
    });
}

/// A lane that is queued up far beyond one batch serves everybody in order and leaves nobody out.
#[test]
fn a_long_queue_in_one_lane_is_served_to_its_end() {
    simulate(seeds(0..20), slow(0..=20), async |world| {
        let handle = world.up(0);
        let puts = (0..400).map(async |n: u64| {
            let name = RecordName::new(["queue", &n.to_string()]).expect("a good name");
            handle.ask(world.gateway("ann"), put(n, name)).await
        });
        let answers = futures_util::future::join_all(puts).await;
        assert!(answers.iter().all(Result::is_ok), "{:?}", answers.iter().find(|answer| answer.is_err()));
        let feed = world.feed(0, "ann").await;
        assert_eq!(feed.len(), 400);
        assert!(world.now() < Duration::from_secs(20), "commands of one lane share batches");
        let reader: Client<'_> = world.client("ann");
        assert!(matches!(reader.read_at(0, &record("queue")).await, Outcome::Absent));
    });
}
