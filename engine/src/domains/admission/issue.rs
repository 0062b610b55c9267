//! Issuing: a user who is signed in asks for a token.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{Audience, TokenId},
    secret::SecretText,
    time::Timestamp,
};

use super::{Admission, StoredToken, token::Claims, token::in_sealed_answer};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::{EngineError, Quota},
    feed::Event,
    keyspace::{self, Keyspace},
};

/// Rows of tokens that are looked at: more than an account can have.
pub(crate) const TOKENS_READ_MAX: usize = 1_000;

/// Issues a token that admits the caller to a service. Until it is spent or expires there is no other: asking again
/// gives the same one.
///
/// A service elsewhere does not say when it was spent, so for that one it is issued anew once it has expired.
#[derive(Debug, Clone, Serialize)]
pub struct IssueToken {
    /// For which service.
    pub audience: Audience,
}

/// A token for its account to show.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenIssued {
    /// The token: `sra1.`, claims and signature, at most 2,048 ASCII characters.
    #[serde(with = "in_sealed_answer")]
    pub token: SecretText,
    /// When it was issued.
    pub issued: Timestamp,
    /// The last instant at which it is good.
    pub expires: Timestamp,
}

impl Command for IssueToken {
    type Domain = Admission;
    type Reply = TokenIssued;
    const NAME: &'static str = "issue_token";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        Reads::one(space.admission(who.account, &self.audience)).range(
            keyspace::admissions(who.account),
            None,
            TOKENS_READ_MAX,
            keyspace::ledger(who.account),
        )
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<TokenIssued>, EngineError> {
        let key = moment.space.admission(who.account, &self.audience);
        let known: Option<StoredToken> = view.row(&key)?;
        match &known {
            Some(token) if token.spent.is_some() => return Err(EngineError::AlreadyAdmitted),
            Some(token) if moment.now <= token.expires => {
                return Decision::reply(issued(token, who, moment)?).done();
            }
            Some(_) => {}
            None => {
                let max = moment.limits.account_audiences_max.min(TOKENS_READ_MAX);
                if view.keys(&keyspace::admissions(who.account))?.0.len() >= max {
                    return Err(EngineError::QuotaExceeded { what: Quota::Audiences, max: max as u64 });
                }
            }
        }
        let token = StoredToken {
            id: TokenId::from_bytes(moment.entropy.array()),
            audience: self.audience.clone(),
            issued: moment.now,
            expires: moment.now.saturating_add(moment.limits.admission_token_life),
            spent: None,
        };
        Decision::reply(issued(&token, who, moment)?)
            .put(key, &token)
            .tell(who.account, Event::TokenIssued { audience: self.audience.clone() })
            .done()
    }
}

/// The token that a row stands for.
fn issued(stored: &StoredToken, who: &Principal, moment: &Moment<'_>) -> Result<TokenIssued, EngineError> {
    let StoredToken { id, ref audience, issued, expires, .. } = *stored;
    let claims = Claims {
        issuer: *moment.secrets.admission_key().as_bytes(),
        identity: who.identity()?.clone(),
        audience: audience.clone(),
        id,
        issued,
        expires,
    };
    Ok(TokenIssued { token: claims.sign(moment.secrets), issued, expires })
}
