//! People and holders of API keys as tests need them: everything follows from a number.

use std::time::Duration;

use bytes::Bytes;
use strongroom_primitives::{
    encoding::to_hex,
    hash::sha256,
    id::{ApiKeyId, RealmId},
    nacl::BoxSecret,
    secret::SecretText,
    sign::SigningKey,
};

use crate::{
    boxed::Boxed,
    credential::ApiKeyFlags,
    domains::{
        people::{Hashing, LoginPerson, RegisterPerson},
        sessions::{
            TokenForm,
            api_key::{CreateApiKey, LoginByApiKey, LoginFacts},
            sealed::Device,
        },
    },
};

/// Flags of a key that may do all that an API key can.
pub const WIDE: ApiKeyFlags = ApiKeyFlags { read: true, write: true, restrict: false, insecure: false };

/// A sealed text of so many bytes, which nobody can open.
pub fn boxed(bytes: usize) -> Boxed {
    Boxed { text: vec![0xb0; bytes].into(), nonce: [7; 24] }
}

fn seed(purpose: &str, number: u64) -> [u8; 32] {
    sha256(format!("{purpose} {number}").as_bytes())
}

/// A program that holds an API key.
#[derive(Debug, Clone, Copy)]
pub struct Holder {
    /// Which.
    pub number: u64,
}

impl Holder {
    fn signing_key(self) -> SigningKey {
        SigningKey::from_seed(&seed("api key", self.number))
    }

    /// What the owner asks so that there is the key.
    pub fn creation(self, flags: ApiKeyFlags) -> CreateApiKey {
        CreateApiKey {
            title: format!("key {}", self.number),
            public_key: *BoxSecret::from_seed(seed("api key", self.number)).public().as_bytes(),
            verify_key: *self.signing_key().verifying_key().as_bytes(),
            private_key: boxed(80),
            secret_key: boxed(80),
            user_private_key: boxed(80),
            user_secret_key: boxed(80),
            flags,
            expires: None,
        }
    }

    /// The sign-in with the session key of this number, as long as it may be.
    pub fn login(self, realm: &RealmId, api_key: ApiKeyId, session_key: u64) -> LoginByApiKey {
        let session_public_key = *BoxSecret::from_seed(seed("session", session_key)).public().as_bytes();
        let facts = LoginFacts {
            api_key,
            session_public_key,
            device: Device { description: "script".into(), ..Device::default() },
            life: Some(Duration::from_secs(86_400)),
        };
        self.signed(realm, facts)
    }

    /// A sign-in that says this.
    pub fn signed(self, realm: &RealmId, facts: LoginFacts) -> LoginByApiKey {
        let info = format!(
            r#"{{"api_key_id": "{}", "session_public_key": "{}"}}"#,
            facts.api_key.to_uuid(),
            to_hex(&facts.session_public_key)
        );
        let signature = self.signing_key().sign(info.as_bytes());
        let (realm, form) = (Some(realm.clone()), TokenForm::Hex);
        LoginByApiKey { realm, facts, form, info: Bytes::from(info), signature }
    }
}

/// What a person's client derives from a password.
pub fn authkey(password: &str) -> SecretText {
    SecretText::new(to_hex(&sha256(password.as_bytes())).repeat(2))
}

/// Signing up as `name` of this host, without having to read mail.
pub fn registration(realm: &RealmId, name: &str, password: &str) -> RegisterPerson {
    RegisterPerson {
        realm: realm.clone(),
        username: format!("{name}@host.example"),
        email: format!("{name}@mail.example"),
        authkey: authkey(password),
        public_key: *BoxSecret::from_seed(sha256(name.as_bytes())).public().as_bytes(),
        private_key: boxed(80),
        secret_key: boxed(80),
        user_sauce: to_hex(&sha256(name.as_bytes())),
        hashing: Hashing::default(),
        verify_email: false,
    }
}

/// Signing in as `name` of this host.
pub fn login(realm: &RealmId, name: &str, password: &str) -> LoginPerson {
    LoginPerson {
        realm: realm.clone(),
        username: format!("{name}@host.example"),
        authkey: authkey(password),
        device: Device { description: "laptop".into(), ..Device::default() },
        life: None,
        network: b"192.0.2.0/24".to_vec(),
    }
}
