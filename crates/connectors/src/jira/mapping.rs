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
    /// Ids of the fields that hold the sprints of a ticket; none for whatever holds values that are sprints. Needed where
    /// another application's field holds sprints too.
    pub sprint_fields: Vec<String>,
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
            sprint_fields: Vec::new(),
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

    /// True when a custom field is one that holds sprints.
    pub(crate) fn is_sprint_field(&self, id: &str) -> bool {
        self.sprint_fields.is_empty() || self.sprint_fields.iter().any(|field| field == id)
    }

    /// True when a change is one of the sprint field: by its id where ids are configured and told, else by its name.
    pub(crate) fn is_sprint_change(&self, name: &str, id: Option<&str>) -> bool {
        match id {
            Some(id) if !self.sprint_fields.is_empty() => self.is_sprint_field(id),
            Some(_) | None => name == "sprint",
        }
    }

    /// True when the phrase of a link means that this ticket is held up by the other.
    pub(crate) fn is_blocking(&self, phrase: &str) -> bool {
        let phrase = phrase.to_lowercase();
        self.blocking_links.iter().any(|blocking| phrase.contains(&blocking.to_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_sprint_field_counts_whatever_its_name_and_no_other_does() {
        let any = Mapping::default();
        assert!(any.is_sprint_field("customfield_1"));
        assert!(any.is_sprint_change("sprint", Some("customfield_1")));
        assert!(!any.is_sprint_change("iteration", Some("customfield_1")));

        let told = Mapping { sprint_fields: vec!["customfield_2".to_owned()], ..Mapping::default() };
        assert!(!told.is_sprint_field("customfield_1"));
        assert!(!told.is_sprint_change("sprint", Some("customfield_1")));
        assert!(told.is_sprint_change("iteration", Some("customfield_2")));
        assert!(told.is_sprint_change("sprint", None), "an old history carries no ids");
    }
}
