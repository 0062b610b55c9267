//! Sessions of the caller. Source: dialects/psono.md, section 5.

use serde_json::json;
use strongroom_engine::{
    EngineError,
    domains::sessions::{ListSessions, RevokeSession},
};
use strongroom_primitives::id::SessionId;

use super::{
    dates,
    members::Members,
    problem::{self, Problem},
    session::Session,
    wire::{Answer, ok},
};

/// `GET /authentication/sessions/`: those that have been activated and have not expired.
pub(super) async fn list(session: &Session<'_>) -> Result<Answer, Problem> {
    let mut sessions = session.tell(ListSessions { identity: None }).await?;
    let now = session.psono.clock.wall();
    sessions.retain(|one| !one.unproved && one.expires.is_none_or(|expires| now <= expires));
    sessions.sort_by_key(|one| (one.opened, one.session));
    let own = session.seal().facts.session;
    let shown = sessions.iter().map(|one| {
        json!({
            "id": one.session.to_uuid(),
            "create_date": dates::write(one.opened),
            "device_description": one.label,
            "current_session": one.session == own,
        })
    });
    ok(json!({ "sessions": shown.collect::<Vec<_>>() }))
}

/// `POST /authentication/logout/`
pub(super) async fn logout(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let other = members.optional_id("session_id", SessionId::from_uuid)?;
    let own = other.is_none_or(|other| other == session.seal().facts.session);
    let revoke = RevokeSession { identity: None, session: other.filter(|_| !own) };
    session.ask(revoke).await.map_err(|error| match error {
        EngineError::UnknownSession => problem::NO_PERMISSION,
        error => Problem::of(&error),
    })?;
    if own {
        session.forget();
    }
    ok(json!({ "success": "Successfully logged out." }))
}
