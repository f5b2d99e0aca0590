//! Helpers: importing files, reading events, and finding the third-party fixtures.

use std::path::{Path, PathBuf};

use bellwether_connectors::{ImportOptions, ImportReport, import};
use bellwether_wire::Event;

/// Folder of the fixtures of one source, or `None` with a word on standard error, so that a skip is seen.
pub(crate) fn fixtures() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = match std::env::var_os("BELLWETHER_FIXTURES") {
        Some(folder) => root.join(folder),
        None => root.join("../shared/fixtures"),
    };
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no fixtures in {}; set BELLWETHER_FIXTURES to run this test", folder.display());
    None
}

/// Every file under a folder, in order.
pub(crate) fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Imports paths and returns the report and the events.
pub(crate) fn imported(paths: &[PathBuf], options: &ImportOptions) -> (ImportReport, Vec<Event>) {
    let mut events = Vec::new();
    let report = import(paths, options, &mut |_| {}, &mut |batch| events.extend(batch));
    (report, events)
}

/// Own test data.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Events as JSON Lines.
pub(crate) fn lines(events: &[Event]) -> Vec<String> {
    events.iter().map(bellwether_wire::json::write).collect()
}
