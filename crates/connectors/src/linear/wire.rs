//! What Linear really sends: webhook bodies and GraphQL nodes, which differ in how they name the same things.
//!
//! A webhook says `stateId` and `labels: [..]`, GraphQL `state { id }` and `labels { nodes: [..] }`; either may
//! lack what was not asked for.

use bellwether_model::EventTime;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::lenient;

/// Something with an id and perhaps more: a user, a team, a state, a label, a parent.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Node {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) display_name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) email: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) timezone: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) key: Option<String>,
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) issue_estimation_type: Option<String>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) app: Option<bool>,
}

/// A list: bare in webhooks, `{nodes}` in GraphQL.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct List(pub(crate) Vec<Node>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = match Value::deserialize(deserializer)? {
            Value::Array(list) => list,
            Value::Object(mut object) => match object.remove("nodes") {
                Some(Value::Array(list)) => list,
                _ => Vec::new(),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        Ok(List(list.into_iter().filter_map(|node| serde_json::from_value(node).ok()).collect()))
    }
}

/// A cycle.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Cycle {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) number: Option<f64>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) description: Option<String>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) starts_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) ends_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) completed_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) created_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) updated_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) team_id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) team: Option<Node>,
}

/// An issue.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Issue {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) identifier: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) number: Option<f64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) estimate: Option<f64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) priority: Option<f64>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) created_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) updated_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) archived_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) state: Option<Node>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) state_id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) team: Option<Node>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) team_id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) cycle: Option<Cycle>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) cycle_id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) assignee: Option<Node>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) assignee_id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) creator: Option<Node>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) creator_id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) parent: Option<Node>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) parent_id: Option<String>,
    pub(crate) labels: List,
    pub(crate) releases: List,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) inverse_relations: Option<Relations>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) history: Option<HistoryPage>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) url: Option<String>,
}

impl Issue {
    pub(crate) fn team_id(&self) -> Option<&str> {
        self.team_id.as_deref().or_else(|| self.team.as_ref()?.id.as_deref())
    }

    pub(crate) fn cycle_id(&self) -> Option<&str> {
        self.cycle_id.as_deref().or_else(|| self.cycle.as_ref()?.id.as_deref())
    }

    pub(crate) fn assignee_id(&self) -> Option<&str> {
        self.assignee_id.as_deref().or_else(|| self.assignee.as_ref()?.id.as_deref())
    }

    pub(crate) fn creator_id(&self) -> Option<&str> {
        self.creator_id.as_deref().or_else(|| self.creator.as_ref()?.id.as_deref())
    }

    pub(crate) fn parent_id(&self) -> Option<&str> {
        self.parent_id.as_deref().or_else(|| self.parent.as_ref()?.id.as_deref())
    }

    /// `WEB-44`; old deliveries leave it out.
    pub(crate) fn key(&self) -> String {
        let made = || Some(format!("{}-{}", self.team.as_ref()?.key.as_deref()?, self.number?));
        self.identifier.clone().or_else(made).unwrap_or_default()
    }
}

/// Relations of which an issue is the target.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Relations {
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) nodes: Vec<Relation>,
}

/// A relation between two issues.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Relation {
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) created_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) issue: Option<Node>,
}

/// A page of an issue's history.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HistoryPage {
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) nodes: Vec<History>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) page_info: Option<PageInfo>,
}

/// Whether there is more.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PageInfo {
    #[serde(deserialize_with = "lenient::flag")]
    pub(crate) has_next_page: Option<bool>,
}

/// One change of an issue: old and new values of what changed; both null where nothing did.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct History {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) created_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) issue: Option<Node>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) actor: Option<Node>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) actor_id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) from_state: Option<Node>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) from_state_id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) to_state: Option<Node>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) to_state_id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) from_cycle: Option<Cycle>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) from_cycle_id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) to_cycle: Option<Cycle>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) to_cycle_id: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) from_estimate: Option<f64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) to_estimate: Option<f64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) from_priority: Option<f64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) to_priority: Option<f64>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) from_assignee: Option<Node>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) from_assignee_id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) to_assignee: Option<Node>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) to_assignee_id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) from_team: Option<Node>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) from_team_id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) from_parent: Option<Node>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) from_parent_id: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) to_parent: Option<Node>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) to_parent_id: Option<String>,
    pub(crate) added_labels: List,
    pub(crate) removed_labels: List,
    #[serde(deserialize_with = "lenient::texts")]
    pub(crate) added_label_ids: Vec<String>,
    #[serde(deserialize_with = "lenient::texts")]
    pub(crate) removed_label_ids: Vec<String>,
}

/// Body of a webhook.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct WebhookBody {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) action: Option<String>,
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) created_at: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) actor: Option<Node>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) data: Option<Map<String, Value>>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) updated_from: Option<Map<String, Value>>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) url: Option<String>,
}
