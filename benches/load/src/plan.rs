//! The work that is compared: which operations, sizes, paces and numbers of clients, and who does each.
//!
//! One table, so that the report, the floors and the command line speak of the same cases.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::ValueEnum;

use crate::run::{Operation, Pace};

/// A server that can be driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TargetName {
    /// Strongroom, Keyknox records over HTTP.
    Strongroom,
    /// The same server, native records over WebSocket.
    StrongroomWs,
    Etcd,
    Postgres,
    /// A bare HTTP server.
    Hello,
    /// A bare WebSocket echo.
    Echo,
}

impl TargetName {
    /// As it stands in tables and on the command line.
    pub(crate) fn text(self) -> &'static str {
        match self {
            TargetName::Strongroom => "strongroom",
            TargetName::StrongroomWs => "strongroom-ws",
            TargetName::Etcd => "etcd",
            TargetName::Postgres => "postgres",
            TargetName::Hello => "hello",
            TargetName::Echo => "echo",
        }
    }
}

/// One kind of work, done by several targets at several numbers of clients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) operation: Operation,
    /// Of the record's value; the `meta` beside it is the same for all targets.
    pub(crate) value_bytes: usize,
    pub(crate) pace: Pace,
    pub(crate) clients: &'static [usize],
    pub(crate) targets: &'static [TargetName],
}

const KIB: usize = 1024;

/// Everything that is compared.
pub(crate) const CASES: &[Case] = &[
    Case {
        name: "put-1k",
        operation: Operation::Put,
        value_bytes: KIB,
        pace: Pace::Closed,
        clients: &[16, 64, 256],
        targets: &[TargetName::Strongroom, TargetName::StrongroomWs, TargetName::Etcd, TargetName::Postgres],
    },
    Case {
        name: "put-100k",
        operation: Operation::Put,
        value_bytes: 100 * KIB,
        pace: Pace::Closed,
        clients: &[16, 64],
        targets: &[TargetName::Strongroom, TargetName::Etcd, TargetName::Postgres],
    },
    Case {
        name: "open-put-1k",
        operation: Operation::Put,
        value_bytes: KIB,
        pace: Pace::Open { per_second: 1000 },
        clients: &[64],
        targets: &[TargetName::Strongroom, TargetName::Etcd, TargetName::Postgres],
    },
    Case {
        name: "get-1k",
        operation: Operation::Get,
        value_bytes: KIB,
        pace: Pace::Closed,
        clients: &[16, 64, 256],
        targets: &[TargetName::Strongroom, TargetName::Hello, TargetName::Etcd, TargetName::Postgres],
    },
    Case {
        name: "get-100k",
        operation: Operation::Get,
        value_bytes: 100 * KIB,
        pace: Pace::Closed,
        clients: &[16],
        targets: &[TargetName::Strongroom, TargetName::Etcd, TargetName::Postgres],
    },
    Case {
        name: "ws-get-1k",
        operation: Operation::Get,
        value_bytes: KIB,
        pace: Pace::Closed,
        clients: &[16, 256],
        targets: &[TargetName::StrongroomWs, TargetName::Echo],
    },
];

/// A part of the table, as asked for on the command line; an empty list means everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    pub(crate) cases: Vec<String>,
    pub(crate) clients: Vec<usize>,
    pub(crate) targets: Vec<TargetName>,
}

/// One case at one number of clients, with the targets that were asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Heat {
    pub(crate) case: Case,
    pub(crate) clients: usize,
    pub(crate) targets: Vec<TargetName>,
}

/// What clients repeat in rounds beside something else that is measured in the same round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Repeated {
    pub(crate) clients: usize,
    pub(crate) rounds: usize,
    /// Of each part of a round.
    pub(crate) length: Duration,
}

/// The heats that `selection` leaves.
///
/// # Errors
/// A case that does not exist, or nothing left.
pub(crate) fn heats(selection: &Selection) -> anyhow::Result<Vec<Heat>> {
    for asked in &selection.cases {
        if !CASES.iter().any(|case| case.name == asked) {
            let known: Vec<&str> = CASES.iter().map(|case| case.name).collect();
            anyhow::bail!("there is no case {asked}; there are {}", known.join(", "));
        }
    }
    let wanted =
        |case: &&Case| selection.cases.is_empty() || selection.cases.iter().any(|name| name == case.name);
    let mut heats = Vec::new();
    for case in CASES.iter().filter(wanted) {
        let targets: Vec<TargetName> = case
            .targets
            .iter()
            .copied()
            .filter(|target| selection.targets.is_empty() || selection.targets.contains(target))
            .collect();
        let clients = case.clients.iter().copied();
        for clients in clients.filter(|n| selection.clients.is_empty() || selection.clients.contains(n)) {
            if !targets.is_empty() {
                heats.push(Heat { case: *case, clients, targets: targets.clone() });
            }
        }
    }
    if heats.is_empty() {
        anyhow::bail!("nothing of the plan is left to run");
    }
    Ok(heats)
}

/// The targets that `heats` need, each once.
pub(crate) fn needed(heats: &[Heat]) -> BTreeSet<TargetName> {
    heats.iter().flat_map(|heat| heat.targets.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_selected_means_the_whole_table() {
        let all = heats(&Selection::default()).unwrap();
        assert_eq!(all.len(), CASES.iter().map(|case| case.clients.len()).sum::<usize>());
        assert_eq!(needed(&all).len(), 6);
    }

    #[test]
    fn a_selection_narrows_cases_clients_and_targets_together() {
        let selection = Selection {
            cases: vec!["put-1k".to_owned(), "ws-get-1k".to_owned()],
            clients: vec![16],
            targets: vec![TargetName::Etcd],
        };
        let heats = heats(&selection).unwrap();
        assert_eq!(heats.len(), 1);
        assert_eq!((heats[0].case.name, heats[0].clients), ("put-1k", 16));
        assert_eq!(heats[0].targets, [TargetName::Etcd]);
    }

    #[test]
    fn an_unknown_case_and_an_empty_rest_are_refused() {
        assert!(heats(&Selection { cases: vec!["put-1m".to_owned()], ..Selection::default() }).is_err());
        assert!(heats(&Selection { clients: vec![17], ..Selection::default() }).is_err());
    }
}
