//! Whether people can make themselves an account in a realm.

use serde::Serialize;
use strongroom_primitives::id::RealmId;

use super::{LANE, Realms, SignUp, StoredRealm, keys::next_generation};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Opens a realm for sign-up, or closes it. Those who have an account sign in either way.
#[derive(Debug, Clone, Serialize)]
pub struct SetSignUp {
    /// Which.
    pub realm: RealmId,
    /// Whether, and under which names.
    pub sign_up: SignUp,
}

impl Command for SetSignUp {
    type Domain = Realms;
    type Reply = ();
    const NAME: &'static str = "set_sign_up";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        LANE
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        Reads::one(keyspace::realms_generation()).row(space.realm(&self.realm))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let key = moment.space.realm(&self.realm);
        let stored: StoredRealm = view.row(&key)?.ok_or(EngineError::UnknownRealm)?;
        Decision::reply(())
            .put(key, &StoredRealm { sign_up: self.sign_up, ..stored })
            .put(keyspace::realms_generation(), &next_generation(view)?)
            .done()
    }
}
