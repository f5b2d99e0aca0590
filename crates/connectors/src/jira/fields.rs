//! Which fields hold points and sizes: told, listed, named or voted for.
//!
//! In this order: configured; the board's estimation field; `/field` by name and type; the name in a changelog item
//! that carries its id; where items carry no id, the field whose values agree with them; and, when nothing at all
//! is told, the ids that sites commonly use.

use std::collections::BTreeMap;

use super::mapping::{KNOWN_POINTS_FIELDS, Mapping};

/// Names of fields that hold points, in lower case.
const POINTS_NAMES: &[&str] = &["story points", "story point estimate", "storypoints", "story point"];

/// Names of fields that hold a T-shirt size, in lower case.
const SIZE_NAMES: &[&str] = &["t-shirt size", "t-shirt", "tshirt size", "shirt size", "size"];

/// Prefix of the place of a points value whose field id nobody told.
const NAMED: &str = "named:";

/// Which fields hold what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    points: Vec<String>,
    sizes: Vec<String>,
}

/// What is found out about fields while reading.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    estimation: BTreeMap<String, u64>,
    listed: bool,
    points: BTreeMap<String, u64>,
    sizes: BTreeMap<String, u64>,
    votes: BTreeMap<String, u64>,
}

impl Discovery {
    /// A board says which field it estimates in.
    pub(crate) fn estimation(&mut self, field: &str) {
        if field.starts_with("customfield_") {
            *self.estimation.entry(field.to_owned()).or_default() += 1;
        }
    }

    /// The site lists a field.
    pub(crate) fn listed(&mut self, id: &str, name: &str, custom_type: &str) {
        self.listed = true;
        if custom_type.ends_with(":jsw-story-points") {
            *self.points.entry(id.to_owned()).or_default() += 1;
        } else {
            self.named(id, name);
        }
    }

    /// Something names a field and its id together.
    pub(crate) fn named(&mut self, id: &str, name: &str) {
        let name = name.to_lowercase();
        if POINTS_NAMES.contains(&name.as_str()) {
            *self.points.entry(id.to_owned()).or_default() += 1;
        } else if SIZE_NAMES.contains(&name.as_str()) {
            *self.sizes.entry(id.to_owned()).or_default() += 1;
        }
    }

    /// A change of points without a field id agrees with what a field holds.
    pub(crate) fn vote(&mut self, id: &str) {
        *self.votes.entry(id.to_owned()).or_default() += 1;
    }

    /// Adds what else was found on the same site.
    pub(crate) fn absorb(&mut self, other: Discovery) {
        self.listed |= other.listed;
        for (mine, others) in [
            (&mut self.estimation, other.estimation),
            (&mut self.points, other.points),
            (&mut self.sizes, other.sizes),
            (&mut self.votes, other.votes),
        ] {
            for (id, count) in others {
                *mine.entry(id).or_default() += count;
            }
        }
    }

    /// The field of changes of points that carry no field id: the one whose values agree with them, else one that
    /// was told to hold points.
    pub(crate) fn unnamed(&self) -> Option<String> {
        let most = |found: &BTreeMap<String, u64>| {
            found
                .iter()
                .max_by(|(a, a_count), (b, b_count)| a_count.cmp(b_count).then(b.cmp(a)))
                .map(|(id, _)| id.clone())
        };
        most(&self.votes).or_else(|| most(&self.estimation)).or_else(|| most(&self.points))
    }

    /// What was found, with what is configured before it.
    pub(crate) fn conclude(&self, mapping: &Mapping) -> Fields {
        let by_count = |found: &BTreeMap<String, u64>| {
            let mut ids: Vec<_> = found.iter().collect();
            ids.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.cmp(b)));
            ids.into_iter().map(|(id, _)| id.clone()).collect::<Vec<_>>()
        };
        let mut points = mapping.points_fields.clone();
        if points.is_empty() {
            points.extend(by_count(&self.estimation));
            points.extend(by_count(&self.points));
            points.extend(by_count(&self.votes).into_iter().take(1));
        }
        if points.is_empty() && !self.listed {
            points.extend(KNOWN_POINTS_FIELDS.iter().map(|id| (*id).to_owned()));
        }
        let mut sizes = mapping.size_fields.clone();
        sizes.extend(by_count(&self.sizes));
        Fields { points: unique(points), sizes: unique(sizes) }
    }
}

impl Fields {
    /// What a webhook knows: what is configured, or the common ids.
    pub(crate) fn configured(mapping: &Mapping) -> Self {
        Discovery::default().conclude(mapping)
    }

    /// The points of an issue: the first field that holds any.
    pub(crate) fn points(&self, numbers: &BTreeMap<String, f64>) -> Option<f64> {
        let named = || numbers.iter().find(|(place, _)| place.starts_with(NAMED)).map(|(_, value)| *value);
        self.points.iter().find_map(|id| numbers.get(id).copied()).or_else(named)
    }

    /// The size of an issue.
    pub(crate) fn size<'a>(&self, words: &'a BTreeMap<String, String>) -> Option<&'a str> {
        self.sizes.iter().find_map(|id| words.get(id).map(String::as_str))
    }

    /// The fields that hold points, for the report.
    pub(crate) fn points_fields(&self) -> &[String] {
        &self.points
    }
}

/// True when a name is one that points go by.
pub(crate) fn is_points_name(name: &str) -> bool {
    POINTS_NAMES.contains(&name)
}

/// Where the points of a field without an id are kept.
pub(crate) fn named_place(name: &str) -> String {
    format!("{NAMED}{name}")
}

fn unique(mut list: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    list.retain(|id| seen.insert(id.clone()));
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_beats_a_name_and_a_name_beats_the_common_ids() {
        let mut discovery = Discovery::default();
        assert_eq!(discovery.conclude(&Mapping::default()).points_fields()[0], "customfield_10016");
        discovery.named("customfield_7", "Story Points");
        assert_eq!(discovery.conclude(&Mapping::default()).points_fields(), ["customfield_7"]);
        discovery.estimation("customfield_9");
        assert_eq!(
            discovery.conclude(&Mapping::default()).points_fields(),
            ["customfield_9", "customfield_7"]
        );
        let mapping = Mapping { points_fields: vec!["customfield_1".to_owned()], ..Mapping::default() };
        assert_eq!(discovery.conclude(&mapping).points_fields(), ["customfield_1"]);
    }

    #[test]
    fn a_site_that_lists_its_fields_and_has_none_for_points_has_none() {
        let mut discovery = Discovery::default();
        discovery.listed("customfield_10016", "Development", "");
        assert!(discovery.conclude(&Mapping::default()).points_fields().is_empty());
    }
}
