//! Becoming a vault user with an admission token, and signing in with the key that was brought along.
//!
//! Both answer with a session's token and the key that it is to be sealed to: nobody shows here that they hold the
//! private half, so the session counts as unproved until its first use. Source: dialects/meeco.md, section 6.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    hash,
    id::{AccountId, Audience, RealmId, Subject},
    rsa::PublicKey,
    secret::SecretText,
};

use super::{Profile, StoredVaultUser, Vault, VaultUser, rows::StoredVaultKey};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Identity, Need, Principal, Rights},
    domains::{
        accounts::{AccountState, StoredAccount},
        admission::{Admitted, Issuer, OpenToken, by_digest, lane_of},
        sessions::{BearerIssued, Opening, TokenForm},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// A vault user who has signed in, and what their session's token is to be sealed to.
#[derive(Serialize, Deserialize)]
pub struct VaultSession {
    /// The session and its token, which leaves here sealed only.
    pub session: BearerIssued,
    /// The user.
    pub user: VaultUser,
    /// The user's public key in PEM, as it came when they enrolled.
    pub public_key: String,
}

impl fmt::Debug for VaultSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VaultSession({:?})", self.session)
    }
}

/// Opens a session for a vault user, who may have as many unproved ones as [`Opening`] gives room.
fn open_session(
    view: &View<'_>,
    user: &VaultUser,
    life: Option<Duration>,
    label: &str,
    form: TokenForm,
    account: &StoredAccount,
    moment: &Moment<'_>,
) -> Result<Decision<BearerIssued>, EngineError> {
    let longest = moment.limits.session_life_max;
    let opening = Opening {
        account: user.account,
        identity: user.identity.clone(),
        rights: Rights::ALL.and(account.rights),
        expires: Some(moment.now.saturating_add(life.map_or(longest, |life| life.min(longest)))),
        label,
        parent: None,
        form,
        prove_by: Some(moment.now.saturating_add(moment.limits.session_proof_within)),
        api_key: None,
        seal: None,
        assurance: None,
    };
    opening.decide_making_room(view, moment)
}

/// Makes a vault user out of somebody whom a keystore vouches for, and opens their first session.
///
/// Nothing is spent unless the user is made: a bad key, a key that is taken and a user who exists leave the token as it
/// was (THREATS A-TOK-08). Of parallel tries with one token, or with two tokens of one user, one succeeds.
#[derive(Debug, Clone, Serialize)]
pub struct CreateVaultUser {
    /// The vault: its name is the audience that the token has to be for.
    pub realm: RealmId,
    /// The realm of a keystore, here or elsewhere, whose users are admitted. Those of other realms are not, because
    /// they may have the same names.
    pub keystore: RealmId,
    /// The admission token.
    #[serde(serialize_with = "by_digest")]
    pub token: SecretText,
    /// An RSA key of 2,048 to 8,192 bits: SubjectPublicKeyInfo in PEM, at most 8 KiB.
    pub public_key: String,
    /// What the session's holder calls it; at most 128 bytes are kept.
    pub label: String,
    /// What its token is to look like.
    pub form: TokenForm,
}

impl CreateVaultUser {
    /// Who it is that was admitted, as the vault knows them. A slash in the name of a local user would read as one of
    /// another keystore, so such a user has no vault.
    fn identity(&self, admitted: &Admitted) -> Result<Identity, EngineError> {
        let Admitted { issuer, identity: Identity { realm, subject } } = admitted;
        let subject = match issuer {
            Issuer::Here => Some(subject.clone()).filter(|subject| !subject.as_str().contains('/')),
            Issuer::Other(name) => Subject::new(format!("{name}/{subject}")).ok(),
        };
        let subject = subject.filter(|_| *realm == self.keystore).ok_or(EngineError::TokenRefused)?;
        Ok(Identity { realm: self.realm.clone(), subject })
    }

    fn rows_of(&self, account: AccountId, key: &PublicKey, space: &Keyspace) -> Reads {
        Opening::reads(account)
            .row(keyspace::account(account))
            .row(keyspace::vault_user(account))
            .row(space.vault_key(&self.realm, &key.fingerprint()))
    }
}

impl Command for CreateVaultUser {
    type Domain = Vault;
    type Reply = VaultSession;
    const NAME: &'static str = "create_vault_user";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        lane_of(&self.token)
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        // Whose rows, only a genuine token says.
        Reads::none()
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<VaultSession>, EngineError> {
        let key = PublicKey::from_pem(&self.public_key)
            .map_err(|reason| EngineError::PublicKeyInvalid { reason })?;
        let token = OpenToken::open(&self.token, &Audience::from(&self.realm), who, moment)?;
        let identity = self.identity(&token.admitted)?;
        let account = moment.space.account_of(&identity.realm, &identity.subject);
        let user_key = keyspace::vault_user(account);
        if let Some(reads) = view.lacks(token.reads().and(self.rows_of(account, &key, moment.space))) {
            return Ok(Step::Need(reads));
        }
        let account_key = keyspace::account(account);
        let known: Option<StoredAccount> = view.row(&account_key)?;
        let holder = known.unwrap_or_else(|| StoredAccount::new(identity.clone(), moment.now));
        match holder.state {
            AccountState::Active => {}
            AccountState::Suspended => return Err(EngineError::AccountSuspended),
            AccountState::Erased => return Err(EngineError::AccountErased),
        }
        let stored = StoredVaultUser {
            realm: self.realm.clone(),
            fingerprint: key.fingerprint(),
            joined: moment.now,
            profile: Profile::default(),
            items: 0,
            bytes: 0,
        };
        let fingerprint_key = stored.key(moment.space);
        // Spent before all else: who shows a token again is told that it was, whatever it made.
        let spent = token.spend(view, moment)?;
        if view.row::<StoredVaultUser>(&user_key)?.is_some()
            || view.row::<StoredVaultKey>(&fingerprint_key)?.is_some()
        {
            return Err(EngineError::VaultUserExists);
        }
        let user = VaultUser::of(account, identity, stored.clone());
        let session = open_session(view, &user, None, &self.label, self.form, &holder, moment)?;
        let public_key = self.public_key.clone();
        let taken = StoredVaultKey { account, pem: public_key.clone() };
        session
            .map(|session| VaultSession { session, user, public_key })
            .put(account_key, &holder)
            .put(user_key, &stored)
            .put(fingerprint_key, &taken)
            .with(spent)
            .done()
    }
}

/// Opens a session for whoever can open what is sealed to a vault user's key.
#[derive(Debug, Clone, Serialize)]
pub struct OpenVaultSession {
    /// The vault.
    pub realm: RealmId,
    /// The user's key: SubjectPublicKeyInfo in PEM. Line ends may differ from those it was enrolled with.
    pub public_key: String,
    /// How long the session is good; as long as any unless said, and never longer.
    pub life: Option<Duration>,
    /// What its holder calls it; at most 128 bytes are kept.
    pub label: String,
    /// What its token is to look like.
    pub form: TokenForm,
}

impl Command for OpenVaultSession {
    type Domain = Vault;
    type Reply = VaultSession;
    const NAME: &'static str = "open_vault_session";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        // Whose key it is, only rows say; and a public key is no reason to wait in its owner's lane.
        let digest = hash::sha256(self.public_key.as_bytes());
        Lane(*digest.first_chunk().expect("a digest has more than 16 bytes"))
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        // By which name it is kept, only a key that can be read says.
        Reads::none()
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<VaultSession>, EngineError> {
        let key = PublicKey::from_pem(&self.public_key)
            .map_err(|reason| EngineError::PublicKeyInvalid { reason })?;
        let key = moment.space.vault_key(&self.realm, &key.fingerprint());
        if !view.has(&key) {
            return Ok(Step::Need(Reads::one(key)));
        }
        let known: Option<StoredVaultKey> = view.row(&key)?;
        let StoredVaultKey { account, pem } = known.ok_or(EngineError::LoginRefused)?;
        let (account_key, user_key) = (keyspace::account(account), keyspace::vault_user(account));
        let reads = Opening::reads(account).row(account_key.clone()).row(user_key.clone());
        if let Some(reads) = view.lacks(reads) {
            return Ok(Step::Need(reads));
        }
        let holder = view.row::<StoredAccount>(&account_key)?;
        let holder = holder.filter(|holder| holder.state == AccountState::Active);
        let holder = holder.ok_or(EngineError::LoginRefused)?;
        let identity = holder.identity.clone().ok_or(EngineError::Corrupt)?;
        let stored = view.row::<StoredVaultUser>(&user_key)?.ok_or(EngineError::LoginRefused)?;
        let user = VaultUser::of(account, identity, stored);
        let session = open_session(view, &user, self.life, &self.label, self.form, &holder, moment)?;
        session.map(|session| VaultSession { session, user, public_key: pem }).done()
    }
}
