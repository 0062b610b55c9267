//! Requests and spans of time as people and programs are shown them.

use serde_json::{Value, json};
use strongroom_client::wire::{RecoveryRequest, RecoveryState};
use strongroom_primitives::id::EscrowId;

use super::key::fingerprint;
use crate::table::{instant, shown};

/// How far a request has come, in words.
pub(super) fn state(request: &RecoveryRequest) -> String {
    let approvals = format!("{} of {} approvals", request.approvals.len(), request.quorum);
    match request.state {
        RecoveryState::Open {} | RecoveryState::Approved {} => approvals,
        RecoveryState::Waiting { due } => format!("{approvals}, released at {}", instant(due)),
        RecoveryState::Released { until } => format!("released, can be collected until {}", instant(until)),
        RecoveryState::Expired {} => "released, and its time is over".to_owned(),
        RecoveryState::Vetoed {} => "vetoed by the owner".to_owned(),
        RecoveryState::Lapsed {} => {
            "over: not approved or not collected in time, or the secret was dealt anew".to_owned()
        }
    }
}

/// Whether something can still come of it.
pub(super) fn is_under_way(request: &RecoveryRequest) -> bool {
    matches!(
        request.state,
        RecoveryState::Open {} | RecoveryState::Approved {} | RecoveryState::Waiting { .. }
    )
}

/// The fingerprint of the key that shares are to be sealed to, as the server shows it.
pub(super) fn requester_fingerprint(request: &RecoveryRequest) -> String {
    fingerprint(&[&request.public_key.0])
}

/// A request as a document.
pub(super) fn described(escrow: EscrowId, request: &RecoveryRequest) -> Value {
    let approved: Vec<u8> = request.approvals.iter().map(|approval| approval.index).collect();
    json!({
        "escrow": escrow,
        "request": request.id,
        "requester": request.requester,
        "fingerprint": requester_fingerprint(request),
        "reason": request.reason,
        "epoch": request.epoch,
        "opened_ms": request.opened,
        "state": request.state,
        "approved": approved,
        "quorum": request.quorum,
    })
}

/// A request as the cells of a row: request, requester, fingerprint, state, reason.
pub(super) fn cells(request: &RecoveryRequest) -> [String; 5] {
    [
        request.id.to_string(),
        shown(request.requester.as_str()),
        requester_fingerprint(request),
        state(request),
        shown(&request.reason),
    ]
}

/// A span of time in its largest whole unit.
pub(super) fn span(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let whole = units.into_iter().find(|(unit_s, _)| seconds > 0 && seconds.is_multiple_of(*unit_s));
    whole.map_or_else(|| format!("{seconds}s"), |(unit_s, unit)| format!("{}{unit}", seconds / unit_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_shown_as_it_would_be_said() {
        let said = [0, 1, 60, 90, 3_600, 86_400, 90_000].map(span);
        assert_eq!(said, ["0s", "1s", "1m", "90s", "1h", "1d", "25h"]);
    }
}
