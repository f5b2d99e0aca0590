//! Raw exports of Jira: what each object is, and gathering it by site until all is read.
//!
//! See `site` for what is kept, `tickets` and `sprints` for what becomes of it.

mod recognise;
mod records;
mod site;
mod sprints;
mod tickets;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Mapping;
use super::wire::WebhookBody;
use crate::import::expand::Object;
use crate::import::gather::{AccountIndex, Accounts, FileIndex, Output, host};
use crate::source::Source;

pub(crate) use recognise::recognise;
use site::Site;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Webhook,
    Issue,
    History,
    BulkHistories,
    Sprint,
    Board,
    BoardConfiguration,
    Field,
    Status,
    IssueType,
    User,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Webhook => "jira webhook",
            Kind::Issue => "jira issue",
            Kind::History => "jira history",
            Kind::BulkHistories => "jira histories of an issue",
            Kind::Sprint => "jira sprint",
            Kind::Board => "jira board",
            Kind::BoardConfiguration => "jira board configuration",
            Kind::Field => "jira field",
            Kind::Status => "jira status",
            Kind::IssueType => "jira issue type",
            Kind::User => "jira user",
        }
    }

    pub(crate) fn explains(self) -> bool {
        match self {
            Kind::Webhook | Kind::Issue | Kind::History | Kind::BulkHistories | Kind::Sprint => false,
            Kind::Board
            | Kind::BoardConfiguration
            | Kind::Field
            | Kind::Status
            | Kind::IssueType
            | Kind::User => true,
        }
    }
}

/// Everything gathered, by the account its own links name.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    mapping: Mapping,
    accounts: Accounts,
    sites: BTreeMap<Option<AccountIndex>, Site>,
    issues_in_all: u64,
    issues_seen: u64,
}

impl Gathering {
    pub(crate) fn new(mapping: &Mapping) -> Self {
        Self { mapping: mapping.clone(), ..Self::default() }
    }

    /// Takes a recognised object.
    pub(crate) fn take(&mut self, kind: Kind, object: Object, file: FileIndex) {
        let link = link_of(&object, kind);
        let account = self.accounts.note(link.as_deref().and_then(account_of));
        let site = self.sites.entry(account).or_default();
        match kind {
            Kind::Webhook => {
                if let Some(body) = typed::<WebhookBody>(object) {
                    site.webhooks.push((body, file));
                }
            }
            Kind::Issue => {
                self.issues_seen += 1;
                site.take_issue(object, file, &self.mapping);
            }
            Kind::History => site.take_history(object, file),
            Kind::BulkHistories => site.take_bulk(object, file),
            Kind::Sprint => site.take_sprint(object, file),
            Kind::Board => site.take_board(&object),
            Kind::BoardConfiguration => site.take_board_configuration(&object),
            Kind::Field => site.take_field(&object),
            Kind::Status => site.take_status(object),
            Kind::IssueType => site.take_type(object),
            Kind::User => typed(object).into_iter().for_each(|person| site.note_person(person)),
        }
    }

    /// Takes what a page says about itself.
    pub(crate) fn page(&mut self, key: &str, total: Option<u64>) {
        if key == "issues" {
            self.issues_in_all = self.issues_in_all.max(total.unwrap_or_default());
        }
    }

    /// Takes the names of fields that a search page carries.
    pub(crate) fn names(&mut self, names: &Object) {
        let site = self.sites.entry(None).or_default();
        for (id, name) in names {
            if let Some(name) = name.as_str() {
                site.discovery.named(id, name);
            }
        }
    }

    /// Makes events of everything.
    pub(crate) fn map(mut self, account: Option<&str>, output: &mut Output) {
        if self.issues_in_all > self.issues_seen {
            output.gap(
                Source::Jira.word(),
                format!(
                    "Jira: a page says there are {} issues; {} are here. Pages are missing",
                    self.issues_in_all, self.issues_seen
                ),
            );
        }
        let uris = self.accounts.uris(Source::Jira, account);
        let mut by_uri: BTreeMap<String, Site> = BTreeMap::new();
        for (account, site) in std::mem::take(&mut self.sites) {
            by_uri.entry(uris.of(account).to_owned()).or_default().absorb(site);
        }
        for (uri, site) in by_uri {
            tickets::map(&uri, site, &self.mapping, output);
        }
    }
}

fn typed<T: DeserializeOwned>(object: Object) -> Option<T> {
    serde_json::from_value(Value::Object(object)).ok()
}

/// A link of an object to its site.
fn link_of(object: &Object, kind: Kind) -> Option<String> {
    let text = |pointer: &Value| pointer.as_str().map(str::to_owned);
    let own = object.get("self").or_else(|| object.get("__page")).and_then(text);
    let inside = |path: &[&str]| {
        let mut place = object.get(*path.first()?)?;
        for step in &path[1..] {
            place = place.get(step)?;
        }
        text(place)
    };
    match kind {
        Kind::Webhook => inside(&["issue", "self"])
            .or_else(|| inside(&["sprint", "self"]))
            .or_else(|| inside(&["user", "self"])),
        Kind::History => own.or_else(|| inside(&["author", "self"])),
        _ => own,
    }
}

/// The site of a link: the first label of a Cloud host, else the host.
fn account_of(link: &str) -> Option<String> {
    let host = host(link)?;
    Some(host.strip_suffix(".atlassian.net").unwrap_or(host).to_owned())
}
