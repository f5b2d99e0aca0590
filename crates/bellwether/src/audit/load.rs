//! The on-call load of squads at the end of the exports, over the last four weeks.

use std::collections::BTreeMap;

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
            let top = message.engineers.first()?;
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
            })
        })
        .collect()
}

/// The squad whose top engineer carries most compared with the median.
pub(super) fn next_risk(load: &[LoadLine]) -> Option<String> {
    let ratio = |line: &LoadLine| line.ratio.parse::<f64>().unwrap_or(0.0);
    let riskiest = load.iter().filter(|line| line.people >= 3 && ratio(line) > 1.5);
    riskiest
        .max_by(|a, b| ratio(a).total_cmp(&ratio(b)).then_with(|| b.id.cmp(&a.id)))
        .map(|line| format!("{}: one engineer carries {}x the median", line.squad, line.ratio))
}
