//! Who responds for each system: fewer than three people are a gap, one is a single point of failure.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_wire::Payload;
use bellwether_wire::envelope::Event;
use bellwether_wire::ids::{self, HashKey};
use serde::Serialize;

use super::Names;

/// Responders below which a system has a gap.
const ENOUGH: usize = 3;

/// One system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CoverageLine {
    /// System, by its id.
    #[serde(rename = "system")]
    pub id: String,
    /// System, by its name.
    #[serde(rename = "system-name")]
    pub system: String,
    /// Squad, by its name; empty where no team owns it.
    pub squad: String,
    /// People who respond for it.
    pub responders: usize,
    /// How good that is.
    pub verdict: Cover,
    /// Who alone responds for it: pseudonym, or name when asked for.
    pub only: Option<String>,
}

/// How well a system is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cover {
    /// Nobody responds.
    Nobody,
    /// One person does.
    SinglePointOfFailure,
    /// Fewer than three do.
    Gap,
    /// Three or more do.
    Covered,
}

impl Cover {
    fn of(responders: usize) -> Self {
        match responders {
            0 => Self::Nobody,
            1 => Self::SinglePointOfFailure,
            few if few < ENOUGH => Self::Gap,
            _ => Self::Covered,
        }
    }

    /// The words in tables.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::SinglePointOfFailure => "single point of failure",
            Self::Gap => "gap",
            Self::Covered => "covered",
        }
    }
}

/// One line for each production system, the worst first.
pub(super) fn lines(input: &[Event], names: &Names) -> Vec<CoverageLine> {
    let mut trained: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for event in input {
        if let Payload::CoverageRecorded(message) = &event.payload {
            trained.entry(&message.system).or_default().insert(&message.person);
        }
    }
    let mut lines: Vec<CoverageLine> = input
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::SystemRecorded(message) if message.production => Some(message),
            _ => None,
        })
        .map(|message| {
            let people = trained.get(message.system.as_str());
            let responders = people.map_or(0, BTreeSet::len);
            let only = people.filter(|people| people.len() == 1).and_then(BTreeSet::first);
            CoverageLine {
                id: message.system.clone(),
                system: if message.name.is_empty() { message.system.clone() } else { message.name.clone() },
                squad: names.squad(&message.squad),
                responders,
                verdict: Cover::of(responders),
                only: only.map(|person| names.person(&ids::pseudonym(&HashKey::ZERO, person))),
            }
        })
        .collect();
    lines.sort_by(|a, b| (a.verdict, &a.system, &a.id).cmp(&(b.verdict, &b.system, &b.id)));
    lines
}
