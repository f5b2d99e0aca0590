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
    /// Sprints, drift, load and triggers, in the order in which they are read.
    pub(crate) fn tables(&self) -> [Table; 4] {
        [self.of_sprints(), self.of_drift(), self.of_load(), self.of_triggers()]
    }

    fn of_sprints(&self) -> Table {
        let dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let rows = self.sprints.iter().map(|line| {
            vec![
                line.squad.clone(),
                line.sprint.clone(),
                line.closed_at.get(..10).unwrap_or_default().to_owned(),
                line.committed.to_string(),
                dash(&line.commit_reliability),
                dash(&line.done),
                dash(&line.scope_change),
                dash(&line.interrupts),
            ]
        });
        Table {
            heading: "Last sprints",
            why_empty: self.empty.sprints,
            columns: &[
                "squad",
                "sprint",
                "closed",
                "committed",
                "in production",
                "done",
                "scope change",
                "interrupts",
            ],
            rows: rows.collect(),
        }
    }

    fn of_drift(&self) -> Table {
        let rows = self.drift.iter().map(|line| {
            vec![
                line.squad.clone(),
                line.from.clone(),
                line.to.clone(),
                line.points.clone(),
                line.sprints.to_string(),
                line.rests_on.to_owned(),
            ]
        });
        Table {
            heading: "Drift of commit reliability over these sprints",
            why_empty: self.empty.drift,
            columns: &["squad", "first", "last", "drift in points", "sprints", "rests on"],
            rows: rows.collect(),
        }
    }

    fn of_load(&self) -> Table {
        let rows = self.load.iter().map(|line| {
            vec![
                line.squad.clone(),
                line.top.clone(),
                line.top_per_week.clone(),
                line.median.clone(),
                line.ratio.clone(),
                line.weekend_people.to_string(),
                line.people.to_string(),
            ]
        });
        Table {
            heading: "On-call load, rolling four weeks",
            why_empty: self.empty.load,
            columns: &[
                "squad",
                "top engineer",
                "pages a week",
                "median in four weeks",
                "ratio",
                "weekend people",
                "people",
            ],
            rows: rows.collect(),
        }
    }

    fn of_triggers(&self) -> Table {
        let rows = self.triggers.iter().map(|line| {
            [&line.rule, &line.squad, &line.subject, &line.at, &line.arithmetic].map(Clone::clone).to_vec()
        });
        Table {
            heading: "What would have fired",
            why_empty: self.empty.triggers,
            columns: &["rule", "squad", "subject", "at", "arithmetic"],
            rows: rows.collect(),
        }
    }
}
