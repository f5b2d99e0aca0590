//! `bellwether demo` shows every rule and every level, and says the same bytes on any broker.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, ensure};
use bellwether_tests::product::{Settings, run};
use bellwether_wire::{Payload, json};

const RULES: [&str; 6] = [
    "dependency-breach",
    "missed-check-in",
    "velocity-drop.concentration",
    "velocity-drop.forecast",
    "velocity-drop.pace",
    "velocity-drop.page-load",
];

/// What it narrates and what it writes hold all six rules and the five levels.
pub(crate) fn shows_everything() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (narrated, written) = demo(&Settings::warped(folder.path(), "demo"))?;
    let (mut rules, mut levels) = (BTreeSet::new(), BTreeSet::new());
    for line in written.lines() {
        match json::read(line)?.payload {
            Payload::TriggerFired(fired) => drop(rules.insert(fired.rule)),
            Payload::StepFired(fired) => drop(levels.insert(fired.level)),
            _ => {}
        }
    }
    ensure!(rules.iter().map(String::as_str).eq(RULES), "rules: {rules:?}");
    ensure!(levels == BTreeSet::from([1, 2, 3, 4, 5]), "levels: {levels:?}");
    for word in RULES.into_iter().chain(["L1 to", "L2 to", "L3 to", "L4 to", "L5 to"]) {
        ensure!(narrated.contains(word), "`{word}` is not narrated: {narrated}");
    }
    Ok(())
}

/// The file written on a cluster is the one written on the embedded broker.
pub(crate) fn is_the_same_on(servers: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let alone = Settings::warped(&folder.path().join("alone"), "demo");
    let (_, wanted) = demo(&alone)?;
    let cluster = Settings {
        servers: Some(servers.to_owned()),
        prefix: bellwether_tests::conformance::cluster::unique("demo"),
        ..alone.at(&folder.path().join("cluster"))
    };
    let (_, found) = demo(&cluster)?;
    for (number, (found, wanted)) in found.lines().zip(wanted.lines()).enumerate() {
        ensure!(found == wanted, "line {} differs:\n{found}\n{wanted}", number + 1);
    }
    ensure!(found == wanted, "{} lines, not {}", found.lines().count(), wanted.lines().count());
    Ok(())
}

/// What a demo narrates, and what it writes.
fn demo(settings: &Settings) -> anyhow::Result<(String, String)> {
    let file = settings.dir.join("said.jsonl");
    let path: &Path = &file;
    let narrated = run(settings, &["demo", "--output", path.to_str().context("a path that is text")?])?;
    Ok((narrated.expect(0)?.out, std::fs::read_to_string(&file)?))
}
