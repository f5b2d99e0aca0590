//! What exports and recorded deliveries in the sources' shapes become, whole, as JSON Lines; and the report beside.

use bellwether_connectors::ImportOptions;

use crate::support::{data, imported, lines};

fn summary(source: &str) -> String {
    let options = ImportOptions { infer_reference: true, ..ImportOptions::default() };
    let (report, events) = imported(&[data(source)], &options);
    let files = report.files.iter().map(|file| {
        let name = std::path::Path::new(&file.file).file_name().unwrap().to_string_lossy().into_owned();
        let reason = file.verdict.reason().unwrap_or_default();
        format!(
            "{name}: {} {reason}\n  {:?} {:?} {:?}",
            file.verdict.word(),
            file.recognised,
            file.skipped,
            file.passed_over
        )
    });
    let files: Vec<String> = files.collect();
    [files.join("\n"), report.notes.join("\n"), lines(&events).join("\n")].join("\n\n")
}

#[test]
fn a_jira_export_becomes_the_states_of_its_tickets_and_the_life_of_its_sprints() {
    insta::assert_snapshot!("jira", summary("jira"));
}

#[test]
fn a_linear_export_becomes_the_states_of_its_tickets_and_the_life_of_its_cycles() {
    insta::assert_snapshot!("linear", summary("linear"));
}

#[test]
fn a_pagerduty_export_becomes_incidents_pages_and_shifts() {
    insta::assert_snapshot!("pagerduty", summary("pagerduty"));
}
