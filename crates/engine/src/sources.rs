//! How far each source is complete, so that a dead connector never looks like a silent owner (R12).

use std::collections::BTreeMap;

use bellwether_model::{EventTime, Millis};
use serde::{Deserialize, Serialize};

/// Progress of all sources that ever published any.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sources(BTreeMap<String, EventTime>);

/// A source that is behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stale {
    /// Source URI.
    pub source: String,
    /// Complete through this instant only.
    pub complete_through: EventTime,
}

impl Sources {
    /// Notes progress. It never goes back.
    pub(crate) fn progressed(&mut self, source: &str, complete_through: EventTime) {
        match self.0.get_mut(source) {
            Some(known) => *known = (*known).max(complete_through),
            None => {
                self.0.insert(source.to_owned(), complete_through);
            }
        }
    }

    /// The first source, among those named (all when none is), that is not complete through `due` less `slack`.
    /// A source that never published progress holds nothing.
    pub(crate) fn stale<'a>(
        &self,
        named: impl IntoIterator<Item = &'a String>,
        due: EventTime,
        slack: Millis,
    ) -> Option<Stale> {
        let needed = due.minus(slack);
        let named: Vec<&String> = named.into_iter().collect();
        self.0
            .iter()
            .filter(|(source, _)| named.is_empty() || named.contains(source))
            .find(|(_, through)| **through < needed)
            .map(|(source, through)| Stale { source: source.clone(), complete_through: *through })
    }

    /// Every source and how far it is complete.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, EventTime)> {
        self.0.iter().map(|(source, through)| (source, *through))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUE: EventTime = EventTime::from_ms(10 * 3_600_000);

    fn stale(named: &[&str], sources: &[(&str, i64)]) -> Option<String> {
        let mut all = Sources::default();
        for (source, through) in sources {
            all.progressed(source, EventTime::from_ms(*through));
        }
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        all.stale(&named, DUE, Millis::minutes(15)).map(|stale| stale.source)
    }

    #[test]
    fn r12_a_source_complete_through_the_due_instant_less_the_slack_holds_nothing() {
        assert_eq!(stale(&[], &[("jira://a", DUE.ms() - 15 * 60_000)]), None);
        assert_eq!(stale(&[], &[("jira://a", DUE.ms() - 15 * 60_000 - 1)]), Some("jira://a".to_owned()));
    }

    #[test]
    fn r12_only_the_sources_mapped_to_the_squad_hold() {
        let sources = [("jira://a", 0), ("pagerduty://b", DUE.ms())];
        assert_eq!(stale(&["pagerduty://b"], &sources), None);
        assert_eq!(stale(&["jira://a"], &sources), Some("jira://a".to_owned()));
    }

    #[test]
    fn r12_a_source_that_never_published_progress_holds_nothing() {
        assert_eq!(stale(&["linear://c"], &[("jira://a", 0)]), None);
    }
}
