//! A device of ann's, with the engine embedded: it knows her PDK and nothing else, and opens and wraps keys for real.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use strongroom_engine::{
    Command, Credential, Engine, Limits, Rights, Routed, SpawnedEngine,
    domains::{
        key_hierarchy::{
            BeginRotation, CreateDek, CreateKeyPair, FinishRotation, GetKek, Kek, ListDeks, ListKeyPairs,
            Rewrap, Rewrapped, SetKek, WrappedKeyId,
        },
        realms::PutRealm,
        records::{Previous, PutRecord, RecordName},
    },
    ports::{Clock, Entropy, OsEntropy, SystemClock},
    testing::keys::PUBLIC_KEY,
};
use strongroom_primitives::{
    cryppo::{Form, Wrapped, WrappingKey},
    id::{RealmId, Subject},
};
use strongroom_storage::sled::{Options, Sled};

/// Keys that are rewrapped in one commit.
const COMMIT_KEYS: usize = 40;

/// Commands that are under way at once while keys are put in.
const AT_ONCE: usize = 64;

/// A private key of 2,048 bits takes about as many bytes in PEM.
const PRIVATE_KEY_BYTES: usize = 1_700;

/// The keys themselves, which no server ever sees.
pub(crate) type Keys = BTreeMap<WrappedKeyId, Vec<u8>>;

/// Options for a store with the time of this machine.
pub(crate) fn options() -> Options {
    let clock = SystemClock::new();
    Options::new(Arc::new(move || clock.wall().as_ms()))
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsEntropy.fill(&mut bytes);
    bytes
}

fn pdk() -> WrappingKey {
    WrappingKey::from_bytes(&[7; 32])
}

fn wrap(by: &WrappingKey, plain: &[u8]) -> Bytes {
    let wrapped = by.encrypt(random(), plain, Form::Bson).expect("keys are short");
    wrapped.into_string().into()
}

fn unwrap(by: &WrappingKey, text: &Bytes) -> Vec<u8> {
    let text = str::from_utf8(text).expect("wrapped keys are text");
    let plain = by.decrypt(&Wrapped::parse(text).expect("wrapped keys are cryppo strings"));
    plain.expect("a key opens with the KEK that is said to wrap it").expose().to_vec()
}

fn kek_in(text: &Bytes) -> WrappingKey {
    WrappingKey::from_bytes(&unwrap(&pdk(), text).try_into().expect("a KEK has 32 bytes"))
}

/// The device.
pub(crate) struct Device {
    engine: SpawnedEngine,
    ann: Credential,
}

impl Device {
    /// Opens the store and starts an engine on it.
    pub(crate) fn on(store: &Path) -> Self {
        let store = Sled::open(store, options()).expect("the store opens");
        let limits = Limits { account_keys_max: 100_000, ..Limits::default() };
        let engine = Engine::builder(Arc::new(store)).limits(limits).spawn().expect("the engine starts");
        let realm = RealmId::new("killed").expect("a good realm");
        let ann = Credential::Gateway { realm, subject: Subject::new("ann").expect("a good subject") };
        Self { engine, ann }
    }

    async fn ask<C: Command>(&self, command: C) -> C::Reply
    where
        C::Domain: Routed,
    {
        let answer = self.engine.handle().ask(self.ann.clone(), command).await;
        answer.unwrap_or_else(|refusal| panic!("{}: {refusal}", C::NAME))
    }

    /// Ann's KEK.
    pub(crate) async fn kek(&self) -> Kek {
        self.ask(GetKek {}).await
    }

    /// Puts in a KEK, so many keys of each kind, and records that the keys are none of the business of.
    pub(crate) async fn furnish(&self, deks: usize, pairs: usize, records: usize) -> Keys {
        let Credential::Gateway { realm, .. } = self.ann.clone() else {
            unreachable!("ann comes by a gateway")
        };
        let put = PutRealm { realm, rights: Rights::ALL };
        self.engine.handle().ask(Credential::Operator, put).await.expect("the realm is put");
        for n in 0..records {
            let name = RecordName::new(["record", &n.to_string()]).expect("a good name");
            let value = vec![b'x'; 10 * n];
            self.ask(PutRecord::new(name, "meta".into(), value.into(), Previous::Absent, Vec::new())).await;
        }
        let kek: [u8; 32] = random();
        self.ask(SetKek { wrapped: wrap(&pdk(), &kek) }).await;
        let kek = &WrappingKey::from_bytes(&kek);
        let deks = stream::iter(0..deks).map(async |_| {
            let plain: [u8; 32] = random();
            let dek = self.ask(CreateDek { wrapped: wrap(kek, &plain), generation: Some(1) }).await;
            (dek.id.into(), plain.to_vec())
        });
        let mut keys: Keys = deks.buffer_unordered(AT_ONCE).collect().await;
        for n in 0..pairs {
            let plain: [u8; PRIVATE_KEY_BYTES] = random();
            let create = CreateKeyPair {
                public_key: PUBLIC_KEY.to_owned(),
                wrapped_private_key: wrap(kek, &plain),
                external_identifiers: vec![format!("pair {n}")],
                metadata: "{}".into(),
                generation: Some(1),
            };
            keys.insert(self.ask(create).await.id.into(), plain.to_vec());
        }
        keys
    }

    /// Begins the rotation from the first KEK to the second, or goes on with it, to its end. `progress` hears how many
    /// keys the store has acknowledged as rewrapped, beginning with what it is found at.
    pub(crate) async fn rotate(&self, mut progress: impl FnMut(u64)) {
        let kek = self.kek().await;
        if kek.generation > 1 {
            return;
        }
        let rotation = match kek.rotation {
            Some(running) => running,
            None => {
                let wrapped = wrap(&pdk(), &random::<32>());
                self.ask(BeginRotation { generation: 1, wrapped }).await
            }
        };
        progress(rotation.done);
        let (target, old, new) = (rotation.target, kek_in(&kek.wrapped), kek_in(&rotation.wrapped));
        let mut from = Some(Place::FIRST);
        while let Some(place) = from {
            let page = self.page(true, place).await;
            for some in page.keys.chunks(COMMIT_KEYS) {
                let rewrapped =
                    |(id, text): &(_, Bytes)| Rewrapped { id: *id, wrapped: wrap(&new, &unwrap(&old, text)) };
                let keys = some.iter().map(rewrapped).collect();
                progress(self.ask(Rewrap { target, keys }).await.done);
            }
            from = page.next;
        }
        self.ask(FinishRotation { target }).await;
    }

    /// Every key, opened with the present KEK.
    pub(crate) async fn opened(&self) -> Keys {
        let kek = kek_in(&self.kek().await.wrapped);
        let (mut keys, mut from) = (Keys::new(), Some(Place::FIRST));
        while let Some(place) = from {
            let page = self.page(false, place).await;
            keys.extend(page.keys.iter().map(|(id, text)| (*id, unwrap(&kek, text))));
            from = page.next;
        }
        keys
    }

    /// A page of DEKs, or, after the last of these, of key pairs.
    async fn page(&self, pending: bool, from: Place) -> Page {
        match from {
            Place::Deks(from) => {
                let page = self.ask(ListDeks { pending, from, limit: 256 }).await;
                let keys = page.deks.into_iter().map(|dek| (dek.id.into(), dek.wrapped)).collect();
                let next = page.next.map_or(Place::KeyPairs(None), |next| Place::Deks(Some(next)));
                Page { keys, next: Some(next) }
            }
            Place::KeyPairs(from) => {
                let page = self.ask(ListKeyPairs { pending, from, limit: 64 }).await;
                let keys = page.key_pairs.into_iter().map(|pair| (pair.id.into(), pair.wrapped_private_key));
                Page { keys: keys.collect(), next: page.next.map(|next| Place::KeyPairs(Some(next))) }
            }
        }
    }
}

/// Keys as the server has them.
struct Page {
    keys: Vec<(WrappedKeyId, Bytes)>,
    next: Option<Place>,
}

/// Where a listing of both kinds goes on.
enum Place {
    Deks(Option<Vec<u8>>),
    KeyPairs(Option<Vec<u8>>),
}

impl Place {
    const FIRST: Self = Self::Deks(None);
}
