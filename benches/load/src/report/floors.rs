//! The ratios that Strongroom is expected to reach, and whether a run reached them.
//!
//! A floor is *met* when the medians of the rounds meet it, *met at best* when only the best rounds do, which says
//! that the machine was too restless to tell, and *missed* otherwise. Nothing fails on a missed floor: a timed
//! assertion would turn a neighbour's work into a broken build.

use serde::Serialize;

use super::{Cell, Figure};
use crate::plan::TargetName;

/// One expectation on a ratio of ours to a peer's.
#[derive(Debug, Clone, Copy)]
struct Floor {
    case: &'static str,
    clients: &'static [usize],
    ours: TargetName,
    peer: TargetName,
    figure: Figure,
    bound: Bound,
}

/// Which side of a number is good.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// How a floor came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Met,
    MetAtBest,
    Missed,
}

/// A floor beside what was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Verdict {
    pub(crate) what: String,
    pub(crate) bound: Bound,
    pub(crate) of_medians: f64,
    pub(crate) of_bests: f64,
    pub(crate) outcome: Outcome,
}

const fn floor(
    case: &'static str,
    clients: &'static [usize],
    ours: TargetName,
    peer: TargetName,
    figure: Figure,
    bound: Bound,
) -> Floor {
    Floor { case, clients, ours, peer, figure, bound }
}

const FLOORS: &[Floor] = {
    use Bound::{AtLeast, AtMost};
    use Figure::{P99, Rate, ServerCpu};
    use TargetName::{Echo, Etcd, Hello, Postgres, Strongroom, StrongroomWs};
    &[
        floor("put-1k", &[16], Strongroom, Etcd, Rate, AtLeast(2.0)),
        floor("put-1k", &[64], Strongroom, Etcd, Rate, AtLeast(1.5)),
        floor("put-1k", &[64], Strongroom, Postgres, Rate, AtLeast(0.7)),
        floor("put-1k", &[16, 64], Strongroom, Etcd, ServerCpu, AtMost(0.5)),
        floor("put-100k", &[16, 64], Strongroom, Etcd, Rate, AtLeast(1.5)),
        floor("open-put-1k", &[64], Strongroom, Etcd, P99, AtMost(0.6)),
        floor("get-1k", &[16, 64, 256], Strongroom, Hello, Rate, AtLeast(0.6)),
        floor("get-1k", &[16, 64, 256], Strongroom, Etcd, Rate, AtLeast(5.0)),
        floor("ws-get-1k", &[16, 256], StrongroomWs, Echo, Rate, AtLeast(0.6)),
    ]
};

impl Bound {
    /// Whether `value` is on the good side.
    pub(crate) fn holds(self, value: f64) -> bool {
        match self {
            Bound::AtLeast(least) => value >= least,
            Bound::AtMost(most) => value <= most,
        }
    }
}

impl Verdict {
    /// Judges a figure of which there is a median and a best.
    pub(crate) fn new(what: String, bound: Bound, of_medians: f64, of_bests: f64) -> Verdict {
        let outcome = match (bound.holds(of_medians), bound.holds(of_bests)) {
            (true, _) => Outcome::Met,
            (false, true) => Outcome::MetAtBest,
            (false, false) => Outcome::Missed,
        };
        Verdict { what, bound, of_medians, of_bests, outcome }
    }

    /// Judges a ratio that every round has.
    pub(crate) fn of_rounds<R>(what: &str, bound: Bound, rounds: &[R], of: impl Fn(&R) -> f64) -> Verdict {
        let mut ratios: Vec<f64> = rounds.iter().map(of).collect();
        ratios.sort_by(f64::total_cmp);
        let best = match bound {
            Bound::AtMost(_) => ratios.first(),
            Bound::AtLeast(_) => ratios.last(),
        };
        let median = ratios.get(ratios.len() / 2);
        let [median, best] = [median, best].map(|ratio| ratio.copied().unwrap_or(f64::NAN));
        Verdict::new(what.to_owned(), bound, median, best)
    }
}

/// Holds `cells` against every floor of which both sides were measured.
pub(crate) fn judge(cells: &[Cell]) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for floor in FLOORS {
        for clients in floor.clients {
            let find = |target| {
                cells.iter().find(|cell| {
                    (cell.case, cell.clients, cell.target) == (floor.case, *clients, target)
                        && !cell.rounds.is_empty()
                })
            };
            let (Some(ours), Some(peer)) = (find(floor.ours), find(floor.peer)) else { continue };
            let ratio = |of: fn(&Cell, Figure) -> Option<f64>| {
                Some(of(ours, floor.figure)? / of(peer, floor.figure)?)
            };
            let (Some(of_medians), Some(of_bests)) = (ratio(Cell::median), ratio(Cell::best)) else {
                continue;
            };
            let figure = match floor.figure {
                Figure::Rate => "rate",
                Figure::P50 => "p50",
                Figure::P99 => "p99",
                Figure::P999 => "p99.9",
                Figure::ServerCpu => "server CPU per operation",
                Figure::GeneratorCpu => "generator CPU per operation",
            };
            let (ours, peer) = (floor.ours.text(), floor.peer.text());
            let what = format!("{} at {clients} clients: {figure}, {ours} / {peer}", floor.case);
            verdicts.push(Verdict::new(what, floor.bound, of_medians, of_bests));
        }
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cell, round};
    use super::*;

    fn outcome(ours: [f64; 3], peer: [f64; 3]) -> Outcome {
        let rounds = |rates: [f64; 3]| rates.map(|rate| round(rate, 1.0, 1.0)).to_vec();
        let cells = [cell(TargetName::Strongroom, rounds(ours)), cell(TargetName::Etcd, rounds(peer))];
        let verdicts = judge(&cells);
        let rate = verdicts.iter().find(|verdict| verdict.what.contains("rate")).unwrap();
        rate.outcome
    }

    #[test]
    fn a_floor_is_met_by_medians_met_at_best_by_bests_and_missed_by_neither() {
        assert_eq!(outcome([10.0, 20.0, 30.0], [10.0, 10.0, 20.0]), Outcome::Met);
        assert_eq!(outcome([10.0, 10.0, 40.0], [10.0, 10.0, 20.0]), Outcome::MetAtBest);
        assert_eq!(outcome([10.0, 10.0, 39.0], [10.0, 10.0, 20.0]), Outcome::Missed);
    }

    #[test]
    fn a_cost_is_good_when_it_is_low() {
        let cells = [
            cell(TargetName::Strongroom, vec![round(1.0, 1.0, 4.0)]),
            cell(TargetName::Etcd, vec![round(1.0, 1.0, 10.0)]),
        ];
        let verdicts = judge(&cells);
        let cpu = verdicts.iter().find(|verdict| verdict.what.contains("CPU")).unwrap();
        assert_eq!((cpu.of_medians, cpu.outcome), (0.4, Outcome::Met));
    }

    #[test]
    fn a_floor_without_its_peer_is_not_judged() {
        assert!(judge(&[cell(TargetName::Strongroom, vec![round(1.0, 1.0, 1.0)])]).is_empty());
    }

    #[test]
    fn every_floor_names_a_case_of_the_plan_with_both_its_targets() {
        for floor in FLOORS {
            let case = crate::plan::CASES.iter().find(|case| case.name == floor.case).unwrap();
            assert!(
                case.targets.contains(&floor.ours) && case.targets.contains(&floor.peer),
                "{}",
                floor.case
            );
            assert!(floor.clients.iter().all(|clients| case.clients.contains(clients)), "{}", floor.case);
        }
    }
}
