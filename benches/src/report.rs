//! Figures as they are shown: value, unit, target, met or missed; as text or as one JSON object.
//!
//! Invariant: a figure without a target never counts as met or missed, and a bench whose target is missed exits with 1.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A line for each figure.
    Text,
    /// One JSON object.
    Json,
}

/// What a figure must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

impl Target {
    fn is_met(self, value: f64) -> bool {
        match self {
            Target::AtMost(bound) => value <= bound,
            Target::AtLeast(bound) => value >= bound,
        }
    }

    fn words(self, unit: &str) -> String {
        match self {
            Target::AtMost(bound) => format!("at most {} {unit}", short(bound)),
            Target::AtLeast(bound) => format!("at least {} {unit}", short(bound)),
        }
    }
}

#[derive(Debug)]
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    target: Option<Target>,
}

/// The figures of one bench.
#[derive(Debug)]
pub struct Report {
    bench: &'static str,
    figures: Vec<Figure>,
    notes: Vec<String>,
}

impl Report {
    /// A report without figures.
    pub fn new(bench: &'static str) -> Self {
        Self { bench, figures: Vec::new(), notes: Vec::new() }
    }

    /// Adds a figure that is only told.
    pub fn figure(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.figures.push(Figure { name: name.into(), value, unit, target: None });
    }

    /// Adds a figure that has a target.
    pub fn judged(&mut self, name: impl Into<String>, value: f64, unit: &'static str, target: Target) {
        self.figures.push(Figure { name: name.into(), value, unit, target: Some(target) });
    }

    /// Adds what a reader must know about the figures.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Adds median, 99th percentile and maximum of some times in milliseconds; the 99th may have a target.
    pub fn spread(&mut self, name: &str, times: &mut [Duration], p99: Option<Target>) {
        self.figure(format!("{name}, p50"), millis(percentile(times, 50.0)), "ms");
        let value = millis(percentile(times, 99.0));
        match p99 {
            Some(target) => self.judged(format!("{name}, p99"), value, "ms", target),
            None => self.figure(format!("{name}, p99"), value, "ms"),
        }
        self.figure(format!("{name}, max"), millis(percentile(times, 100.0)), "ms");
    }

    /// Prints it; 1 when a target is missed.
    pub fn print(&self, format: Format) -> ExitCode {
        match format {
            Format::Text => self.print_text(),
            Format::Json => println!("{}", self.to_json()),
        }
        let missed = self.figures.iter().any(|f| f.target.is_some_and(|target| !target.is_met(f.value)));
        if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    fn print_text(&self) {
        println!("{}", self.bench);
        let width = self.figures.iter().map(|figure| figure.name.len()).max().unwrap_or(0);
        for figure in &self.figures {
            let verdict = figure.target.map_or_else(String::new, |target| {
                let met = if target.is_met(figure.value) { "met" } else { "MISSED" };
                format!("   target {}: {met}", target.words(figure.unit))
            });
            println!("  {:<width$}  {:>10} {}{verdict}", figure.name, short(figure.value), figure.unit);
        }
        for note in &self.notes {
            println!("  note: {note}");
        }
    }

    fn to_json(&self) -> Value {
        let figures: Vec<Value> = self
            .figures
            .iter()
            .map(|figure| {
                json!({
                    "name": figure.name,
                    "value": figure.value,
                    "unit": figure.unit,
                    "target": figure.target.map(|target| target.words(figure.unit)),
                    "met": figure.target.map(|target| target.is_met(figure.value)),
                })
            })
            .collect();
        json!({ "bench": self.bench, "figures": figures, "notes": self.notes })
    }
}

/// The value below which a share of the times lies; sorts them. Zero of none.
pub fn percentile(times: &mut [Duration], percent: f64) -> Duration {
    times.sort_unstable();
    let place = (times.len() as f64 * percent / 100.0) as usize;
    times.get(place.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// The middle of some values; sorts them. Zero of none.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Milliseconds.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Three figures or so, and no more digits than that is worth.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value == value.trunc() => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_99th_of_a_hundred_times_leaves_one_above() {
        let mut times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut times, 99.0), Duration::from_millis(100));
        assert_eq!(percentile(&mut times, 50.0), Duration::from_millis(51));
        assert_eq!(percentile(&mut [], 50.0), Duration::ZERO);
    }

    #[test]
    fn a_missed_target_is_told_in_both_forms() {
        let mut report = Report::new("test");
        report.judged("memory", 81.0, "MB", Target::AtMost(80.0));
        assert_eq!(report.print(Format::Text), ExitCode::FAILURE);
        assert_eq!(report.to_json()["figures"][0]["met"], json!(false));
    }
}
