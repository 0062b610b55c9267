//! Sessions whose tokens say how far the sign-in went: by a code from an e-mail, by the password, by a second factor.
//!
//! Such a token is a session like the others: its hash is what is stored, it ends, is swept, is revoked alone or with
//! all of its account's, and every command that comes with it is guarded by its row. It differs in what it is good
//! for: commands that ask for an assurance ([`Need::Assured`]), and no others. A code from an e-mail is no right to
//! an account.
//!
//! Source: dialects/misakey.md, section 3.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, RealmId, Subject},
    time::Timestamp,
};

use super::{BearerIssued, Opening, Sessions, TokenForm};
use crate::{
    command::Decision,
    command::{Command, Kind, Lane, Moment, Reads, Step, View},
    credential::{Identity, Need, Principal, Rights},
    domains::accounts::{AccountState, StoredAccount},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// The least level that opens what an account keeps: the password was shown.
pub const PASSWORD_LEVEL: u8 = 2;

/// The highest level: a security key was used.
pub const LEVEL_MAX: u8 = 4;

/// A client's name and a login challenge, in bytes.
const TEXT_BYTES_MAX: usize = 512;

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AssuredFor {
    /// Whatever its holder does once they are signed in.
    Access,
    /// The rest of one sign-in.
    Process {
        /// The sign-in, as its client names it.
        login_challenge: String,
    },
}

impl AssuredFor {
    /// Whether both are for access, or both for a sign-in, whichever that is.
    fn is_like(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Access, Self::Access) | (Self::Process { .. }, Self::Process { .. }))
    }
}

/// How far a sign-in went, of whom, and to whom its token was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assurance {
    /// Who has signed in.
    pub identity: Subject,
    /// The account that they have signed in to, if to one.
    pub account: Option<Subject>,
    /// 1 for a code from an e-mail, 2 for the password, 3 for a one-time code, 4 for a security key.
    pub level: u8,
    /// The client that the token was given to.
    pub client: String,
    /// What it is for.
    pub good_for: AssuredFor,
}

impl Assurance {
    /// # Errors
    /// [`EngineError::AssuranceInvalid`].
    fn check(&self) -> Result<(), EngineError> {
        let short = |text: &str| !text.is_empty() && text.len() <= TEXT_BYTES_MAX;
        let challenge = match &self.good_for {
            AssuredFor::Access => true,
            AssuredFor::Process { login_challenge } => short(login_challenge),
        };
        let good = (1..=LEVEL_MAX).contains(&self.level) && short(&self.client) && challenge;
        if good { Ok(()) } else { Err(EngineError::AssuranceInvalid) }
    }

    /// # Errors
    /// [`EngineError::AssuranceTooLow`].
    pub(crate) fn reaches(&self, required: u8) -> Result<(), EngineError> {
        if self.level >= required { Ok(()) } else { Err(EngineError::AssuranceTooLow { required }) }
    }
}

/// Opens a session with an assurance, at the operator's word. Its account is that of the subject that the assurance
/// calls its account, or of its identity where it names none; it is made if it is missing. Where there are as many
/// sessions as there may be, the oldest ends.
#[derive(Debug, Clone, Serialize)]
pub struct IssueAssured {
    /// Where.
    pub realm: RealmId,
    /// What the token says.
    pub assurance: Assurance,
    /// How long it is good; at most as long as any session that somebody signs in for.
    pub life: Duration,
}

impl IssueAssured {
    fn identity(&self) -> Identity {
        let Assurance { identity, account, .. } = &self.assurance;
        Identity { realm: self.realm.clone(), subject: account.as_ref().unwrap_or(identity).clone() }
    }

    fn account(&self, space: &Keyspace) -> AccountId {
        let Identity { realm, subject } = self.identity();
        space.account_of(&realm, &subject)
    }
}

impl Command for IssueAssured {
    type Domain = Sessions;
    type Reply = BearerIssued;
    const NAME: &'static str = "issue_assured";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        Lane::of_account(self.account(space))
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        let account = self.account(space);
        Opening::reads(account).row(keyspace::account(account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<BearerIssued>, EngineError> {
        self.assurance.check()?;
        let (account, identity) = (self.account(moment.space), self.identity());
        let account_key = keyspace::account(account);
        let stored = view
            .row::<StoredAccount>(&account_key)?
            .unwrap_or_else(|| StoredAccount::new(identity.clone(), moment.now));
        if stored.state == AccountState::Erased {
            return Err(EngineError::AccountErased);
        }
        let life = self.life.min(moment.limits.session_life_max);
        let opening = Opening {
            account,
            identity,
            rights: Rights::NONE,
            expires: Some(moment.now.saturating_add(life)),
            label: &self.assurance.client,
            parent: None,
            form: TokenForm::Bearer,
            prove_by: None,
            api_key: None,
            seal: None,
            assurance: Some(self.assurance.clone()),
        };
        opening.decide_making_room(view, moment)?.put(account_key, &stored).done()
    }
}

/// Asks whether the caller's token was given to a client, for a purpose, after a sign-in that went far enough.
#[derive(Debug, Clone, Serialize)]
pub struct CheckAssurance {
    /// The client.
    pub client: String,
    /// The purpose. Which sign-in a token is for, the answer says.
    pub good_for: AssuredFor,
    /// The least level.
    pub level: u8,
}

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assured {
    /// What it says.
    pub assurance: Assurance,
    /// The last instant at which it is good.
    pub expires: Option<Timestamp>,
}

impl Command for CheckAssurance {
    type Domain = Sessions;
    type Reply = Assured;
    const NAME: &'static str = "check_assurance";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Assured
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::none()
    }

    fn decide(
        &self,
        _: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<Assured>, EngineError> {
        let assurance = who.assurance.as_deref().ok_or(EngineError::CredentialInvalid)?;
        if assurance.client != self.client || !assurance.good_for.is_like(&self.good_for) {
            return Err(EngineError::CredentialInvalid);
        }
        assurance.reaches(self.level)?;
        Decision::reply(Assured { assurance: assurance.clone(), expires: who.expires }).done()
    }
}
