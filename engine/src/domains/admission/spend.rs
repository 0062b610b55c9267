//! Spending: a token is shown, and admits. Exactly once.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, Audience},
    secret::SecretText,
};
use strongroom_storage::Key;

use super::{
    Admission, Issuer, StoredForeignToken, StoredToken,
    token::{self, Claims},
};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Identity, Need, Principal, Role, issued_in_the_future},
    domains::accounts::{AccountState, StoredAccount},
    error::EngineError,
    feed::Event,
    keyspace::{self, Keyspace},
};

/// Who was admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// Which keystore vouches for them.
    pub issuer: Issuer,
    /// How that keystore knows them.
    pub identity: Identity,
}

/// A token that is genuine and good for this caller at this moment. Whether it was spent, its rows say.
///
/// For domains that admit somebody in a commit of their own: [`open`](Self::open), read what [`reads`](Self::reads)
/// names, [`spend`](Self::spend).
pub(crate) struct OpenToken {
    pub(crate) admitted: Admitted,
    claims: Claims,
    place: Place,
}

/// Where it is written down that a token was spent.
enum Place {
    /// In the row that it was issued with.
    Issued { account: AccountId, key: Key },
    /// In a row that is written for it.
    Foreign { key: Key },
}

impl OpenToken {
    /// Checks all of a token that takes no rows: that it is genuine, for this audience, of this caller if the caller is
    /// an account, and has not expired; and that it has not by the time of the commit.
    ///
    /// # Errors
    /// [`EngineError::TokenRefused`], whatever is the matter (THREATS A-TOK-04, A-TOK-05).
    pub(crate) fn open(
        text: &SecretText,
        audience: &Audience,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Self, EngineError> {
        let (claims, issuer) = Claims::verify(text.expose(), moment.secrets, moment.issuers)?;
        if claims.audience != *audience || moment.now > claims.expires {
            return Err(EngineError::TokenRefused);
        }
        let place = match issuer {
            Issuer::Here => {
                let account = moment.space.account_of(&claims.identity.realm, &claims.identity.subject);
                Place::Issued { account, key: moment.space.admission(account, audience) }
            }
            Issuer::Other(_) => {
                if issued_in_the_future(claims.issued, moment.now, moment.limits.token_clock_tolerance) {
                    return Err(EngineError::TokenRefused);
                }
                Place::Foreign { key: moment.space.foreign_token(&claims.issuer, claims.id) }
            }
        };
        let named = match &place {
            Place::Issued { account, .. } => Some(*account),
            Place::Foreign { .. } => None,
        };
        if who.role == Role::Account && named != Some(who.account) {
            return Err(EngineError::TokenRefused);
        }
        moment.relies_on(claims.expires);
        let admitted = Admitted { issuer, identity: claims.identity.clone() };
        Ok(Self { admitted, claims, place })
    }

    /// The rows that say whether it may still be spent.
    pub(crate) fn reads(&self) -> Reads {
        match &self.place {
            Place::Issued { account, key } => Reads::one(key.clone()).row(keyspace::account(*account)),
            Place::Foreign { key } => Reads::one(key.clone()),
        }
    }

    /// Whether these have been read.
    pub(crate) fn is_read(&self, view: &View<'_>) -> bool {
        self.reads().rows.iter().all(|(key, _)| view.has(key))
    }

    /// That the token is spent: writes for the commit of whoever it admits.
    ///
    /// # Errors
    /// [`EngineError::TokenSpent`] if it has been; [`EngineError::TokenRefused`] if its account may not act, or knows
    /// nothing of it.
    pub(crate) fn spend(&self, view: &View<'_>, moment: &Moment<'_>) -> Result<Decision<()>, EngineError> {
        match &self.place {
            Place::Issued { account, key } => {
                let holder: Option<StoredAccount> = view.row(&keyspace::account(*account))?;
                if holder.is_none_or(|holder| holder.state != AccountState::Active) {
                    return Err(EngineError::TokenRefused);
                }
                let stored: Option<StoredToken> = view.row(key)?;
                let mut stored =
                    stored.filter(|stored| stored.id == self.claims.id).ok_or(EngineError::TokenRefused)?;
                if stored.spent.is_some() {
                    return Err(EngineError::TokenSpent);
                }
                stored.spent = Some(moment.now);
                let event = Event::TokenSpent { audience: self.claims.audience.clone() };
                Ok(Decision::reply(()).put(key.clone(), &stored).tell(*account, event))
            }
            Place::Foreign { key } => {
                if view.row::<StoredForeignToken>(key)?.is_some() {
                    return Err(EngineError::TokenSpent);
                }
                let spent = StoredForeignToken { expires: self.claims.expires };
                Ok(Decision::reply(()).put(key.clone(), &spent))
            }
        }
    }
}

/// The lane of whoever spends this token: its own. What a token claims is not believed before its signature has been
/// looked at, and until then nobody shall wait in the lane of the account that it names.
pub(crate) fn lane_of(token: &SecretText) -> Lane {
    Lane(*token::digest(token).first_chunk().expect("a digest has more than 16 bytes"))
}

/// Spends an admission token. Whoever holds it may, except that a caller who is an account must be the one that it
/// names.
#[derive(Debug, Clone, Serialize)]
pub struct SpendToken {
    /// The token's text.
    #[serde(serialize_with = "token::by_digest")]
    pub token: SecretText,
    /// The service at whose door it is shown.
    pub audience: Audience,
}

impl Command for SpendToken {
    type Domain = Admission;
    type Reply = Admitted;
    const NAME: &'static str = "spend_token";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        lane_of(&self.token)
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        // Of either place where it may be written down that it was spent: which it is, and whether what the token says
        // of itself is true, is for the decision to find out.
        let Some(claims) = token::claimed(&self.token) else { return Reads::none() };
        let account = space.account_of(&claims.identity.realm, &claims.identity.subject);
        Reads::one(space.admission(account, &self.audience))
            .row(keyspace::account(account))
            .row(keyspace::ledger(account))
            .row(space.foreign_token(&claims.issuer, claims.id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Admitted>, EngineError> {
        let token = OpenToken::open(&self.token, &self.audience, who, moment)?;
        if !token.is_read(view) {
            return Ok(Step::Need(token.reads()));
        }
        token.spend(view, moment)?.answer(token.admitted).done()
    }
}
