//! The report as one page for a browser: nothing is fetched, no script runs, so that it can be mailed and kept.
//!
//! Invariant: whatever comes from exports is escaped.

use std::fmt::Write as _;

use super::tables::Table;
use super::{LoadLine, Report, SprintLine};

/// Width of one bar with its gap, and height of a full one, in pixels.
const BAR: (usize, usize) = (84, 120);

/// Colours of both schemes by the browser's own, and one accent.
const STYLE: &str = "\
:root{color-scheme:light dark;--accent:#2f6f9f;--faint:#8888881f}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}h3{font-size:1rem;margin:1rem 0 .2rem}
table{border-collapse:collapse;display:block;overflow-x:auto}
th,td{text-align:left;padding:.3rem .7rem;border-bottom:1px solid var(--faint)}
svg text{font-size:11px;fill:currentColor}svg rect{fill:var(--accent)}svg .full{fill:var(--faint)}
.charts{display:flex;flex-wrap:wrap;gap:0 2.5rem}.none,li{opacity:.85}";

/// The page.
pub(crate) fn page(report: &Report) -> String {
    let mut out = String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width\"><title>Bellwether audit</title>\n");
    let _ = write!(out, "<style>\n{STYLE}\n</style></head><body>\n<h1>Bellwether audit</h1>\n");
    if let Some(risk) = &report.next_risk {
        let _ = writeln!(out, "<p><strong>Next attrition risk:</strong> {}</p>", escaped(risk));
    }
    let [sprints, drift, of_load, coverage, dependencies, triggers, cost] = report.tables();
    section(&mut out, &sprints, |out| {
        out.push_str("<div class=\"charts\">\n");
        report.sprints.chunk_by(|a, b| a.id == b.id).for_each(|lines| reliability(out, lines));
        out.push_str("</div>\n");
    });
    section(&mut out, &drift, |_| {});
    section(&mut out, &of_load, |out| load(out, &report.load));
    for table in [coverage, dependencies, triggers, cost] {
        section(&mut out, &table, |_| {});
    }
    out.push_str("<h2>Assumed, and not seen</h2>\n<ul>\n");
    for note in &report.notes {
        let _ = writeln!(out, "<li>{}</li>", escaped(note));
    }
    out.push_str("</ul>\n</body></html>");
    out
}

/// A table with what is drawn above it, or why there is none.
fn section(out: &mut String, table: &Table, charts: impl FnOnce(&mut String)) {
    let _ = writeln!(out, "<h2>{}</h2>", table.heading);
    if let Some(why) = table.why_empty {
        let _ = writeln!(out, "<p class=\"none\">None: {}</p>", escaped(why));
        return;
    }
    charts(out);
    let cells = |tag: &str, cells: &mut dyn Iterator<Item = &str>| -> String {
        cells.map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect()
    };
    let columns = cells("th", &mut table.columns.iter().copied());
    let _ = writeln!(out, "<table><thead><tr>{columns}</tr></thead><tbody>");
    for row in &table.rows {
        let _ = writeln!(out, "<tr>{}</tr>", cells("td", &mut row.iter().map(String::as_str)));
    }
    out.push_str("</tbody></table>\n");
}

/// One squad's reliability, sprint by sprint.
fn reliability(out: &mut String, lines: &[SprintLine]) {
    let Some(first) = lines.first() else { return };
    let bars = lines.iter().map(|line| Bar {
        share: line.reliability.map(|ratio| ratio.to_f64()),
        value: line.commit_reliability.as_ref().or(line.done.as_ref()).map_or("-", String::as_str),
        name: &line.sprint,
    });
    let bars: Vec<Bar<'_>> = bars.collect();
    chart(out, &format!("{}: {}", first.squad, first.rests_on), &bars);
}

/// Pages a week of each squad's top engineer, beside each other.
fn load(out: &mut String, lines: &[LoadLine]) {
    let per_week = |line: &LoadLine| line.top_per_week.parse::<f64>().unwrap_or_default();
    let most = lines.iter().map(per_week).fold(0.0, f64::max);
    let bars = lines.iter().map(|line| Bar {
        share: (most > 0.0).then(|| per_week(line) / most),
        value: &line.top_per_week,
        name: &line.squad,
    });
    let bars: Vec<Bar<'_>> = bars.collect();
    chart(out, "Pages a week of the top engineer", &bars);
}

/// One bar: how much of the full height, what stands above it and below it.
struct Bar<'a> {
    share: Option<f64>,
    value: &'a str,
    name: &'a str,
}

fn chart(out: &mut String, title: &str, bars: &[Bar<'_>]) {
    let ((step, full), title) = (BAR, escaped(title));
    let (width, height) = (step * bars.len(), full + 40);
    let _ = writeln!(out, "<figure><h3>{title}</h3>");
    let _ = writeln!(out, "<svg role=\"img\" width=\"{width}\" height=\"{height}\"><title>{title}</title>");
    for (place, bar) in bars.iter().enumerate() {
        // Above 100 % the bar is full; the number above it says how much it is.
        let tall = bar.share.unwrap_or_default().clamp(0.0, 1.0) * full as f64;
        let (x, top, below) = (place * step, 18.0 + full as f64 - tall, full + 34);
        let wide = step - 16;
        let _ = write!(out, "<rect class=\"full\" x=\"{x}\" y=\"18\" width=\"{wide}\" height=\"{full}\"/>");
        let _ = write!(out, "<rect x=\"{x}\" y=\"{top:.1}\" width=\"{wide}\" height=\"{tall:.1}\"/>");
        let _ = write!(out, "<text x=\"{x}\" y=\"12\">{}</text>", escaped(bar.value));
        let short = short(bar.name);
        let _ = writeln!(out, "<text x=\"{x}\" y=\"{below}\">{}</text>", escaped(&short));
    }
    out.push_str("</svg></figure>\n");
}

/// A name as it fits under a bar; one that was cut says so.
fn short(name: &str) -> String {
    const FITS: usize = 12;
    if name.chars().count() <= FITS {
        return name.to_owned();
    }
    let begin: String = name.chars().take(FITS - 1).collect();
    format!("{}\u{2026}", begin.trim_end())
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_too_long_for_its_bar_is_cut_and_says_so() {
        for (name, shown) in [
            ("Engine", "Engine"),
            ("PAY Sprint 4", "PAY Sprint 4"),
            ("Payments board", "Payments bo\u{2026}"),
        ] {
            assert_eq!(short(name), shown);
        }
        assert_eq!(short("Checkout in Asia"), "Checkout in\u{2026}");
    }
}
