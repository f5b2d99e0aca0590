//! What was read, normalised, until everything is read; and where mapping puts what it makes.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_wire::Event;

use super::progress::Gaps;
use super::reference::Reference;
use crate::source::Source;
use crate::{forge, jira, linear, pagerduty};

/// A file, by its place in the report.
pub(crate) type FileIndex = usize;

/// Everything read.
#[derive(Debug)]
pub(crate) struct Gathering {
    pub(crate) jira: jira::import::Gathering,
    pub(crate) linear: linear::import::Gathering,
    pub(crate) pagerduty: pagerduty::import::Gathering,
    pub(crate) forge: forge::import::Gathering,
}

/// What mapping makes.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// Events with the file they came from.
    pub(crate) events: Vec<(Event, FileIndex)>,
    /// What could not be mapped, by file and why.
    pub(crate) skipped: BTreeMap<(FileIndex, String), u64>,
    /// What nothing is needed of, by file and why.
    pub(crate) passed_over: BTreeMap<(FileIndex, String), u64>,
    /// What was found out, assumed or not seen.
    pub(crate) notes: BTreeSet<String>,
    /// Why a source is seen not to be whole.
    pub(crate) gaps: Gaps,
    /// People and teams, for inferred reference data.
    pub(crate) reference: Reference,
}

impl Output {
    pub(crate) fn emit(&mut self, event: Event, file: FileIndex) {
        self.events.push((event, file));
    }

    /// Something could not be mapped for want of what the export lacks.
    pub(crate) fn skip(&mut self, file: FileIndex, why: impl Into<String>) {
        *self.skipped.entry((file, why.into())).or_default() += 1;
    }

    /// Something was read and says nothing the catalogue carries.
    pub(crate) fn pass_over(&mut self, file: FileIndex, why: impl Into<String>) {
        *self.passed_over.entry((file, why.into())).or_default() += 1;
    }

    /// Something is seen to be missing, of the source of a URI or of any of a kind by its word: noted, and not complete.
    pub(crate) fn gap(&mut self, of: &str, note: impl Into<String>) {
        let note = note.into();
        self.gaps.entry(of.to_owned()).or_insert_with(|| note.clone());
        self.note(note);
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.insert(note.into());
    }
}

/// Which account of a source payloads are of.
///
/// A payload's own links say it; one without links is of the account most others are of.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    names: Vec<String>,
    counts: Vec<u64>,
}

/// An account, by its place in [`Accounts`].
pub(crate) type AccountIndex = u16;

/// Accounts told apart in one import; further ones are taken for the most common.
const ACCOUNTS_MAX: usize = 1_000;

/// The account of payloads that name none.
const UNNAMED: &str = "default";

impl Accounts {
    /// Notes the account a payload's link names.
    pub(crate) fn note(&mut self, name: Option<String>) -> Option<AccountIndex> {
        let name = name?;
        let place = match self.names.iter().position(|known| *known == name) {
            Some(place) => place,
            None if self.names.len() < ACCOUNTS_MAX => {
                self.names.push(name);
                self.counts.push(0);
                self.names.len() - 1
            }
            None => return None,
        };
        self.counts[place] += 1;
        AccountIndex::try_from(place).ok()
    }

    /// The source URI of each account, and the one of payloads that name none.
    pub(crate) fn uris(&self, source: Source, given: Option<&str>) -> Uris {
        let common = self
            .names
            .iter()
            .zip(&self.counts)
            .max_by(|(a_name, a), (b_name, b)| a.cmp(b).then_with(|| b_name.cmp(a_name)))
            .map_or(UNNAMED, |(name, _)| name);
        let uris = self.names.iter().map(|name| source.uri(given.unwrap_or(name))).collect();
        Uris { uris, common: source.uri(given.unwrap_or(common)) }
    }
}

/// Source URIs of the accounts of an import.
#[derive(Debug)]
pub(crate) struct Uris {
    uris: Vec<String>,
    common: String,
}

impl Uris {
    pub(crate) fn of(&self, account: Option<AccountIndex>) -> &str {
        account.and_then(|place| self.uris.get(usize::from(place))).unwrap_or(&self.common)
    }

    /// The URI of what names no account.
    pub(crate) fn common(&self) -> &str {
        &self.common
    }
}

/// Host of a link, without its port.
pub(crate) fn host(link: &str) -> Option<&str> {
    let (_, rest) = link.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    let usable =
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    usable.then_some(host)
}
