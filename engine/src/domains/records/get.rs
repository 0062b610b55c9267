//! Reading a record.

use serde::Serialize;
use strongroom_primitives::id::Subject;

use super::{Record, RecordName, Records, access};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal, Right},
    error::EngineError,
    keyspace::Keyspace,
};

/// Reads a record's head and content.
#[derive(Debug, Clone, Serialize)]
pub struct GetRecord {
    /// Whose; `None` for the caller's own.
    pub owner: Option<Subject>,
    /// Which.
    pub name: RecordName,
}

impl Command for GetRecord {
    type Domain = Records;
    type Reply = Record;
    const NAME: &'static str = "get_record";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Right(Right::Get)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        access::reads_of_access(access::owner_account(self.owner.as_ref(), who, space), &self.name, space)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Record>, EngineError> {
        let owner = access::owner_account(self.owner.as_ref(), who, moment.space);
        let (head, recipients) = access::readable(view, owner, &self.name, who, moment.space)?;
        let record = moment.space.record(&self.name);
        let content_key = head.content_key(owner, record);
        if !view.has(&content_key) {
            return Ok(Step::Need(Reads::none().hint(content_key)));
        }
        let content = head.content(view, owner, record)?;
        let owner = match &self.owner {
            Some(owner) => owner,
            None => &who.identity()?.subject,
        };
        Decision::reply(head.record(owner, recipients, content)).done()
    }
}
