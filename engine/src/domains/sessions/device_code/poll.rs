//! A device fetches its session.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{id::DeviceCodeId, nacl::BoxPublic};

use super::{Claim, Sessions, StoredDeviceCode, lane_of};
use crate::{
    boxed::{Boxed, KeyBytes},
    command::{Command, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal, Rights},
    domains::{
        accounts::{AccountState, StoredAccount},
        sessions::{BearerIssued, Opening, TokenForm, sealed::Sealing},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Asks whether somebody has let the device in, and if so opens its session. The code is gone with it: a second time
/// there is no such code (THREATS A-DEV-03).
///
/// Refused with [`EngineError::DeviceCodePending`] for as long as nobody has.
#[derive(Debug, Clone, Serialize)]
pub struct PollDeviceCode {
    /// Which.
    pub id: DeviceCodeId,
}

/// The device is let in. All of it leaves here sealed for the device only.
#[derive(Debug, Serialize, Deserialize)]
pub struct DeviceLetIn {
    /// The session and its token.
    pub session: BearerIssued,
    /// What the session is sealed with.
    pub session_key: KeyBytes,
    /// What the person hands to the device.
    pub credentials: Boxed,
    /// What this answer is sealed with: the key of a NaCl `box` between the code and the device.
    pub box_key: KeyBytes,
}

impl Command for PollDeviceCode {
    type Domain = Sessions;
    type Reply = DeviceLetIn;
    const NAME: &'static str = "poll_device_code";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        lane_of(self.id)
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::device_code(self.id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<DeviceLetIn>, EngineError> {
        let code_key = keyspace::device_code(self.id);
        let stored: StoredDeviceCode = view.row(&code_key)?.ok_or(EngineError::UnknownDeviceCode)?;
        if moment.now > stored.expires {
            return Err(EngineError::DeviceCodeExpired);
        }
        let StoredDeviceCode { device, offset_ms, public_key, expires, claimed, .. } = stored;
        let Claim { account, credentials } = claimed.ok_or(EngineError::DeviceCodePending)?;
        let account_key = keyspace::account(account);
        if let Some(reads) = view.lacks(Opening::reads(account).row(account_key.clone())) {
            return Ok(Step::Need(reads));
        }
        let owner: Option<StoredAccount> = view.row(&account_key)?;
        let owner = owner.filter(|owner| owner.state == AccountState::Active);
        let owner = owner.ok_or(EngineError::UnknownDeviceCode)?;
        let device_key = BoxPublic::from_bytes(public_key).map_err(|_| EngineError::Corrupt)?;
        let box_key = moment.secrets.identities().agree_for_code(self.id, &device_key);
        let box_key = KeyBytes::new(*box_key.map_err(|_| EngineError::KeyInvalid)?.expose());
        moment.relies_on(expires);
        let seal = Sealing { offset_ms, ..Sealing::draw(&device, moment) };
        let session_key = seal.key.clone();
        let opening = Opening {
            account,
            identity: owner.identity.ok_or(EngineError::Corrupt)?,
            rights: Rights::ALL.and(owner.rights),
            expires: Some(moment.now.saturating_add(moment.limits.session_life_max)),
            label: &device.description,
            parent: None,
            form: TokenForm::Hex,
            prove_by: None,
            api_key: None,
            seal: Some(seal),
            assurance: None,
        };
        let opened = opening.decide_making_room(view, moment)?;
        opened
            .map(|session| DeviceLetIn { session, session_key, credentials, box_key })
            .delete(code_key)
            .done()
    }
}
