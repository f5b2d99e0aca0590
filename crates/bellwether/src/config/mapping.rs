//! How each source's payloads become events, as a file says it: the keys of `[mapping.*]`, and of the `mapping` of one
//! source of `[[connect.*]]`.
//!
//! What it is not: the mapping. Every key is optional here; what is not said for one source is said for all of its
//! kind, and in the end by the connector's own defaults, which a test holds equal to `defaults.toml`.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_connectors::rules::InterruptRules;
use bellwether_connectors::{jira, linear, pagerduty};
use bellwether_wire::pb;
use serde::Deserialize;

/// Mappings of all sources of a kind.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Mappings {
    /// Jira.
    pub jira: JiraMapping,
    /// Linear.
    pub linear: LinearMapping,
    /// PagerDuty.
    pub pagerduty: PagerDutyMapping,
}

/// Jira.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct JiraMapping {
    /// Ids of the fields of story points.
    pub points_fields: Option<Vec<String>>,
    /// Ids of the fields of sprints.
    pub sprint_fields: Option<Vec<String>>,
    /// Ids of the fields of T-shirt sizes.
    pub size_fields: Option<Vec<String>>,
    /// Statuses and resolutions that mean cancelled.
    pub cancelled: Option<Vec<String>>,
    /// Categories of statuses, by id or name.
    pub categories: BTreeMap<String, Category>,
    /// Phrases of links that hold a ticket up.
    pub blocking_links: Option<Vec<String>>,
    /// Labels of interrupt work.
    pub interrupt_labels: Option<Vec<String>>,
    /// Types of interrupt work.
    pub interrupt_types: Option<Vec<String>>,
    /// Priorities of interrupt work.
    pub interrupt_priorities: Option<Vec<String>>,
}

/// Linear.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct LinearMapping {
    /// True when an issue with a parent is a sub-task.
    pub sub_issues_are_sub_tasks: Option<bool>,
    /// Ids of teams that estimate in T-shirt sizes.
    pub t_shirt_teams: Option<BTreeSet<String>>,
    /// Labels of interrupt work.
    pub interrupt_labels: Option<Vec<String>>,
    /// Priorities of interrupt work.
    pub interrupt_priorities: Option<Vec<String>>,
}

/// PagerDuty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct PagerDutyMapping {
    /// Ids of services that only drills use.
    pub test_services: Option<BTreeSet<String>>,
}

/// Where a status stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Category {
    /// Not begun.
    Todo,
    /// Begun.
    InProgress,
    /// Finished.
    Done,
    /// Nothing will come of it.
    Cancelled,
}

impl Category {
    fn on_the_wire(self) -> pb::StatusCategory {
        match self {
            Self::Todo => pb::StatusCategory::Todo,
            Self::InProgress => pb::StatusCategory::InProgress,
            Self::Done => pb::StatusCategory::Done,
            Self::Cancelled => pb::StatusCategory::Cancelled,
        }
    }
}

/// What one source says, else what all of its kind say, else what the connector says.
fn first<T: Clone>(own: Option<&T>, of_all: Option<&T>, default: T) -> T {
    own.or(of_all).cloned().unwrap_or(default)
}

impl JiraMapping {
    /// The mapping of a site that says this, where all sites say `of_all`.
    pub(crate) fn over(&self, of_all: &Self) -> jira::Mapping {
        let default = jira::Mapping::default();
        let rules = default.interrupts;
        let mut categories = default.categories;
        for (status, category) in of_all.categories.iter().chain(&self.categories) {
            categories.insert(status.clone(), category.on_the_wire());
        }
        jira::Mapping {
            points_fields: first(
                self.points_fields.as_ref(),
                of_all.points_fields.as_ref(),
                default.points_fields,
            ),
            sprint_fields: first(
                self.sprint_fields.as_ref(),
                of_all.sprint_fields.as_ref(),
                default.sprint_fields,
            ),
            size_fields: first(self.size_fields.as_ref(), of_all.size_fields.as_ref(), default.size_fields),
            interrupts: InterruptRules {
                labels: first(self.interrupt_labels.as_ref(), of_all.interrupt_labels.as_ref(), rules.labels),
                types: first(self.interrupt_types.as_ref(), of_all.interrupt_types.as_ref(), rules.types),
                priorities: first(
                    self.interrupt_priorities.as_ref(),
                    of_all.interrupt_priorities.as_ref(),
                    rules.priorities,
                ),
            },
            cancelled: first(self.cancelled.as_ref(), of_all.cancelled.as_ref(), default.cancelled),
            categories,
            blocking_links: first(
                self.blocking_links.as_ref(),
                of_all.blocking_links.as_ref(),
                default.blocking_links,
            ),
        }
    }

    /// The keys that hold ids of custom fields, with what they say.
    pub(crate) fn field_ids(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let named = [
            ("points-fields", &self.points_fields),
            ("sprint-fields", &self.sprint_fields),
            ("size-fields", &self.size_fields),
        ];
        named.into_iter().flat_map(|(key, ids)| ids.iter().flatten().map(move |id| (key, id)))
    }
}

impl LinearMapping {
    /// The mapping of a workspace that says this, where all workspaces say `of_all`.
    pub(crate) fn over(&self, of_all: &Self) -> linear::Mapping {
        let default = linear::Mapping::default();
        let rules = default.interrupts;
        linear::Mapping {
            interrupts: InterruptRules {
                labels: first(self.interrupt_labels.as_ref(), of_all.interrupt_labels.as_ref(), rules.labels),
                types: rules.types,
                priorities: first(
                    self.interrupt_priorities.as_ref(),
                    of_all.interrupt_priorities.as_ref(),
                    rules.priorities,
                ),
            },
            sub_issues_are_sub_tasks: first(
                self.sub_issues_are_sub_tasks.as_ref(),
                of_all.sub_issues_are_sub_tasks.as_ref(),
                default.sub_issues_are_sub_tasks,
            ),
            t_shirt_teams: first(
                self.t_shirt_teams.as_ref(),
                of_all.t_shirt_teams.as_ref(),
                default.t_shirt_teams,
            ),
        }
    }
}

impl PagerDutyMapping {
    /// The mapping of an account that says this, where all accounts say `of_all`; the key is not of the configuration alone.
    pub(crate) fn over(&self, of_all: &Self) -> pagerduty::Mapping {
        let default = pagerduty::Mapping::default();
        pagerduty::Mapping {
            test_services: first(
                self.test_services.as_ref(),
                of_all.test_services.as_ref(),
                default.test_services,
            ),
            id_key: default.id_key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_defaults_file_says_what_the_connectors_say_themselves() {
        let config = Config::load(None, &[]).expect("defaults");
        let says = toml::from_str::<toml::Table>(crate::config::DEFAULTS).expect("TOML");
        let keys = |kind: &str| says["mapping"][kind].as_table().expect("a section").len();
        assert_eq!((keys("jira"), keys("linear"), keys("pagerduty")), (9, 4, 1), "every key is in the file");
        assert_eq!(config.mapping.jira.over(&JiraMapping::default()), jira::Mapping::default());
        assert_eq!(config.mapping.linear.over(&LinearMapping::default()), linear::Mapping::default());
        assert_eq!(
            config.mapping.pagerduty.over(&PagerDutyMapping::default()),
            pagerduty::Mapping::default()
        );
    }

    #[test]
    fn one_site_may_differ_from_all_sites_key_by_key() {
        let read = |text: &str| toml::from_str::<JiraMapping>(text).expect("a mapping");
        let of_all = read(
            "points-fields = [\"customfield_1\"]\ninterrupt-types = [\"Bug\"]\ncategories = { Review = \"done\" }",
        );
        let own = read("points-fields = [\"customfield_2\"]\ncategories = { \"In QA\" = \"in-progress\" }");
        let mapping = own.over(&of_all);
        assert_eq!(mapping.points_fields, ["customfield_2"]);
        assert_eq!(mapping.interrupts.types, ["Bug"]);
        assert_eq!(mapping.interrupts.labels, InterruptRules::default().labels);
        assert_eq!(mapping.categories["Review"], pb::StatusCategory::Done);
        assert_eq!(mapping.categories["In QA"], pb::StatusCategory::InProgress);
    }
}
