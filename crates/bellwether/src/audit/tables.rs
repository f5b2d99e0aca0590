//! The tables of a report: the same in a terminal, in Markdown and on a page.

use super::Report;

/// One table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    /// What stands above it.
    pub heading: &'static str,
    /// Why there is nothing in it, where there is nothing.
    pub why_empty: Option<&'static str>,
    /// Headings of its columns.
    pub columns: &'static [&'static str],
    /// A cell for each column.
    pub rows: Vec<Vec<String>>,
}

impl Report {
    /// All of them, in the order in which they are read.
    pub(crate) fn tables(&self) -> [Table; 7] {
        let dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let sprints = table(
            "Last sprints",
            self.empty.sprints,
            &[
                "squad",
                "sprint",
                "closed",
                "committed",
                "in production",
                "done",
                "scope change",
                "interrupts",
            ],
            &self.sprints,
            |line| {
                [
                    line.squad.clone(),
                    line.sprint.clone(),
                    line.closed_at.get(..10).unwrap_or_default().to_owned(),
                    line.committed.to_string(),
                    dash(&line.commit_reliability),
                    dash(&line.done),
                    dash(&line.scope_change),
                    dash(&line.interrupts),
                ]
            },
        );
        let drift = table(
            "Drift of commit reliability over these sprints",
            self.empty.drift,
            &["squad", "first", "last", "drift in points", "sprints", "rests on"],
            &self.drift,
            |line| {
                [
                    line.squad.clone(),
                    line.from.clone(),
                    line.to.clone(),
                    line.points.clone(),
                    line.sprints.to_string(),
                    line.rests_on.to_owned(),
                ]
            },
        );
        let load = table(
            "On-call load, rolling four weeks",
            self.empty.load,
            &[
                "squad",
                "top engineer",
                "pages a week",
                "median in four weeks",
                "ratio",
                "weekend people",
                "people",
            ],
            &self.load,
            |line| {
                [
                    line.squad.clone(),
                    line.top.clone(),
                    line.top_per_week.clone(),
                    line.median.clone(),
                    line.ratio.clone(),
                    line.weekend_people.to_string(),
                    line.people.to_string(),
                ]
            },
        );
        let triggers = table(
            "What would have fired",
            self.empty.triggers,
            &["rule", "squad", "subject", "at", "arithmetic"],
            &self.triggers,
            |line| [&line.rule, &line.squad, &line.subject, &line.at, &line.arithmetic].map(Clone::clone),
        );
        [sprints, drift, load, self.coverage(), self.dependencies(), triggers, self.cost()]
    }

    fn coverage(&self) -> Table {
        table(
            "Coverage: who responds for each system",
            self.empty.coverage,
            &["system", "squad", "responders", "verdict", "only responder"],
            &self.coverage,
            |line| {
                [
                    line.system.clone(),
                    line.squad.clone(),
                    line.responders.to_string(),
                    line.verdict.words().to_owned(),
                    line.only.clone().unwrap_or_else(|| "-".to_owned()),
                ]
            },
        )
    }

    fn dependencies(&self) -> Table {
        table(
            "Dependency breaches: held up by another squad for more than 48 hours",
            self.empty.dependencies,
            &["waits", "for", "ticket", "blocker", "since", "until", "hours"],
            &self.dependencies,
            |line| {
                [
                    line.consumer.clone(),
                    line.provider.clone(),
                    line.ticket.clone(),
                    line.blocker.clone(),
                    line.since.clone(),
                    line.until.clone().unwrap_or_else(|| "still open".to_owned()),
                    line.open_hours.to_string(),
                ]
            },
        )
    }

    fn cost(&self) -> Table {
        let dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        table(
            "Cost by your parameters",
            self.empty.cost,
            &["line", "a year", "a quarter", "published", "formula"],
            &self.cost,
            |line| {
                [
                    line.line.to_owned(),
                    dash(&line.per_year),
                    dash(&line.per_quarter),
                    dash(&line.published),
                    line.formula.clone(),
                ]
            },
        )
    }
}

/// A table with a row for each line. As many cells as columns: the compiler counts.
fn table<T, const N: usize>(
    heading: &'static str,
    why_empty: Option<&'static str>,
    columns: &'static [&'static str; N],
    lines: &[T],
    cells: impl Fn(&T) -> [String; N],
) -> Table {
    let rows = lines.iter().map(|line| Vec::from(cells(line))).collect();
    Table { heading, why_empty, columns, rows }
}
