//! Records of PIN recovery on a desk, and realms on a bench.

mod counting;
mod engine;
mod erasing;
mod telling;

use std::{sync::Arc, time::Duration};

use strongroom_primitives::pin_recovery::{SecretOctets, messages::Registration};

use super::{
    PinPolicy, RecoveryRealm, RecoveryStatus,
    recover::{CountGuess, Counted, FindShare, Found, ReleaseShare, Shown},
    register::{DeleteShare, RegisterShare},
    rows::{StoredPinRealm, StoredPinRecord},
    seal::Kept,
    seen::Marked,
    status::ShareStatus,
    user::PinUser,
};
use crate::{
    EngineError, codec,
    keyspace::PinKeys,
    testing::{
        Desk,
        recovery::{PinClient, TENANT, realm, realm_of_accounts},
    },
};

/// A desk with one realm and one user of it.
struct Table {
    desk: Desk,
    client: PinClient,
    user: PinUser,
}

impl Table {
    fn new() -> Self {
        Self::with(PinPolicy::default())
    }

    fn with(policy: PinPolicy) -> Self {
        let known = realm_of_accounts(7, policy, "test");
        let mut desk = Desk::new();
        let row = StoredPinRealm { epoch: [1; 16], generation: 0, mark: 0, untold: None };
        desk.place(desk.space().pin_realm(&known.id), codec::encode(&row));
        Self { desk, client: PinClient::new(known.id, 1), user: known.user(TENANT, "bob") }
    }

    fn realm(&self) -> Arc<RecoveryRealm> {
        realm_of_accounts(7, self.user.policy.clone(), "test")
    }

    fn keys(&self) -> PinKeys {
        super::seen::keys_of(&self.user, self.desk.space())
    }

    fn register(&mut self, allowed: u16) -> Registration {
        let registration = self.client.registration("1234", b"secret", allowed);
        self.keep(registration.clone()).unwrap();
        registration
    }

    fn keep(&mut self, registration: Registration) -> Result<(), EngineError> {
        let kept = Kept(Box::new(registration));
        let command = RegisterShare { user: self.user.clone(), kept };
        self.desk.run(&self.desk.nobody(), &command).map(|_| ())
    }

    fn delete(&mut self) {
        let command = DeleteShare { user: self.user.clone() };
        self.desk.run(&self.desk.nobody(), &command).unwrap();
    }

    fn find(&mut self) -> Found<[u8; 16]> {
        let command = FindShare { user: self.user.clone() };
        self.desk.run(&self.desk.nobody(), &command).unwrap().outcome
    }

    fn count(&mut self, version: [u8; 16]) -> Result<Found<Counted>, EngineError> {
        let command = CountGuess { user: self.user.clone(), version };
        self.desk.run(&self.desk.nobody(), &command).map(|marked| marked.outcome)
    }

    /// The guesses used after one that was counted.
    fn used(&mut self, version: [u8; 16]) -> u16 {
        match self.count(version) {
            Ok(Found::There(counted)) => counted.used,
            other => panic!("not counted: {other:?}"),
        }
    }

    fn show(&mut self, version: [u8; 16], tag: &SecretOctets<16>) -> Found<Shown> {
        let command = ReleaseShare { user: self.user.clone(), version, tag: tag.clone() };
        self.desk.run(&self.desk.nobody(), &command).unwrap().outcome
    }

    fn status(&mut self) -> RecoveryStatus {
        self.desk.run(&self.desk.nobody(), &ShareStatus { user: self.user.clone() }).unwrap()
    }

    fn has_key(&self) -> bool {
        self.desk.rows_of(b"OK") == 1
    }

    fn stored(&self) -> StoredPinRecord {
        self.desk.row(&self.keys().record).unwrap()
    }

    fn stored_realm(&self) -> StoredPinRealm {
        self.desk.row(&self.keys().realm).unwrap()
    }
}

/// Waits longer than any back-off.
const LONG: Duration = Duration::from_secs(3_600);

fn no_wait() -> PinPolicy {
    crate::testing::recovery::at_once()
}

fn wrong() -> SecretOctets<16> {
    SecretOctets::from_bytes([0; 16])
}
