//! How Jira payloads become events, as data: what differs from site to site.

use std::collections::BTreeMap;

use bellwether_wire::pb;

use crate::rules::InterruptRules;

/// How Jira payloads become events.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// Ids of the fields that hold story points, best first. An import finds further ones; webhooks know only these
    /// and what a change itself names.
    pub points_fields: Vec<String>,
    /// Ids of the fields that hold a T-shirt size.
    pub size_fields: Vec<String>,
    /// Which tickets are interrupt work.
    pub interrupts: InterruptRules,
    /// Names of resolutions and statuses that mean that nothing will come of a ticket.
    pub cancelled: Vec<String>,
    /// Categories of statuses, by id or by name, where the site's own are wrong.
    pub categories: BTreeMap<String, pb::StatusCategory>,
    /// Phrases of links that mean that a ticket is held up by the other one.
    pub blocking_links: Vec<String>,
}

/// Ids that sites use for story points when nobody tells: Cloud's team-managed estimate first.
pub(crate) const KNOWN_POINTS_FIELDS: &[&str] =
    &["customfield_10016", "customfield_10026", "customfield_10028", "customfield_10036"];

impl Default for Mapping {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        Self {
            points_fields: Vec::new(),
            size_fields: Vec::new(),
            interrupts: InterruptRules::default(),
            cancelled: words(&[
                "cancelled",
                "canceled",
                "won't do",
                "won't fix",
                "wont do",
                "wontfix",
                "duplicate",
                "declined",
                "rejected",
                "abandoned",
                "obsolete",
                "invalid",
                "cannot reproduce",
                "not a bug",
            ]),
            categories: BTreeMap::new(),
            blocking_links: words(&["is blocked by"]),
        }
    }
}

impl Mapping {
    /// True when the name of a status or resolution means cancelled.
    pub(crate) fn is_cancelled(&self, name: &str) -> bool {
        let name = name.to_lowercase().replace('\u{2019}', "'");
        self.cancelled.iter().any(|word| word.to_lowercase() == name)
    }

    /// True when the phrase of a link means that this ticket is held up by the other.
    pub(crate) fn is_blocking(&self, phrase: &str) -> bool {
        let phrase = phrase.to_lowercase();
        self.blocking_links.iter().any(|blocking| phrase.contains(&blocking.to_lowercase()))
    }
}
