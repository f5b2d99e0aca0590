//! What Jira really sends, Cloud and Data Center: issues, changelogs, sprints, users, webhooks.
//!
//! The fields of an issue stay a map, because which field means what is found out later.

use bellwether_model::EventTime;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::lenient;

/// An issue.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Issue {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) key: Option<String>,
    #[serde(rename = "self", deserialize_with = "lenient::text")]
    pub(crate) link: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) fields: Option<Map<String, Value>>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) changelog: Option<Changelog>,
}

/// The changelog inside an issue: possibly only a part of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Changelog {
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) total: Option<f64>,
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) histories: Vec<History>,
    /// Where a webhook carries one history.
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) items: Vec<Item>,
}

/// One history: what one save of an issue changed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct History {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    /// An instant; bulk answers write epoch milliseconds.
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) created: Option<EventTime>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) author: Option<User>,
    #[serde(deserialize_with = "lenient::objects")]
    pub(crate) items: Vec<Item>,
}

/// One changed field.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Item {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) field: Option<String>,
    #[serde(rename = "fieldId", deserialize_with = "lenient::text")]
    pub(crate) field_id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) from: Option<String>,
    #[serde(rename = "fromString", deserialize_with = "lenient::text")]
    pub(crate) from_string: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) to: Option<String>,
    #[serde(rename = "toString", deserialize_with = "lenient::text")]
    pub(crate) to_string: Option<String>,
}

impl Item {
    /// The name of the field in lower case, and its id.
    pub(crate) fn name(&self) -> String {
        self.field.as_deref().unwrap_or_default().to_lowercase()
    }

    /// True for a place in a list: no change of the ticket.
    pub(crate) fn is_rank(&self) -> bool {
        self.field.as_deref().is_some_and(|field| field.eq_ignore_ascii_case("rank"))
    }
}

/// Somebody. Cloud knows an account id, Data Center a name and a key.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct User {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) account_id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) key: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) display_name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) email_address: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) time_zone: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) account_type: Option<String>,
    #[serde(rename = "self", deserialize_with = "lenient::text")]
    pub(crate) link: Option<String>,
}

impl User {
    /// The stable id.
    pub(crate) fn id(&self) -> Option<&str> {
        self.account_id.as_deref().or(self.key.as_deref()).or(self.name.as_deref())
    }
}

/// A sprint: of the Agile API, of a webhook, or inside an issue.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Sprint {
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) state: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) goal: Option<String>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) start_date: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) end_date: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) complete_date: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) activated_date: Option<EventTime>,
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) created_date: Option<EventTime>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) origin_board_id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) board_id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) rapid_view_id: Option<String>,
    #[serde(rename = "self", deserialize_with = "lenient::text")]
    pub(crate) link: Option<String>,
}

impl Sprint {
    /// The board it belongs to.
    pub(crate) fn board(&self) -> Option<&str> {
        let board = self.origin_board_id.as_deref().or(self.board_id.as_deref());
        board.or(self.rapid_view_id.as_deref())
    }

    /// The state in lower case: Data Center's legacy form shouts.
    pub(crate) fn state(&self) -> String {
        self.state.as_deref().unwrap_or_default().to_lowercase()
    }
}

/// Body of a webhook.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WebhookBody {
    #[serde(deserialize_with = "lenient::instant")]
    pub(crate) timestamp: Option<EventTime>,
    #[serde(rename = "webhookEvent", deserialize_with = "lenient::text")]
    pub(crate) webhook_event: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) user: Option<User>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) issue: Option<Issue>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) changelog: Option<Changelog>,
    #[serde(deserialize_with = "lenient::object")]
    pub(crate) sprint: Option<Sprint>,
    #[serde(rename = "oldValue", deserialize_with = "lenient::object")]
    pub(crate) old_value: Option<Sprint>,
}
