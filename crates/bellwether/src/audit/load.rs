//! The on-call load of squads at the end of the exports, over the last four weeks.

use std::collections::BTreeMap;

use bellwether_model::Ratio;
use bellwether_wire::envelope::Event;
use bellwether_wire::{Payload, pb};
use serde::Serialize;

use super::Names;

/// One squad's on-call load at the end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct LoadLine {
    /// Squad, by its id.
    #[serde(rename = "squad")]
    pub id: String,
    /// Squad, by its name.
    #[serde(rename = "squad-name")]
    pub squad: String,
    /// Who carries most: pseudonym, or name when asked for.
    pub top: String,
    /// Their pages a week, rolling four weeks.
    pub top_per_week: String,
    /// Median pages over the eligible population, four weeks.
    pub median: String,
    /// Top over median.
    pub ratio: String,
    /// People with a weekend page in the four weeks. Not in the quarter (O2.2): an export knows no quarters.
    pub weekend_people: usize,
    /// Eligible people.
    pub people: u32,
    /// Pages of who carries most, four weeks.
    pub top_pages: u32,
    /// True when the median is 0 and the top carries at least four pages.
    pub concentrated: bool,
    /// The ratio as it is, not as it is shown.
    #[serde(skip)]
    pub(super) exact: Option<Ratio>,
}

/// One line for each squad somebody of which was paged.
pub(super) fn lines(said: &[Event], names: &Names) -> Vec<LoadLine> {
    let mut last: BTreeMap<String, &pb::LoadAssessed> = BTreeMap::new();
    for event in said {
        if let Payload::LoadAssessed(message) = &event.payload {
            last.insert(message.squad.clone(), message);
        }
    }
    last.into_values()
        .filter_map(|message| {
            let top = message.engineers.first().filter(|top| top.pages > 0)?;
            let shown = |measure: &Option<pb::Measure>| {
                measure.as_ref().map_or_else(|| "-".to_owned(), |measure| measure.display.clone())
            };
            Some(LoadLine {
                id: message.squad.clone(),
                squad: names.squad(&message.squad),
                top: names.person(&top.engineer),
                top_per_week: top.per_week.clone(),
                median: shown(&message.median),
                ratio: if message.concentrated { "median 0".to_owned() } else { shown(&message.ratio) },
                weekend_people: message.engineers.iter().filter(|it| it.weekend_pages > 0).count(),
                people: message.eligible,
                top_pages: top.pages,
                concentrated: message.concentrated,
                exact: message.ratio.as_ref().and_then(|ratio| Ratio::parse(&ratio.exact).ok()),
            })
        })
        .collect()
}

/// The squad whose top engineer carries most compared with the median: above the target of 1.5x, exactly, with at least
/// four pages. A median of 0 is more than any ratio; of two such squads the one with more pages at the top.
pub(super) fn next_risk(load: &[LoadLine]) -> Option<String> {
    let target = Ratio::new(3, 2)?;
    let carries = |line: &LoadLine| line.concentrated || line.exact.is_some_and(|ratio| ratio > target);
    let riskiest = load.iter().filter(|line| line.top_pages >= 4 && carries(line));
    let rank = |line: &LoadLine| (line.concentrated, line.exact, line.top_pages);
    let line = riskiest.max_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| b.id.cmp(&a.id)))?;
    Some(if line.concentrated {
        let pages = line.top_pages;
        format!("{}: one engineer carries {pages} pages in four weeks, the median none", line.squad)
    } else {
        format!("{}: one engineer carries {}x the median", line.squad, line.ratio)
    })
}
