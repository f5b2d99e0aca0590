//! One issue as gathered: its newest state and all its histories, from however many files.

use std::collections::BTreeMap;

use bellwether_model::EventTime;

use crate::import::gather::FileIndex;
use crate::jira::snapshot::Snapshot;
use crate::jira::wire::{History, User};

/// Longest text of a changed field that is followed: enough for labels and lists of sprints.
const FOLLOWED_BYTES_MAX: usize = 4_096;

/// Longest text of any other field: enough for a number or a size; a description is longer and says nothing here.
const OTHER_BYTES_MAX: usize = 32;

/// Fields whose changes are followed, in lower case.
const FOLLOWED: &[&str] = &[
    "status",
    "resolution",
    "assignee",
    "priority",
    "labels",
    "issuetype",
    "parent",
    "issueparentassociation",
    "key",
    "fix version",
    "fixversions",
    "link",
    "sprint",
];

/// One issue.
#[derive(Debug)]
pub(super) struct IssueRecord {
    pub(super) snapshot: Snapshot,
    pub(super) created: Option<EventTime>,
    pub(super) updated: Option<EventTime>,
    pub(super) creator: Option<User>,
    pub(super) file: FileIndex,
    /// True when any payload of it carried a changelog, be it empty.
    pub(super) has_changelog: bool,
    /// Histories it has in all, as far as it says.
    pub(super) histories_in_all: u64,
    pub(super) histories: BTreeMap<String, (History, FileIndex)>,
}

impl IssueRecord {
    /// Adds another export of the same issue: the later state stays, histories are put together.
    pub(super) fn absorb(&mut self, other: IssueRecord) {
        let is_newer = (other.updated, other.histories_in_all) > (self.updated, self.histories_in_all);
        self.has_changelog |= other.has_changelog;
        self.histories_in_all = self.histories_in_all.max(other.histories_in_all);
        for (id, history) in other.histories {
            self.histories.entry(id).or_insert(history);
        }
        if is_newer {
            self.snapshot = other.snapshot;
            self.updated = other.updated;
            self.file = other.file;
        }
        self.created = self.created.or(other.created);
        self.creator = self.creator.take().or(other.creator);
    }

    /// Adds a history.
    pub(super) fn add(&mut self, history: History, file: FileIndex) {
        add(&mut self.histories, history, file);
    }
}

/// Adds a history by its id; one without an id gets one of its content and time.
pub(super) fn add(
    histories: &mut BTreeMap<String, (History, FileIndex)>,
    mut history: History,
    file: FileIndex,
) {
    let id = history.id.clone().unwrap_or_else(|| {
        let at = history.created.map_or(0, EventTime::ms);
        format!("change-{at}-{}", crate::ids::digest(&[&format!("{:?}", history.items)]))
    });
    for item in &mut history.items {
        let followed = FOLLOWED.contains(&item.name().as_str());
        let bytes_max = if followed { FOLLOWED_BYTES_MAX } else { OTHER_BYTES_MAX };
        for text in [&mut item.from, &mut item.from_string, &mut item.to, &mut item.to_string] {
            if text.as_ref().is_some_and(|text| text.len() > bytes_max) {
                *text = None;
            }
        }
    }
    history.id = Some(id.clone());
    histories.entry(id).or_insert((history, file));
}

/// Histories in the order in which they happened: by instant, then by number of their id.
pub(super) fn in_order(histories: BTreeMap<String, (History, FileIndex)>) -> Vec<(History, FileIndex)> {
    let mut list: Vec<_> = histories.into_values().filter(|(history, _)| history.created.is_some()).collect();
    list.sort_by(|(a, _), (b, _)| {
        let number = |history: &History| history.id.as_deref().and_then(|id| id.parse::<u64>().ok());
        (a.created, number(a), &a.id).cmp(&(b.created, number(b), &b.id))
    });
    list
}
