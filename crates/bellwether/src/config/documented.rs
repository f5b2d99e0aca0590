//! Holds `docs/reference/configuration.md` to what can be set: every key with its default, and no key besides.

use std::collections::BTreeSet;
use std::path::Path;

use bellwether_model::Thresholds;
use serde::de::DeserializeOwned;

use super::{DEFAULTS, JiraSource, LinearSource, PagerDutySource, WebhookTarget};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/configuration.md");
    std::fs::read_to_string(path).expect("the page")
}

/// Keys and defaults of the built-in file; a table that is empty there is described in prose.
fn defaults(table: &toml::Table, above: &str, found: &mut Vec<(String, toml::Value)>) {
    for (name, value) in table {
        let key = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match value {
            toml::Value::Table(inner) => defaults(inner, &key, found),
            other => found.push((key, other.clone())),
        }
    }
}

/// The keys of one table of a list, as its reader tells them to whoever writes another.
fn keys_of<T: DeserializeOwned>() -> Vec<String> {
    let Err(error) = toml::from_str::<T>("no-such-key = 1") else { panic!("the key was taken") };
    let text = error.to_string();
    let (_, expected) = text.split_once("expected").expect("what it knows");
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The cells of the rows whose first cell is one or more keys.
fn rows(page: &str) -> Vec<Vec<&str>> {
    page.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

#[test]
fn the_page_lists_every_key_with_its_default_and_no_other() {
    let page = page();
    let rows = rows(&page);
    let mut expected = Vec::new();
    defaults(&toml::from_str(DEFAULTS).expect("TOML"), "", &mut expected);
    for (key, default) in &expected {
        let row = rows.iter().find(|row| row[0] == format!("`{key}`"));
        let row = row.unwrap_or_else(|| panic!("{key} is not on the page"));
        let told: toml::Table =
            toml::from_str(&format!("it = {}", row[2].trim_matches('`'))).expect("a default in TOML");
        assert_eq!(&told["it"], default, "the default of {key}");
        assert!(!row[1].is_empty(), "{key} has no unit");
    }
    let thresholds: BTreeSet<&str> = Thresholds::describe().iter().map(|info| info.key).collect();
    for info in Thresholds::describe() {
        let row = rows.iter().find(|row| row[0] == format!("`{}`", info.key));
        let row = row.unwrap_or_else(|| panic!("threshold {} is not on the page", info.key));
        assert_eq!(row[1..4], [info.unit, &format!("`{}`", info.default), info.provenance.as_str()]);
    }
    let in_lists = [
        keys_of::<JiraSource>(),
        keys_of::<LinearSource>(),
        keys_of::<PagerDutySource>(),
        keys_of::<WebhookTarget>(),
    ];
    let listed: BTreeSet<&str> =
        rows.iter().flat_map(|row| row[0].split(", ")).map(|key| key.trim_matches('`')).collect();
    for key in in_lists.iter().flatten() {
        assert!(listed.contains(key.as_str()), "{key} of a list is not on the page");
    }
    for key in listed {
        let is_known = expected.iter().any(|(known, _)| known == key)
            || thresholds.contains(key)
            || in_lists.iter().flatten().any(|known| known == key);
        assert!(is_known, "{key} is on the page and cannot be set");
    }
}
