//! Where a status stands: by its own category where one was seen, else by its name.
//!
//! Names are translated and renamed and a history does not carry the category a status had then; the category it
//! has now stands in for it.

use std::collections::BTreeMap;

use bellwether_wire::pb;

use super::mapping::Mapping;

/// Categories of the statuses of a site, by id and by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Categories {
    by_id: BTreeMap<String, pb::StatusCategory>,
    by_name: BTreeMap<String, pb::StatusCategory>,
}

/// Parts of names that mean done, in lower case.
const DONE_WORDS: &[&str] =
    &["done", "closed", "resolved", "complete", "released", "shipped", "finished", "deployed"];

/// Parts of names that mean not begun, in lower case.
const TODO_WORDS: &[&str] =
    &["to do", "todo", "open", "backlog", "new", "selected", "ready for dev", "triage", "planned"];

impl Categories {
    /// Notes the category of a status; a key is `new`, `indeterminate` or `done`.
    pub(crate) fn note(&mut self, id: Option<&str>, name: Option<&str>, category_key: &str) {
        let Some(category) = of_key(category_key) else { return };
        if let Some(id) = id {
            self.by_id.insert(id.to_owned(), category);
        }
        if let Some(name) = name {
            self.by_name.insert(name.to_lowercase(), category);
        }
    }

    /// Adds what else is known of the same site.
    pub(crate) fn absorb(&mut self, other: Categories) {
        self.by_id.extend(other.by_id);
        self.by_name.extend(other.by_name);
    }

    /// Where a status stands, with the resolution that goes with it.
    pub(crate) fn of(
        &self,
        mapping: &Mapping,
        id: Option<&str>,
        name: &str,
        resolution: Option<&str>,
    ) -> pb::StatusCategory {
        let configured =
            id.and_then(|id| mapping.categories.get(id)).or_else(|| mapping.categories.get(name));
        if let Some(category) = configured {
            return *category;
        }
        let lower = name.to_lowercase();
        let seen = id.and_then(|id| self.by_id.get(id)).or_else(|| self.by_name.get(&lower));
        let category = seen.copied().unwrap_or_else(|| guess(&lower));
        let cancelled =
            mapping.is_cancelled(name) || resolution.is_some_and(|name| mapping.is_cancelled(name));
        match category {
            pb::StatusCategory::Done if cancelled => pb::StatusCategory::Cancelled,
            // A status that says so itself, on a site that gave it no category we saw.
            _ if seen.is_none() && mapping.is_cancelled(name) => pb::StatusCategory::Cancelled,
            category => category,
        }
    }
}

fn of_key(key: &str) -> Option<pb::StatusCategory> {
    match key {
        "new" | "undefined" => Some(pb::StatusCategory::Todo),
        "indeterminate" => Some(pb::StatusCategory::InProgress),
        "done" => Some(pb::StatusCategory::Done),
        _ => None,
    }
}

fn guess(name: &str) -> pb::StatusCategory {
    if name.is_empty() {
        pb::StatusCategory::Unspecified
    } else if name.contains("reopened") {
        pb::StatusCategory::Todo
    } else if DONE_WORDS.iter().any(|word| name.contains(word)) {
        pb::StatusCategory::Done
    } else if TODO_WORDS.iter().any(|word| name.contains(word)) {
        pb::StatusCategory::Todo
    } else {
        pb::StatusCategory::InProgress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_category_a_site_gives_beats_what_a_name_suggests() {
        let mapping = Mapping::default();
        let mut categories = Categories::default();
        assert_eq!(categories.of(&mapping, Some("5"), "Done-ish", None), pb::StatusCategory::Done);
        categories.note(Some("5"), Some("Done-ish"), "indeterminate");
        assert_eq!(categories.of(&mapping, Some("5"), "Fertig", None), pb::StatusCategory::InProgress);
        assert_eq!(categories.of(&mapping, None, "done-ISH", None), pb::StatusCategory::InProgress);
    }

    #[test]
    fn done_with_a_resolution_that_nothing_came_of_is_cancelled() {
        let mapping = Mapping::default();
        let categories = Categories::default();
        let of = |name: &str, resolution| categories.of(&mapping, None, name, resolution);
        assert_eq!(of("Closed", Some("Won\u{2019}t Do")), pb::StatusCategory::Cancelled);
        assert_eq!(of("Closed", Some("Fixed")), pb::StatusCategory::Done);
        assert_eq!(of("Cancelled", None), pb::StatusCategory::Cancelled);
        assert_eq!(of("In Review", Some("Duplicate")), pb::StatusCategory::InProgress);
    }
}
