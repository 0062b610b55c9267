//! The report as text: one line per target, then the floors.

use std::fmt::Write;

use super::floors::{Bound, Outcome, Verdict};
use super::{Cell, Figure, Report};

/// The whole report, ending in a newline.
pub(crate) fn render(report: &Report) -> String {
    let setting = &report.setting;
    let mut text = format!(
        "{} cores, load average {} at the start; {} rounds of {:.1} s interleaved; {} generator threads{}\n\
         rate and server CPU: best / median of the rounds; latencies: median of the rounds;\n\
         own: the generator's processor time per operation on the same cores\n",
        setting.cores,
        setting.load_average,
        setting.rounds,
        setting.seconds,
        setting.generator_threads,
        if setting.pinned { "; servers on core 0, generator on core 1" } else { "" },
    );
    let mut lines = vec![
        [
            "case",
            "clients",
            "target",
            "op/s",
            "p50 ms",
            "p99 ms",
            "p99.9 ms",
            "CPU us/op",
            "own",
            "MiB",
            "disk MiB",
            "errors",
        ]
        .map(str::to_owned),
    ];
    lines.extend(report.cells.iter().map(line));
    push_aligned(&mut text, &lines);
    push_errors(&mut text, &report.cells);
    push_floors(&mut text, &report.floors);
    text
}

/// Floors as lines of text.
pub(crate) fn push_floors(text: &mut String, floors: &[Verdict]) {
    if floors.is_empty() {
        return;
    }
    text.push('\n');
    let mut lines = vec![["floor", "wanted", "of medians", "of bests", ""].map(str::to_owned)];
    for verdict in floors {
        let wanted = match verdict.bound {
            Bound::AtLeast(least) => format!("at least {least}"),
            Bound::AtMost(most) => format!("at most {most}"),
        };
        let outcome = match verdict.outcome {
            Outcome::Met => "met",
            Outcome::MetAtBest => "met at best",
            Outcome::Missed => "MISSED",
        };
        let (medians, bests) = (format!("{:.2}", verdict.of_medians), format!("{:.2}", verdict.of_bests));
        lines.push([verdict.what.clone(), wanted, medians, bests, outcome.to_owned()]);
    }
    push_aligned(text, &lines);
}

fn line(cell: &Cell) -> [String; 12] {
    let best_and_median = |figure, digits: usize| match (cell.best(figure), cell.median(figure)) {
        (Some(best), Some(median)) => format!("{best:.digits$} / {median:.digits$}"),
        _ => "-".to_owned(),
    };
    let ms = |figure| cell.median(figure).map_or("-".to_owned(), |us| format!("{:.2}", us / 1_000.0));
    let mib =
        |bytes: Option<u64>| bytes.map_or("-".to_owned(), |bytes| format!("{:.1}", bytes as f64 / 1048576.0));
    let last = cell.rounds.last();
    let failed: u64 = cell.rounds.iter().map(|round| round.failed).sum();
    let refused: u64 = cell.rounds.iter().map(|round| round.refused).sum();
    [
        cell.case.to_owned(),
        cell.clients.to_string(),
        cell.target.text().to_owned(),
        best_and_median(Figure::Rate, 0),
        ms(Figure::P50),
        ms(Figure::P99),
        ms(Figure::P999),
        best_and_median(Figure::ServerCpu, 1),
        cell.median(Figure::GeneratorCpu).map_or("-".to_owned(), |us| format!("{us:.1}")),
        mib(last.map(|round| round.resident_bytes)),
        mib(last.and_then(|round| round.disk_bytes)),
        if refused == 0 { failed.to_string() } else { format!("{failed} ({refused} refused)") },
    ]
}

fn push_errors(text: &mut String, cells: &[Cell]) {
    for cell in cells {
        if let Some(error) = cell.rounds.iter().find_map(|round| round.first_error.as_ref()) {
            let _ = writeln!(text, "first error of {} in {}: {error}", cell.target.text(), cell.case);
        }
    }
}

/// Columns as wide as their widest entry, two blanks between.
pub(crate) fn push_aligned<const N: usize>(text: &mut String, lines: &[[String; N]]) {
    let widths: [usize; N] =
        std::array::from_fn(|column| lines.iter().map(|line| line[column].len()).max().unwrap_or(0));
    for line in lines {
        let padded: Vec<String> =
            line.iter().zip(widths).map(|(entry, width)| format!("{entry:width$}")).collect();
        let _ = writeln!(text, "{}", padded.join("  ").trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cell, round};
    use super::super::{Setting, floors};
    use super::*;
    use crate::plan::TargetName;

    #[test]
    fn a_report_names_its_figures_its_errors_and_its_floors() {
        let mut failing = round(50.0, 3_000.0, 100.0);
        failing.failed = 2;
        failing.first_error = Some("connection reset".to_owned());
        let cells = vec![
            cell(TargetName::Strongroom, vec![round(100.0, 2_000.0, 40.0)]),
            cell(TargetName::Etcd, vec![failing]),
        ];
        let floors = floors::judge(&cells);
        let setting = Setting {
            cores: 2,
            load_average: "0.10".to_owned(),
            rounds: 1,
            seconds: 3.0,
            generator_threads: 2,
            pinned: false,
        };
        let text = render(&Report { setting, cells, floors });
        for part in ["100 / 100", "2.00", "40.0 / 40.0", "connection reset", "at least 2", "met"] {
            assert!(text.contains(part), "{part} is missing from\n{text}");
        }
    }
}
