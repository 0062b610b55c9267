//! Signing up: a name from the server, then an account under it.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, RealmId},
    srp::{Salt, Verifier},
    time::Timestamp,
};

use super::{SrpProfile, StoredReservation, account_of, identity_of, rows::StoredVerifier};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::{
        accounts::StoredAccount,
        realms::{SignUp, StoredRealm},
        sessions::Sessions,
    },
    error::EngineError,
    keyspace::{self, Keyspace},
    ports::Entropy,
};

/// What usernames are made of: base58, which has no characters that look alike.
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Characters of a username: 64.4 bits of chance. Source: dialects/meeco.md, section 5.
const USERNAME_CHARACTERS: usize = 11;

/// Longest description of a derivation, in bytes.
pub(super) const DERIVATION_BYTES_MAX: usize = 256;

fn draw_username(entropy: &dyn Entropy) -> String {
    let even = 256 / ALPHABET.len() * ALPHABET.len();
    let mut name = String::with_capacity(USERNAME_CHARACTERS);
    while name.len() < USERNAME_CHARACTERS {
        let chance: [u8; 16] = entropy.array();
        let fair = chance.into_iter().map(usize::from).filter(|byte| *byte < even);
        let left = USERNAME_CHARACTERS - name.len();
        name.extend(fair.take(left).map(|byte| char::from(ALPHABET[byte % ALPHABET.len()])));
    }
    name
}

fn sign_up_of(view: &View<'_>, realm: &RealmId, moment: &Moment<'_>) -> Result<SignUp, EngineError> {
    let stored: Option<StoredRealm> = view.row(&moment.space.realm(realm))?;
    match stored.map(|stored| stored.sign_up) {
        None | Some(SignUp::Closed) => Err(EngineError::SignUpClosed),
        Some(open) => Ok(open),
    }
}

/// Draws a username and keeps it for an hour.
#[derive(Debug, Clone, Serialize)]
pub struct ReserveUsername {
    /// Where.
    pub realm: RealmId,
}

/// A username that nobody else can register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// The username: 11 characters of base58.
    pub username: String,
    /// The last instant at which it is kept.
    pub expires: Timestamp,
}

impl Command for ReserveUsername {
    type Domain = Sessions;
    type Reply = Reserved;
    const NAME: &'static str = "reserve_username";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        space.sign_up_lane(&self.realm)
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        Reads::one(space.realm(&self.realm))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Reserved>, EngineError> {
        sign_up_of(view, &self.realm, moment)?;
        let username = draw_username(moment.entropy);
        let expires = moment.now.saturating_add(moment.limits.username_reserved_for);
        // Not looked at first: that a name of 64 bits is drawn twice does not happen, and would only prolong it.
        let key = moment.space.reservation(&self.realm, &username);
        Decision::reply(Reserved { username, expires }).put(key, &StoredReservation { expires }).done()
    }
}

/// Makes an account that is signed in to by SRP. Uses the reservation up.
#[derive(Clone, Serialize)]
pub struct RegisterUser {
    /// Where.
    pub realm: RealmId,
    /// The username.
    pub username: String,
    /// Which group and proofs.
    pub profile: SrpProfile,
    /// 16 to 64 random bytes.
    pub salt: Vec<u8>,
    /// `v = g^x`, big-endian.
    pub verifier: Vec<u8>,
    /// How the client makes the password out of passphrase and Secret Key, in its own words: told to whoever begins to
    /// sign in. At most 256 bytes.
    pub derivation: String,
}

impl std::fmt::Debug for RegisterUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RegisterUser({:?}, {:?})", self.realm, self.profile)
    }
}

/// An account was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Which.
    pub account: AccountId,
}

impl Command for RegisterUser {
    type Domain = Sessions;
    type Reply = Registered;
    const NAME: &'static str = "register_user";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        Lane::of_account(account_of(&self.realm, &self.username, space))
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        let account = account_of(&self.realm, &self.username, space);
        Reads::one(space.realm(&self.realm))
            .row(space.reservation(&self.realm, &self.username))
            .row(keyspace::account(account))
            .row(keyspace::verifier(account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Registered>, EngineError> {
        let sign_up = sign_up_of(view, &self.realm, moment)?;
        let identity = identity_of(&self.realm, &self.username)?;
        let salt = Salt::new(&self.salt).map_err(EngineError::SrpInvalid)?;
        let verifier =
            Verifier::new(self.profile.profile(), &self.verifier).map_err(EngineError::SrpInvalid)?;
        if self.derivation.len() > DERIVATION_BYTES_MAX {
            return Err(EngineError::TooLarge);
        }
        let account = account_of(&self.realm, &self.username, moment.space);
        let (account_key, verifier_key) = (keyspace::account(account), keyspace::verifier(account));
        // An account that came about in another way, and one that was erased, is somebody's as well.
        if view.row::<StoredAccount>(&account_key)?.is_some()
            || view.row::<StoredVerifier>(&verifier_key)?.is_some()
        {
            return Err(EngineError::UsernameTaken);
        }
        let reservation_key = moment.space.reservation(&self.realm, &self.username);
        let reserved: Option<StoredReservation> = view.row(&reservation_key)?;
        match reserved.filter(|reserved| moment.now <= reserved.expires) {
            Some(reserved) => moment.relies_on(reserved.expires),
            None if sign_up == SignUp::Chosen => {}
            None => return Err(EngineError::UsernameNotReserved),
        }
        let stored = StoredVerifier {
            profile: self.profile,
            salt: salt.as_bytes().to_vec(),
            verifier: verifier.expose().to_vec(),
            derivation: self.derivation.clone(),
            generation: 1,
            since: moment.now,
        };
        Decision::reply(Registered { account })
            .put(account_key, &StoredAccount::new(identity, moment.now))
            .put(verifier_key, &stored)
            .delete(reservation_key)
            .done()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::SeededEntropy;

    #[test]
    fn a_username_is_eleven_characters_of_base58_and_every_one_of_them_occurs() {
        let entropy = SeededEntropy::new(3);
        let names: Vec<String> = (0..200).map(|_| draw_username(&entropy)).collect();
        assert!(names.iter().all(|name| name.len() == USERNAME_CHARACTERS));
        let all = names.concat();
        assert!(ALPHABET.iter().all(|byte| all.contains(char::from(*byte))));
        assert!(all.bytes().all(|byte| ALPHABET.contains(&byte)));
    }
}
