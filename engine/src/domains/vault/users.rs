//! What a vault keeps about its users.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{id::AccountId, time::Timestamp};

use super::{Change, StoredVaultUser, Vault, check_text, rows::StoredVaultKey};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Identity, Need, Principal},
    error::EngineError,
    feed::Event,
    keyspace::{self, Keyspace},
};

/// What a user says about themselves. Each at most 1 KiB of plain text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Which of the keys in their keystore opens their items: an id that means something there.
    pub private_dek: Option<String>,
    /// Their country.
    pub country: Option<String>,
    /// Their address for mail. Nobody has checked it.
    pub email: Option<String>,
    /// Their name.
    pub full_name: Option<String>,
    /// The id of a picture.
    pub image: Option<String>,
}

/// A vault user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultUser {
    /// The account.
    pub account: AccountId,
    /// The vault's realm, and the user's name in the keystore: by itself for a user of this engine, behind the issuer's
    /// name and a slash for one of another keystore.
    pub identity: Identity,
    /// When they were admitted.
    pub joined: Timestamp,
    /// What they say about themselves.
    pub profile: Profile,
    /// How many items they have.
    pub items: u64,
    /// What these count for, in bytes.
    pub bytes: u64,
}

impl VaultUser {
    pub(super) fn of(account: AccountId, identity: Identity, stored: StoredVaultUser) -> Self {
        let StoredVaultUser { joined, profile, items, bytes, .. } = stored;
        Self { account, identity, joined, profile, items, bytes }
    }
}

/// Reads the caller's user.
#[derive(Debug, Clone, Serialize)]
pub struct GetVaultUser {}

impl Command for GetVaultUser {
    type Domain = Vault;
    type Reply = VaultUser;
    const NAME: &'static str = "get_vault_user";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::vault_user(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<VaultUser>, EngineError> {
        let stored = StoredVaultUser::of(view, who.account)?;
        Decision::reply(VaultUser::of(who.account, who.identity()?.clone(), stored)).done()
    }
}

/// Reads the caller's public key, to which the tokens of their sessions are sealed.
#[derive(Debug, Clone, Serialize)]
pub struct GetVaultKey {}

impl Command for GetVaultKey {
    type Domain = Vault;
    /// PEM, as it came when they enrolled.
    type Reply = String;
    const NAME: &'static str = "get_vault_key";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::vault_user(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<String>, EngineError> {
        let key = StoredVaultUser::of(view, who.account)?.key(moment.space);
        if !view.has(&key) {
            return Ok(Step::Need(Reads::one(key)));
        }
        let stored: StoredVaultKey = view.row(&key)?.ok_or(EngineError::Corrupt)?;
        Decision::reply(stored.pem).done()
    }
}

/// Changes what the caller says about themselves.
#[derive(Debug, Clone, Default, Serialize)]
pub struct UpdateVaultUser {
    /// See [`Profile::private_dek`].
    pub private_dek: Change<String>,
    /// See [`Profile::country`].
    pub country: Change<String>,
    /// See [`Profile::email`].
    pub email: Change<String>,
    /// See [`Profile::full_name`].
    pub full_name: Change<String>,
    /// See [`Profile::image`].
    pub image: Change<String>,
}

impl Command for UpdateVaultUser {
    type Domain = Vault;
    type Reply = VaultUser;
    const NAME: &'static str = "update_vault_user";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::vault_user(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<VaultUser>, EngineError> {
        let mut stored = StoredVaultUser::of(view, who.account)?;
        let profile = &mut stored.profile;
        let max = moment.limits.vault_text_bytes_max;
        for (field, change, kept) in [
            ("private_dek", &self.private_dek, &mut profile.private_dek),
            ("country", &self.country, &mut profile.country),
            ("email", &self.email, &mut profile.email),
            ("full_name", &self.full_name, &mut profile.full_name),
            ("image", &self.image, &mut profile.image),
        ] {
            change.set().into_iter().try_for_each(|text| check_text(field, text, max))?;
            change.apply(kept);
        }
        let user = VaultUser::of(who.account, who.identity()?.clone(), stored.clone());
        Decision::reply(user)
            .put(keyspace::vault_user(who.account), &stored)
            .tell(who.account, Event::VaultUserChanged)
            .done()
    }
}
