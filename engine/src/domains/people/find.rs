//! Finding people, to share something with them.

use serde::Serialize;
use strongroom_primitives::id::AccountId;

use super::{
    People, PersonCard, StoredAddress, StoredPerson,
    name::{address_of, identity_of},
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    domains::accounts::{AccountState, StoredAccount},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// What a person is found by. The whole of it has to be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum FindBy {
    /// The username, in any case.
    Username(String),
    /// The person's id.
    Id(AccountId),
    /// The e-mail address, in any case. One that the person has not shown to be theirs finds nobody.
    Email(String),
}

/// Finds the people of the caller's own realm that something names: one, or nobody.
#[derive(Debug, Clone, Serialize)]
pub struct FindPerson {
    /// What they are found by.
    pub by: FindBy,
    /// What an API key has to be allowed whose session asks. To look is enough by what is asked; dialects/psono.md,
    /// section 5, takes more for a search.
    pub access: Access,
}

impl Command for FindPerson {
    type Domain = People;
    type Reply = Vec<PersonCard>;
    const NAME: &'static str = "find_person";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Keyed(self.access)
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::none()
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Vec<PersonCard>>, EngineError> {
        let realm = &who.identity()?.realm;
        let nobody = || Decision::reply(Vec::new()).done();
        let account = match &self.by {
            FindBy::Id(account) => *account,
            FindBy::Username(username) => match identity_of(realm, username) {
                Ok(identity) => moment.space.account_of(&identity.realm, &identity.subject),
                Err(_) => return nobody(),
            },
            FindBy::Email(address) => {
                let Ok(address) = address_of(address) else { return nobody() };
                let key = moment.space.address(realm, &address);
                if !view.has(&key) {
                    return Ok(Step::Need(Reads::one(key)));
                }
                match view.row::<StoredAddress>(&key)? {
                    Some(found) => found.account,
                    None => return nobody(),
                }
            }
        };
        let (account_key, person_key) = (keyspace::account(account), keyspace::person(account));
        if !view.has(&account_key) || !view.has(&person_key) {
            return Ok(Step::Need(Reads::one(account_key).row(person_key)));
        }
        let active =
            view.row::<StoredAccount>(&account_key)?.is_some_and(|owner| owner.state == AccountState::Active);
        let person: Option<StoredPerson> = view.row(&person_key)?;
        let person = person.filter(|person| active && person.realm == *realm && person.activation.is_none());
        Decision::reply(person.map(|person| person.card(account)).into_iter().collect()).done()
    }
}
