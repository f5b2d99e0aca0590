//! The same payloads in every form a file can have, and what is said of files that are damaged.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use bellwether_connectors::import::Verdict;
use bellwether_connectors::{ImportOptions, ImportReport};
use bellwether_model::EventTime;
use bellwether_wire::Event;
use serde_json::Value;

use crate::support::{data, imported, lines};

/// Six states of the one ticket, two of the other, and what they tell of two sprints.
const EVENTS_OF_THE_PAGE: usize = 11;

fn import_bytes(bytes: &[u8]) -> (ImportReport, Vec<Event>) {
    import_bytes_with(bytes, &ImportOptions::default())
}

fn import_bytes_with(bytes: &[u8], options: &ImportOptions) -> (ImportReport, Vec<Event>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export");
    std::fs::write(&path, bytes).unwrap();
    imported(&[path], options)
}

fn page() -> Value {
    serde_json::from_slice(&std::fs::read(data("jira/search.json")).unwrap()).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn every_form_of_a_file_gives_the_same_events() {
    let page = page();
    let issues = page["issues"].as_array().unwrap();
    let pretty = serde_json::to_vec_pretty(&page).unwrap();
    let compact = page.to_string();
    let (_, expected) = import_bytes(&pretty);
    assert_eq!(expected.len(), EVENTS_OF_THE_PAGE);

    let json_lines: String = issues.iter().map(|issue| format!("{issue}\n\n")).collect();
    let concatenated: String = issues.iter().map(Value::to_string).collect::<Vec<_>>().join(" ");
    let array = serde_json::to_vec_pretty(issues).unwrap();
    let records: String = issues
        .iter()
        .map(|issue| serde_json::json!({"type": "RECORD", "record": {"stream": "issues", "data": issue}}))
        .map(|record| format!("{record}\n"))
        .collect();
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["id", "params", "data", "url", "input"]).unwrap();
    for issue in issues {
        table.write_record(["1", "{}", &issue.to_string(), "x", "null"]).unwrap();
    }
    let forms: [(&str, Vec<u8>); 10] = [
        ("compact", compact.clone().into_bytes()),
        ("byte order mark", [b"\xEF\xBB\xBF".as_slice(), compact.as_bytes()].concat()),
        ("lines", json_lines.into_bytes()),
        ("concatenated", concatenated.into_bytes()),
        ("array", array),
        ("records", records.into_bytes()),
        ("table", table.into_inner().unwrap()),
        ("gzip", gzip(&pretty)),
        ("zstd", zstd::encode_all(pretty.as_slice(), 1).unwrap()),
        ("two pages of one answer", format!("{compact}\n{compact}").into_bytes()),
    ];
    for (form, bytes) in forms {
        let (report, events) = import_bytes(&bytes);
        assert_eq!(lines(&events), lines(&expected), "{form}");
        assert!(!report.exit_nonzero(), "{form}: {report:?}");
    }
}

#[test]
fn a_history_fetched_apart_is_the_same_as_one_inside_the_issue() {
    let page = page();
    let issue = &page["issues"][0];
    let (_, expected) = import_bytes(issue.to_string().as_bytes());
    let mut bare = issue.clone();
    let changelog = bare.as_object_mut().unwrap().remove("changelog").unwrap();
    let histories = &changelog["histories"];
    let link = "https://acme.atlassian.net/rest/api/3/issue/SHOP-1/changelog?maxResults=100";
    let of_issue = serde_json::json!({"self": link, "startAt": 0, "values": histories});
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["id", "params", "data", "url", "input", "created_at"]).unwrap();
    for history in histories.as_array().unwrap() {
        let input = r#"{"issue_id":10001,"update_time":"2026-01-16T16:31:00Z"}"#;
        table.write_record(["1", "{}", &history.to_string(), "x", input, "2026-01-20"]).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("histories.csv"), table.into_inner().unwrap()).unwrap();
    std::fs::write(folder.path().join("issue.json"), bare.to_string()).unwrap();
    let (_, events) = imported(&[folder.path().to_owned()], &ImportOptions::default());
    assert_eq!(lines(&events), lines(&expected), "a table that says what each payload was fetched for");

    let bulk = serde_json::json!({"issueChangeLogs": [{"issueId": "10001", "changeHistories": histories}]});
    for apart in [of_issue, bulk] {
        let (_, events) = import_bytes(format!("{bare}\n{apart}").as_bytes());
        assert_eq!(lines(&events), lines(&expected));
    }
}

#[test]
fn a_bad_line_costs_that_line_and_says_where_it_is() {
    let page = page();
    let issues = page["issues"].as_array().unwrap();
    let text = format!("{}\n{{\"id\": \"10\n{}\n", issues[0], issues[1]);
    let (report, events) = import_bytes(text.as_bytes());
    assert_eq!(events.len(), EVENTS_OF_THE_PAGE);
    let [problem] = report.files[0].problems.as_slice() else { panic!("{report:?}") };
    assert_eq!(problem.line, Some(2));
    assert!(report.exit_nonzero());
    assert_eq!(report.files[0].verdict, Verdict::Mapped);
}

#[test]
fn a_document_that_breaks_off_gives_what_came_before_and_says_where_it_broke() {
    let whole = serde_json::to_string_pretty(&page()).unwrap();
    let place = whole.rfind("\"10002\",").unwrap();
    let (report, events) = import_bytes(&whole.as_bytes()[..place]);
    assert!(events.iter().all(|event| event.subject.as_deref() != Some("jira:acme:10002")));
    assert!(!events.is_empty());
    assert!(report.files[0].problems[0].what.contains("breaks off"), "{report:?}");
    assert!(report.files[0].problems[0].line.is_some());
}

#[test]
fn a_packed_file_that_breaks_off_is_told_with_its_line_once_and_what_to_do() {
    let whole = serde_json::to_string_pretty(&page()).unwrap();
    let packed = gzip(whole.as_bytes());
    let (report, _) = import_bytes(&packed[..packed.len() / 2]);
    let problem = &report.files[0].problems[0];
    assert!(problem.what.ends_with("breaks off there: pack or fetch it again"), "{report:?}");
    assert!(problem.line.is_some() && !problem.what.contains("column"), "{report:?}");
}

#[test]
fn a_document_longer_than_the_limit_is_refused_though_it_is_packed() {
    let options = ImportOptions { document_bytes_max: 100_000, ..ImportOptions::default() };
    let (report, events) = import_bytes_with(&gzip(&vec![b'['; 10_000_000]), &options);
    assert!(events.is_empty());
    assert!(report.exit_nonzero());
    let what = &report.files[0].problems[0].what;
    assert!(what.contains("import.document-bytes-max = 100000") && what.ends_with("raise it"), "{what}");
    let one_long_line = format!("[{}]", "1,".repeat(100_000));
    let (report, _) = import_bytes_with(one_long_line.as_bytes(), &options);
    assert!(report.exit_nonzero());
}

#[test]
fn a_long_page_is_read_element_by_element_within_the_limit_of_one() {
    let issue = page()["issues"][1].clone();
    let element = issue.to_string();
    let copies = (0..200).map(|number| element.replace("10002", &format!("2{number:04}")));
    let long = format!("{{\n\"issues\": [{}],\n\"total\": 200}}", copies.collect::<Vec<_>>().join(",\n"));
    let options =
        ImportOptions { document_bytes_max: element.len() as u64 + 70_000, ..ImportOptions::default() };
    assert!(long.len() as u64 > 2 * options.document_bytes_max);
    let (report, _) = import_bytes_with(long.as_bytes(), &options);
    assert_eq!(report.files[0].recognised["jira issue"], 200, "{report:?}");
    assert!(report.files[0].problems.is_empty());
}

#[test]
fn pages_that_are_missing_are_said() {
    let mut page = page();
    page["total"] = Value::from(900);
    let (report, _) = import_bytes(page.to_string().as_bytes());
    assert!(report.notes.iter().any(|note| note.contains("900 issues; 2 are here")), "{:?}", report.notes);
}

#[test]
fn a_missing_file_an_empty_one_and_our_own_events_are_refused_with_the_reason() {
    let (report, _) = imported(&[PathBuf::from("nowhere/at/all")], &ImportOptions::default());
    assert!(report.files[0].verdict.reason().unwrap().contains("cannot be opened"));
    let (report, _) = import_bytes(b" \n");
    assert_eq!(report.files[0].verdict, Verdict::Refused("it is empty".to_owned()));
    let (_, events) = imported(&[data("jira/search.json")], &ImportOptions::default());
    let (report, again) = import_bytes(lines(&events).join("\n").as_bytes());
    assert!(again.is_empty());
    assert!(report.files[0].verdict.reason().unwrap().contains("replay"));
}

#[test]
fn what_one_field_holds_on_a_site_is_found_where_the_site_tells_it() {
    let mut page = page();
    for issue in page["issues"].as_array_mut().unwrap() {
        let histories = issue["changelog"]["histories"].as_array_mut().unwrap();
        for history in histories {
            for item in history["items"].as_array_mut().unwrap() {
                if item["field"] == "Story Points" {
                    item["field"] = Value::from("Aufwand");
                }
            }
        }
    }
    let points = |events: &[Event]| lines(events).join("\n").matches("\"points\"").count();
    let (_, untold) = import_bytes(page.to_string().as_bytes());
    assert_eq!(points(&untold), 0);
    let field = serde_json::json!([{
        "id": "customfield_10050", "name": "Aufwand", "custom": true,
        "schema": {"type": "number", "custom": "com.pyxis.greenhopper.jira:jsw-story-points"},
    }]);
    let board = serde_json::json!({
        "id": 2, "columnConfig": {}, "estimation": {"field": {"fieldId": "customfield_10050"}},
    });
    let mut named = page.clone();
    named["names"] = serde_json::json!({"customfield_10050": "Story Points"});
    for told in [format!("{page}\n{field}"), format!("{page}\n{board}"), named.to_string()] {
        let (report, events) = import_bytes(told.as_bytes());
        assert_eq!(points(&events), 5, "{:?}", report.notes);
    }
}

#[test]
fn exports_of_several_sources_lie_in_one_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let options = ImportOptions { infer_reference: true, ..ImportOptions::default() };
    let (report, events) = imported(&[folder], &options);
    let expected = [
        "bellwether://import",
        "jira://acme",
        "jira://jira.acme.example",
        "linear://acme",
        "pagerduty://acme",
    ];
    assert_eq!(report.sources, expected);
    let people = |event: &&Event| event.type_name() == "bellwether.person.recorded.v1";
    // Ada and Ben are known to three systems each, Cleo to one.
    assert_eq!(events.iter().filter(people).count(), 3);
}

#[test]
fn a_source_is_said_to_be_complete_only_when_told_and_when_nothing_of_it_is_missing() {
    let through = EventTime::parse("2026-03-01T00:00:00Z").unwrap();
    let progressed = |paths: &[PathBuf], complete_through| {
        let options = ImportOptions { complete_through, ..ImportOptions::default() };
        let (report, events) = imported(paths, &options);
        let said: Vec<String> = events
            .iter()
            .filter(|event| event.type_name() == "bellwether.source.progressed.v1")
            .map(|event| format!("{} {} {}", event.id.source, event.id.id, event.time))
            .collect();
        (said, report.notes.join("\n"))
    };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, value: &serde_json::Value| {
        let path = folder.path().join(name);
        std::fs::write(&path, value.to_string()).unwrap();
        path
    };
    let cycle = serde_json::json!({"data": {"team": {"cycles": {
        "pageInfo": {"hasNextPage": false},
        "nodes": [{"id": "c1", "number": 1, "startsAt": "2026-02-01T00:00:00Z", "endsAt": "2026-02-14T00:00:00Z",
            "completedAt": "2026-02-14T00:00:00Z", "team": {"id": "t1", "key": "PAY"}}]}}}});
    let whole = write("whole.json", &cycle);
    assert_eq!(progressed(std::slice::from_ref(&whole), None).0, Vec::<String>::new(), "nobody told");
    let (said, notes) = progressed(std::slice::from_ref(&whole), Some(through));
    assert_eq!(
        said,
        [format!("linear://default progress/{through} {through}")],
        "as of the instant it is complete through: {notes}"
    );

    let mut cut = cycle;
    cut["data"]["team"]["cycles"]["pageInfo"]["hasNextPage"] = true.into();
    let (said, notes) = progressed(&[write("cut.json", &cut)], Some(through));
    assert_eq!(said, Vec::<String>::new());
    assert!(notes.contains("not said to be complete through"), "{notes}");

    let broken = folder.path().join("broken.json");
    std::fs::write(&broken, "{\"data\": ").unwrap();
    let (said, notes) = progressed(&[whole, broken], Some(through));
    assert_eq!(said, Vec::<String>::new());
    assert!(notes.contains("could not be read"), "{notes}");
}

#[test]
fn a_linear_export_of_several_pages_is_whole_when_the_last_of_each_list_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, more: bool, team: Option<&str>| {
        let issue = serde_json::json!({"id": format!("{name}-issue"), "identifier": "PAY-1", "title": "a",
            "updatedAt": "2026-02-01T00:00:00Z", "state": {"id": "s", "name": "Todo", "type": "unstarted"},
            "team": {"id": "t1", "key": "PAY"}});
        let issues = serde_json::json!({"pageInfo": {"hasNextPage": more}, "nodes": [issue]});
        let data = match team {
            None => serde_json::json!({ "issues": issues }),
            Some(id) => serde_json::json!({"team": {"id": id, "key": id, "name": id, "issues": issues}}),
        };
        let path = folder.path().join(format!("{name}.json"));
        std::fs::write(&path, serde_json::json!({ "data": data }).to_string()).unwrap();
        path
    };
    let is_whole = |paths: &[PathBuf]| {
        let notes = imported(paths, &ImportOptions::default()).0.notes.join("\n");
        !notes.contains("the last page of a list is missing")
    };
    let (first, last) = (write("first", true, None), write("last", false, None));
    assert!(is_whole(&[first.clone(), last.clone()]));
    assert!(is_whole(&[last, first.clone()]), "in any order");
    assert!(!is_whole(&[first]));
    let (one, end_of_one) = (write("one", true, Some("t1")), write("end", false, Some("t1")));
    let end_of_other = write("other", false, Some("t2"));
    assert!(!is_whole(&[one.clone(), end_of_other]), "another list's last page is not this one's");
    assert!(is_whole(&[one, end_of_one]));
}

#[test]
fn what_one_site_lacks_is_no_gap_of_another() {
    let complete_through = Some(EventTime::parse("2026-06-01T00:00:00Z").unwrap());
    let options = ImportOptions { complete_through, ..ImportOptions::default() };
    let (report, events) = imported(&[data("jira")], &options);
    let said: Vec<&str> = events
        .iter()
        .filter(|event| event.type_name() == "bellwether.source.progressed.v1")
        .map(|event| event.id.source.as_str())
        .collect();
    assert_eq!(said, ["jira://jira.acme.example"], "{:?}", report.notes);
}

#[test]
fn what_is_no_regular_file_in_a_folder_is_told_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("export.json")).unwrap();
    let (report, events) = imported(&[folder.path().to_owned()], &ImportOptions::default());
    assert!(events.is_empty());
    let problems: Vec<String> = report.files[0].problems.iter().map(ToString::to_string).collect();
    assert!(problems[0].contains("it is no regular file"), "{problems:?}");
}
