use bellwether_wire::{Event, Payload, pb};
use serde_json::json;

use super::*;
use crate::import::expand::expand;

fn events(documents: &[Value]) -> (Vec<Event>, Output) {
    let mut gathering = Gathering::default();
    for document in documents {
        expand(document.clone(), None, &mut |object, kind| match kind {
            recognise::Kind::Forge(kind) => gathering.take(kind, object, 0),
            other => panic!("{other:?}: {object:?}"),
        });
    }
    let mut output = Output::default();
    gathering.map(&mut output);
    let events = std::mem::take(&mut output.events).into_iter().map(|(event, _)| event).collect();
    (events, output)
}

fn deployments(events: &[Event]) -> Vec<&pb::DeploymentFinished> {
    events
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::DeploymentFinished(message) => Some(message.as_ref()),
            _ => None,
        })
        .collect()
}

fn deployment(id: u64, environment: &str, created_at: &str) -> Value {
    let url = format!("https://api.github.com/repos/acme/shop/deployments/{id}");
    json!({"id": id, "url": url, "sha": format!("sha{id}"), "ref": "main", "task": "deploy", "payload": {},
        "environment": environment, "description": null, "created_at": created_at,
        "statuses_url": format!("{url}/statuses")})
}

fn status(id: u64, state: &str, created_at: &str) -> Value {
    let url = format!("https://api.github.com/repos/acme/shop/deployments/{id}");
    json!({"id": 1, "state": state, "deployment_url": url, "environment": "production", "created_at": created_at})
}

fn pull(number: u64, title: &str, merged_at: Option<&str>) -> Value {
    json!({"number": number, "url": format!("https://api.github.com/repos/acme/shop/pulls/{number}"),
        "title": title, "body": "see PAY-99", "merged_at": merged_at, "merge_commit_sha": format!("m{number}"),
        "head": {"ref": "x", "sha": format!("h{number}")}, "base": {"ref": "main", "sha": "b"}})
}

#[test]
fn the_first_success_ends_a_deployment_whatever_comes_after() {
    let (events, output) = events(&[
        json!([deployment(1, "production", "2026-01-05T10:00:00Z")]),
        json!([
            status(1, "inactive", "2026-01-06T10:00:00Z"),
            status(1, "success", "2026-01-05T10:05:00Z"),
            status(1, "failure", "2026-01-05T10:02:00Z"),
            status(1, "in_progress", "2026-01-05T10:01:00Z"),
        ]),
    ]);
    let [told] = deployments(&events)[..] else { panic!("{events:?}") };
    assert_eq!(told.outcome(), pb::Outcome::Succeeded);
    assert_eq!(
        (events[0].time.to_rfc3339().as_str(), told.service.as_str()),
        ("2026-01-05T10:05:00.000Z", "shop")
    );
    assert_eq!(events[0].id.source, "github://acme");
    assert!(output.notes.is_empty());
}

#[test]
fn without_any_status_a_deployment_is_taken_for_successful_and_a_note_says_so() {
    let (events, output) = events(&[json!([deployment(1, "production", "2026-01-05T10:00:00Z")])]);
    assert_eq!(deployments(&events)[0].outcome(), pb::Outcome::Succeeded);
    assert!(output.notes.iter().any(|note| note.contains("taken for successful")), "{:?}", output.notes);
}

#[test]
fn one_that_has_not_ended_is_no_event() {
    let (events, output) = events(&[
        json!([deployment(1, "production", "2026-01-05T10:00:00Z")]),
        json!([status(2, "success", "2026-01-05T10:05:00Z")]),
    ]);
    assert!(events.is_empty() && !output.passed_over.is_empty());
}

#[test]
fn what_was_merged_between_two_successes_is_in_the_second() {
    let (events, _) = events(&[
        json!([
            deployment(1, "production", "2026-01-05T10:00:00Z"),
            deployment(2, "production", "2026-01-07T10:00:00Z")
        ]),
        json!([status(1, "success", "2026-01-05T10:05:00Z"), status(2, "success", "2026-01-07T10:05:00Z")]),
        json!([
            pull(7, "PAY-7: first", Some("2026-01-05T09:00:00Z")),
            pull(8, "PAY-8: second", Some("2026-01-05T10:30:00Z")),
            pull(9, "PAY-9: after", Some("2026-01-07T10:00:01Z")),
            pull(10, "PAY-10: open", None),
        ]),
    ]);
    let told = deployments(&events);
    assert_eq!(told[0].changes, ["github:acme:acme/shop!7"]);
    assert_eq!(told[1].changes, ["github:acme:acme/shop!8"]);
    let changes: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::ChangeMerged(message) => Some(message.tickets.join(",")),
            _ => None,
        })
        .collect();
    assert_eq!(changes, ["PAY-7", "PAY-8", "PAY-9"], "the description of another ticket does not count");
}

#[test]
fn a_deployment_contains_its_commit_with_those_before_it_once() {
    let commit = |sha: &str, parents: &[&str], message: &str| {
        let parents: Vec<_> = parents.iter().map(|sha| json!({"sha": sha})).collect();
        json!({"sha": sha, "url": format!("https://api.github.com/repos/acme/shop/commits/{sha}"), "parents": parents,
            "commit": {"message": message, "committer": {"date": "2026-01-05T08:00:00Z"}}})
    };
    let (events, _) = events(&[
        json!([
            commit("sha2", &["m", "c"], "PAY-3"),
            commit("c", &["sha1"], "PAY-2 x"),
            commit("m", &["sha1"], "merge"),
            commit("sha1", &["elsewhere"], "PAY-1")
        ]),
        json!([
            deployment(1, "production", "2026-01-05T10:00:00Z"),
            deployment(2, "production", "2026-01-07T10:00:00Z")
        ]),
    ]);
    let told = deployments(&events);
    assert_eq!(told[0].commits, ["sha1"]);
    assert_eq!(told[1].commits, ["c", "m", "sha2"]);
    let changes = events.iter().filter(|event| matches!(event.payload, Payload::ChangeMerged(_))).count();
    assert_eq!(changes, 3, "one names no ticket");
}

#[test]
fn a_recorded_delivery_and_statuses_inside_a_deployment_are_read() {
    let mut with_statuses = deployment(2, "production", "2026-01-07T10:00:00Z");
    with_statuses["statuses"] = json!([{"state": "failure", "created_at": "2026-01-07T10:01:00Z"}]);
    let (events, _) = events(&[
        json!({"action": "created", "deployment_status": status(1, "success", "2026-01-05T10:05:00Z"),
            "deployment": deployment(1, "production", "2026-01-05T10:00:00Z"), "repository": {"id": 1}}),
        json!([with_statuses]),
    ]);
    let outcomes: Vec<_> = deployments(&events).iter().map(|told| told.outcome()).collect();
    assert_eq!(outcomes, [pb::Outcome::Succeeded, pb::Outcome::Failed]);
}

#[test]
fn a_deployment_of_gitlab_names_tickets_in_its_commit_and_says_its_tier() {
    let (events, _) = events(&[json!([{
        "id": 42, "iid": 2, "ref": "main", "sha": "abc", "status": "success",
        "created_at": "2026-01-05T10:00:00Z", "updated_at": "2026-01-05T12:00:00Z",
        "environment": {"id": 1, "name": "eu", "tier": "production"},
        "deployable": {"status": "success", "finished_at": "2026-01-05T10:09:00Z",
            "commit": {"title": "PAY-3 refunds", "message": "PAY-3 refunds\n\ncloses PAY-4"},
            "pipeline": {"web_url": "https://gitlab.com/acme/pay/api/-/pipelines/301"}}
    }])]);
    let told = deployments(&events)[0];
    assert_eq!(
        (told.tickets.as_slice(), told.production),
        (["PAY-3".to_owned(), "PAY-4".to_owned()].as_slice(), Some(true))
    );
    assert_eq!((events[0].id.source.as_str(), told.service.as_str()), ("gitlab://acme", "api"));
    assert_eq!(events[0].time.to_rfc3339(), "2026-01-05T10:09:00.000Z");
}
