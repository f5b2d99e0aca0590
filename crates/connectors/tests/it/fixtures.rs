//! Every recorded payload is read: mapped, or refused with its reason. The summary is a golden; the payloads are not
//! here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bellwether_connectors::ImportOptions;

use crate::support::{files_under, fixtures, imported};

#[test]
fn every_recorded_payload_is_mapped_or_refused_with_its_reason() {
    let Some(folder) = fixtures() else { return };
    let mut summary = String::new();
    let mut verdicts: BTreeMap<&str, u64> = BTreeMap::new();
    for source in ["jira", "linear", "pagerduty"] {
        for file in files_under(&folder.join(source)) {
            let (report, events) = imported(std::slice::from_ref(&file), &ImportOptions::default());
            let of_file = &report.files[0];
            assert_eq!(report.event_count(), events.len() as u64);
            *verdicts.entry(of_file.verdict.word()).or_default() += 1;
            let path = file.strip_prefix(&folder).unwrap().display().to_string();
            writeln!(summary, "{path}\n  {}", of_file.verdict.word()).unwrap();
            if let Some(reason) = of_file.verdict.reason() {
                writeln!(summary, "  because {reason}").unwrap();
            }
            for (title, counts) in [
                ("found", &of_file.recognised),
                ("event", &of_file.events),
                ("left out", &of_file.skipped),
                ("passed over", &of_file.passed_over),
            ] {
                for (what, count) in counts {
                    writeln!(summary, "  {title} {count} {what}").unwrap();
                }
            }
            for problem in &of_file.problems {
                writeln!(summary, "  problem {problem}").unwrap();
            }
        }
    }
    writeln!(summary, "\n{verdicts:?}").unwrap();
    insta::assert_snapshot!("fixtures", summary);
}

#[test]
fn a_whole_folder_imports_twice_to_the_same_bytes() {
    let Some(folder) = fixtures() else { return };
    let options = ImportOptions { infer_reference: true, ..ImportOptions::default() };
    for source in ["jira", "linear", "pagerduty"] {
        let (_, first) = imported(&[folder.join(source)], &options);
        let mut files = files_under(&folder.join(source));
        files.reverse();
        let (_, second) = imported(&files, &options);
        let lines = |events: &[bellwether_wire::Event]| {
            events.iter().map(bellwether_wire::json::write).collect::<Vec<_>>()
        };
        assert_eq!(lines(&first), lines(&second), "{source}");
        assert!(first.is_sorted_by_key(|event| (event.time, event.id.clone())), "{source}");
        assert!(!first.is_empty(), "{source}");
    }
}
