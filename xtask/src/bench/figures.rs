//! What was measured, as a table: median, least and most of several runs, the real server's figure beside it.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// One line of the table.
pub(super) struct Figure {
    /// What was measured.
    pub(super) name: String,
    /// `ms`, `MB`, `1/s`, ...
    pub(super) unit: &'static str,
    /// Each run.
    pub(super) ours: Vec<f64>,
    /// Each run against the real server; empty where there is none.
    pub(super) peer: Vec<f64>,
    /// What is asked, as text; empty when nothing is.
    pub(super) goal: &'static str,
}

impl Figure {
    pub(super) fn new(name: impl Into<String>, unit: &'static str, ours: Vec<f64>) -> Figure {
        Figure { name: name.into(), unit, ours, peer: Vec::new(), goal: "" }
    }

    pub(super) fn goal(self, goal: &'static str) -> Figure {
        Figure { goal, ..self }
    }

    /// The peer's median by ours.
    fn ratio(&self) -> Option<f64> {
        let (ours, peer) = (median(&self.ours)?, median(&self.peer)?);
        (ours > 0.0).then_some(peer / ours)
    }

    pub(super) fn json(&self) -> Value {
        json!({"name": self.name, "unit": self.unit, "goal": self.goal, "windlass": runs(&self.ours), "real": runs(&self.peer), "ratio": self.ratio()})
    }
}

fn runs(values: &[f64]) -> Value {
    let Some(median) = median(values) else { return Value::Null };
    json!({"median": median, "min": least(values), "max": most(values), "runs": values})
}

/// The middle one of the sorted values; the mean of the two in the middle where their number is even.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => sorted.get(middle).copied(),
        _ => Some(f64::midpoint(*sorted.get(middle - 1)?, *sorted.get(middle)?)),
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// A number with as many digits as mean something.
fn number(value: f64) -> String {
    let digits = if value.abs() >= 100.0 { 0 } else { usize::from(value.fract() != 0.0) };
    format!("{value:.digits$}")
}

fn cell(values: &[f64], unit: &str) -> String {
    match (median(values), values.len()) {
        (None, _) => "-".to_owned(),
        (Some(only), 1) => format!("{} {unit}", number(only)),
        (Some(middle), _) => format!("{} {unit} ({}-{})", number(middle), number(least(values)), number(most(values))),
    }
}

/// All lines as Markdown.
pub(super) fn table(figures: &[Figure]) -> String {
    let mut text = String::from("| what | Windlass | real server | real / Windlass | goal |\n|---|---|---|---|---|\n");
    for figure in figures {
        let ratio = figure.ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.1}"));
        let (ours, peer) = (cell(&figure.ours, figure.unit), cell(&figure.peer, figure.unit));
        // Writing to a string cannot fail.
        writeln!(text, "| {} | {ours} | {peer} | {ratio} | {} |", figure.name, figure.goal).ok();
    }
    text
}

/// Puts text between the two markers of a page.
pub(super) fn between(page: &str, start: &str, end: &str, text: &str) -> Result<String> {
    let (before, rest) = page.split_once(start).with_context(|| format!("the page has no line `{start}`"))?;
    let (_, after) = rest.split_once(end).with_context(|| format!("the page has no line `{end}`"))?;
    Ok(format!("{before}{start}\n{text}{end}{after}"))
}

/// A field of `/proc/PID/status` in megabytes (of 1,000,000 bytes; the kernel counts in 1,024).
pub(super) fn megabytes(status: &str, field: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::{Figure, between, median, megabytes, table};

    #[test]
    fn the_median_is_the_middle_of_the_sorted() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
    }

    #[test]
    fn a_field_of_the_status_is_read_in_megabytes() {
        let status = "Name:\tx\nVmHWM:\t   9999 kB\nVmRSS:\t   50000 kB\n";
        assert_eq!(megabytes(status, "VmRSS"), Some(51.2));
        assert_eq!(megabytes(status, "Vm"), None);
    }

    #[test]
    fn a_line_shows_median_range_and_ratio() {
        let alone = Figure::new("pages", "ms", vec![1.25]).goal("≤ 50 ms");
        let both = Figure { peer: vec![400.0], ..Figure::new("start", "ms", vec![90.0, 100.0, 120.0]) };
        insta::assert_snapshot!(table(&[alone, both]), @r"
        | what | Windlass | real server | real / Windlass | goal |
        |---|---|---|---|---|
        | pages | 1.2 ms | - | - | ≤ 50 ms |
        | start | 100 ms (90-120) | 400 ms | 4.0 |  |
        ");
    }

    #[test]
    fn only_what_is_between_the_markers_is_replaced() {
        assert_eq!(between("a\n<s>\nold\n<e>\nb", "<s>", "<e>", "new\n").expect("markers"), "a\n<s>\nnew\n<e>\nb");
        assert!(between("a", "<s>", "<e>", "new").is_err());
    }
}
