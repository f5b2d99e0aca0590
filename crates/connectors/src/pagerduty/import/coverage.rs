//! Which services there are, and who responds for each: whoever its escalation policy pages, on any level, by name or by a
//! schedule.
//!
//! What it is not: a record of who was trained. It is the best that an account can tell, and goes into inferred reference
//! data only.

use std::collections::{BTreeMap, BTreeSet};

use super::super::map;
use super::super::wire::{Oncall, Policy, Reference, Schedule, Service};
use super::{Kept, note_person};
use crate::import::gather::{Output, Uris};

/// People by the id of a schedule or of a policy.
type People<'a> = BTreeMap<&'a str, Vec<&'a Reference>>;

pub(super) fn note(
    services: &[Kept<Service>],
    policies: &[Policy],
    schedules: &[Kept<Schedule>],
    oncalls: &[Kept<Oncall>],
    uris: &Uris,
    output: &mut Output,
) {
    let mut on_schedule: People<'_> = BTreeMap::new();
    for schedule in schedules.iter().map(|kept| &kept.record) {
        let Some(id) = schedule.id.as_deref() else { continue };
        let rendered =
            schedule.final_schedule.iter().flat_map(|rendered| &rendered.rendered_schedule_entries);
        let people = on_schedule.entry(id).or_default();
        people.extend(rendered.filter_map(|entry| entry.user.as_ref()).chain(&schedule.users));
    }
    let mut on_policy: People<'_> = BTreeMap::new();
    for row in oncalls.iter().map(|kept| &kept.record) {
        let Some(user) = &row.user else { continue };
        if let Some(schedule) = row.schedule.as_ref().and_then(|it| it.id.as_deref()) {
            on_schedule.entry(schedule).or_default().push(user);
        }
        if let Some(policy) = row.escalation_policy.as_ref().and_then(|it| it.id.as_deref()) {
            on_policy.entry(policy).or_default().push(user);
        }
    }
    for policy in policies {
        let Some(id) = policy.id.as_deref() else { continue };
        let people = on_policy.entry(id).or_default();
        for target in policy.escalation_rules.iter().flat_map(|rule| &rule.targets) {
            if target.is_user() {
                people.push(target);
            } else if let Some(on_it) = target.id.as_deref().and_then(|id| on_schedule.get(id)) {
                people.extend(on_it);
            }
        }
    }
    let policy_of = |service: &Service| service.escalation_policy.as_ref().and_then(|it| it.id.clone());
    for kept in services {
        let (service, source) = (&kept.record, uris.of(kept.account));
        let Some(id) = service.id.as_deref().filter(|_| service.status.as_deref() != Some("disabled")) else {
            continue;
        };
        let policy = policy_of(service);
        let of_policy = policies.iter().find(|it| it.id.is_some() && it.id == policy);
        let teams = service.teams.iter().chain(of_policy.into_iter().flat_map(|policy| &policy.teams));
        let team = teams.filter_map(|team| team.id.as_deref()).next();
        let name = service.name.as_deref().or(service.summary.as_deref()).unwrap_or(id);
        // Nobody is one thing, not knowing who is another.
        let Some(people) = policy.as_deref().and_then(|policy| on_policy.get(policy)) else { continue };
        output.reference.system(source, id, name, team);
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for person in people {
            let Some(user) = person.id.as_deref().filter(|user| seen.insert(user)) else { continue };
            note_person(output, source, person);
            output.reference.trained(source, id, &map::identity(source, user));
        }
    }
}

#[cfg(test)]
mod tests {
    use bellwether_wire::{Payload, pb};
    use serde_json::json;

    use super::super::Gathering;
    use crate::import::expand::expand;
    use crate::import::gather::Output;
    use crate::import::{recognise, reference};
    use crate::pagerduty::Mapping;

    #[test]
    fn who_a_services_policy_pages_by_name_or_by_schedule_is_taken_for_trained() {
        let user = |id: &str| json!({"id": id, "type": "user_reference", "summary": id});
        let service = |id: &str, policy: &str| {
            json!({"id": id, "type": "service", "name": id, "status": "active",
                "teams": [{"id": "T1", "type": "team_reference"}],
                "escalation_policy": {"id": policy, "type": "escalation_policy_reference"}})
        };
        let policy = |id: &str, target: serde_json::Value| json!({"id": id, "type": "escalation_policy", "escalation_rules": [{"targets": [target]}]});
        let documents = [
            json!({"services": [service("S1", "E1"), service("S2", "E2"), service("S3", "E9")]}),
            json!({"escalation_policies": [
                policy("E1", json!({"id": "H1", "type": "schedule_reference"})),
                policy("E2", user("P1")),
            ]}),
            json!({"schedule": {"id": "H1", "type": "schedule", "time_zone": "UTC", "users": [user("P1"), user("P2")],
                "final_schedule": {"rendered_schedule_entries": [
                    {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z", "user": user("P1")}]}}}),
            json!({"teams": [{"id": "T1", "type": "team", "name": "Payments"}]}),
        ];
        let mut gathering = Gathering::default();
        for document in documents {
            expand(document, None, &mut |object, kind| {
                if let recognise::Kind::PagerDuty(kind) = kind {
                    gathering.take(kind, object, 0);
                }
            });
        }
        let mut output = Output::default();
        gathering.map(&Mapping::default(), Some("acme"), &mut output);
        reference::infer(&mut output);
        let mut told = Vec::new();
        for (event, _) in &output.events {
            match &event.payload {
                Payload::SystemRecorded(message) => {
                    let pb::SystemRecorded { system, squad, production, .. } = message.as_ref();
                    told.push(format!("{system} of {squad}, production {production}"));
                }
                Payload::CoverageRecorded(message) => told.push(message.system.clone()),
                _ => {}
            }
        }
        let [one, two] = ["inferred:pagerduty:acme:S1", "inferred:pagerduty:acme:S2"];
        let of_team = |system: &str| format!("{system} of inferred:pagerduty:acme:T1, production true");
        let expected = [of_team(one), one.to_owned(), one.to_owned(), of_team(two), two.to_owned()];
        assert_eq!(told, expected, "of S3 nobody can tell: its policy is not here");
    }
}
