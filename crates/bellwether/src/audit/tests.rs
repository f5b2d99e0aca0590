//! The report on worlds built event by event.

use bellwether_model::{EventTime, Millis, Ratio, Thresholds};
use bellwether_wire::pb;

use super::*;
use crate::replay::{Pipeline, order};

/// Monday of the first sprint.
const START: &str = "2026-02-02T09:00:00Z";

fn at(day: i64, hour: i64) -> EventTime {
    EventTime::parse(START).expect("an instant").plus(Millis::days(day)).plus(Millis::hours(hour))
}

/// Events with ids of their own.
#[derive(Default)]
struct World(Vec<Event>);

impl World {
    fn tell(&mut self, at: EventTime, payload: impl Into<Payload>) {
        let id = format!("{:04}", self.0.len());
        self.0.push(Event::new("test://world", id, at, payload));
    }

    fn with_squad() -> Self {
        let mut world = Self::default();
        let squad = pb::SquadRecorded {
            squad: "inferred:jira:acme:11".into(),
            name: "Payments".into(),
            boards: vec!["11".into()],
            ..Default::default()
        };
        world.tell(at(-30, 0), squad);
        world
    }

    /// A sprint of a week from a day on.
    fn sprint(&mut self, id: &str, day: i64) {
        let board = "11".to_owned();
        let (sprint, name) = (id.to_owned(), format!("Sprint {id}"));
        let activated = pb::SprintActivated { sprint, name, board: board.clone(), ..Default::default() };
        self.tell(at(day, 0), activated);
        self.tell(at(day + 7, 0), pb::SprintClosed { sprint: id.into(), board, ..Default::default() });
    }

    /// A ticket's state from an instant on.
    fn ticket(
        &mut self,
        ticket: &str,
        sprint: &str,
        points: f64,
        category: pb::StatusCategory,
        at: EventTime,
    ) {
        let change = pb::TicketChanged {
            ticket: ticket.into(),
            sprint: sprint.into(),
            board: "11".into(),
            points: Some(points),
            category: category.into(),
            ..Default::default()
        };
        self.tell(at, change);
    }

    /// A ticket committed to a sprint that began on a day, and done in it or not.
    fn committed(&mut self, ticket: &str, sprint: &str, day: i64, points: f64, is_done: bool) {
        self.ticket(ticket, sprint, points, pb::StatusCategory::Todo, at(day, -1));
        if is_done {
            self.ticket(ticket, sprint, points, pb::StatusCategory::Done, at(day + 3, 0));
        }
    }

    /// Somebody of the squad.
    fn person(&mut self, person: &str) {
        let reference: [Payload; 3] = [
            pb::PersonRecorded { person: person.into(), name: person.into(), ..Default::default() }.into(),
            pb::IdentityRecorded {
                source: "pagerduty://acme".into(),
                external_id: person.into(),
                person: person.into(),
                ..Default::default()
            }
            .into(),
            pb::MembershipRecorded {
                person: person.into(),
                squad: "inferred:jira:acme:11".into(),
                ..Default::default()
            }
            .into(),
        ];
        reference.into_iter().for_each(|payload| self.tell(at(-30, 0), payload));
    }

    fn page(&mut self, person: &str, at: EventTime) {
        let incident = format!("I{}", self.0.len());
        let responder = pb::Identity { source: "pagerduty://acme".into(), external_id: person.into() };
        let opened = pb::IncidentChanged {
            incident: incident.clone(),
            change: pb::IncidentChange::Opened.into(),
            service: "checkout".into(),
            automatic: true,
            ..Default::default()
        };
        self.tell(at, opened);
        let page = pb::PageNotified {
            incident,
            responder: Some(responder),
            channel: pb::PageChannel::Push.into(),
            urgency: pb::Urgency::High.into(),
            service: "checkout".into(),
            imported: true,
            ..Default::default()
        };
        self.tell(at, page);
    }

    fn report(&mut self) -> (Report, crate::replay::pipeline::Unresolved) {
        order::sort(&mut self.0);
        let until = self.0.last().expect("events").time.plus(Millis::hours(6));
        let mut pipeline = Pipeline::new(HashKey::ZERO, HashKey::ZERO, &Thresholds::default());
        self.0.iter().for_each(|event| pipeline.fold(event));
        pipeline.finish(until);
        let said = pipeline.take();
        (report(&self.0, &said, false, &BTreeMap::new()), pipeline.unresolved())
    }
}

#[test]
fn done_is_the_share_of_the_committed_points_whatever_was_added_after() {
    let mut world = World::with_squad();
    world.sprint("1", 0);
    for (ticket, points, is_done) in [("a", 8.0, true), ("b", 8.0, true), ("c", 8.0, true), ("d", 6.0, false)]
    {
        world.committed(ticket, "1", 0, points, is_done);
    }
    world.ticket("late", "1", 5.0, pb::StatusCategory::Todo, at(2, 0));
    world.ticket("late", "1", 5.0, pb::StatusCategory::Done, at(3, 0));
    world.committed("reopened", "1", 0, 10.0, true);
    world.ticket("reopened", "1", 10.0, pb::StatusCategory::InProgress, at(4, 0));
    let (report, _) = world.report();
    assert_eq!(report.sprints[0].committed, 40.0);
    assert_eq!(report.sprints[0].done.as_deref(), Some("60 %"), "24 of 40");
    assert_eq!(report.sprints[0].commit_reliability, None, "no deployments, no production");
}

#[test]
fn drift_is_how_far_reliability_moved_over_the_last_four_sprints_in_points() {
    let mut world = World::with_squad();
    // The first of five is not among the last four.
    for (n, done_of_ten) in [1.0, 8.0, 7.5, 7.0, 5.0].into_iter().enumerate() {
        let (id, day) = (n.to_string(), 7 * i64::try_from(n).expect("small"));
        world.sprint(&id, day);
        world.committed(&format!("done{n}"), &id, day, done_of_ten, true);
        world.committed(&format!("left{n}"), &id, day, 10.0 - done_of_ten, false);
    }
    let (report, _) = world.report();
    let shares: Vec<_> = report.sprints.iter().filter_map(|line| line.done.as_deref()).collect();
    assert_eq!(shares, ["80 %", "75 %", "70 %", "50 %"]);
    let [drift] = report.drift.as_slice() else { panic!("{:?}", report.drift) };
    assert_eq!((drift.from.as_str(), drift.to.as_str(), drift.points.as_str()), ("80 %", "50 %", "-30"));
    assert_eq!((drift.squad.as_str(), drift.sprints, drift.rests_on), ("Payments", 4, "done"));
}

#[test]
fn weekend_people_are_those_with_a_weekend_page_in_the_four_weeks() {
    let mut world = World::with_squad();
    ["ann", "bob", "cyd"].into_iter().for_each(|person| world.person(person));
    for (person, day) in [("ann", 5), ("ann", 6), ("bob", 12), ("cyd", 7)] {
        world.page(person, at(day, 4));
    }
    let (report, unresolved) = world.report();
    let [line] = report.load.as_slice() else { panic!("{:?}", report.load) };
    assert_eq!((line.squad.as_str(), line.weekend_people), ("Payments", 2));
    assert!(line.top.starts_with("eng-"), "a pseudonym: {}", line.top);
    assert_eq!(unresolved.events(), 0, "what belongs to a page is explained by it");
}

#[test]
fn an_empty_table_says_why_it_is_empty() {
    let mut world = World::with_squad();
    world.page("nobody-knows", at(0, 0));
    let (report, unresolved) = world.report();
    assert!(report.empty.load.is_some_and(|why| why.contains("/users and /teams")), "{:?}", report.empty);
    assert!(report.empty.sprints.is_some_and(|why| why.contains("no closed sprints")), "{:?}", report.empty);
    assert!(report.empty.triggers.is_some() && report.empty.drift.is_some());
    assert_eq!((unresolved.people, unresolved.places), (1, 1));
}

#[test]
fn squads_of_one_name_are_told_apart() {
    let squad = |id: &str, name: &str| {
        let message = pb::SquadRecorded { squad: id.into(), name: name.into(), ..Default::default() };
        Event::new("test://world", id, at(0, 0), message)
    };
    let names = Names::of(&[squad("a", "Core"), squad("b", "Core"), squad("c", "Web")], false);
    assert_eq!([names.squad("a"), names.squad("c"), names.squad("d")], ["Core (a)", "Web", "d"]);
}

#[test]
fn the_page_is_one_file_that_fetches_nothing_and_escapes_what_exports_say() {
    let mut world = World::with_squad();
    for (n, done_of_ten) in [8.0, 5.0].into_iter().enumerate() {
        let (id, day) = (format!("<b>{n}"), 7 * i64::try_from(n).expect("small"));
        world.sprint(&id, day);
        world.committed(&format!("done{n}"), &id, day, done_of_ten, true);
        world.committed(&format!("left{n}"), &id, day, 10.0 - done_of_ten, false);
    }
    let (report, _) = world.report();
    let page = html::page(&report);
    for told in
        ["<td>Sprint &lt;b&gt;1</td>", "<td>-30</td>", "<title>Payments: done</title>", "None: no pages"]
    {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    assert!(!page.contains("<b>"), "what an export says is text");
    for fetching in ["<script", "src=", "href=", "url(", "@import", "http"] {
        assert!(!page.contains(fetching), "{fetching} in {page}");
    }
    let tall = |share: f64| format!("height=\"{:.1}\"", share * 120.0);
    assert!(page.contains(&tall(0.8)) && page.contains(&tall(0.5)), "bars as tall as the shares");
}

#[test]
fn a_shift_to_come_does_not_move_the_end_of_the_exports() {
    let mut world = World::with_squad();
    ["ann", "bob", "cyd"].into_iter().for_each(|person| world.person(person));
    for day in 0..5 {
        world.page("ann", at(day, 4));
    }
    let shift = pb::ShiftScheduled { shift: "later".into(), schedule: "S".into(), ..Default::default() };
    world.tell(at(60, 0), shift);
    assert_eq!(end(&world.0), at(4, 4), "the last page");
}

#[test]
fn a_squad_whose_median_is_nought_is_a_risk_before_any_ratio() {
    let line = |squad: &str, pages: u32, ratio: Option<Ratio>| LoadLine {
        id: squad.into(),
        squad: squad.into(),
        top: String::new(),
        top_per_week: String::new(),
        median: String::new(),
        ratio: ratio.map(|ratio| ratio.round_half_even(1)).unwrap_or_default(),
        weekend_people: 0,
        people: 4,
        top_pages: pages,
        concentrated: ratio.is_none(),
        exact: ratio,
    };
    let ratio = |num, den| Ratio::new(num, den);
    let risk = |lines: &[LoadLine]| load::next_risk(lines);
    let even = line("even", 20, ratio(149, 100));
    assert_eq!(risk(std::slice::from_ref(&even)), None, "1.49x is below the target, though it shows as 1.5");
    let just = line("just", 20, ratio(151, 100));
    assert!(risk(&[even.clone(), just.clone()]).is_some_and(|told| told.starts_with("just: ")));
    let hero = line("hero", 12, None);
    assert!(
        risk(&[even, just, hero]).is_some_and(|told| told.starts_with("hero: one engineer carries 12 pages"))
    );
    assert_eq!(risk(&[line("quiet", 3, ratio(3, 1))]), None, "three pages are nobody's burden");
}

#[test]
fn a_ticket_held_up_by_another_squad_for_more_than_48_hours_is_a_breach() {
    let mut world = World::with_squad();
    let other = pb::SquadRecorded {
        squad: "other".into(),
        name: "Search".into(),
        boards: vec!["S".into()],
        ..Default::default()
    };
    world.tell(at(-30, 0), other);
    let ticket = |id: &str, board: &str, category, blocker: &str| pb::TicketChanged {
        ticket: id.into(),
        key: id.to_uppercase(),
        board: board.into(),
        category: pb::StatusCategory::into(category),
        blocked_by: (!blocker.is_empty())
            .then(|| pb::BlockedBy { ticket: blocker.into(), since: None })
            .into_iter()
            .collect(),
        ..Default::default()
    };
    let (todo, done) = (pb::StatusCategory::Todo, pb::StatusCategory::Done);
    for blocker in ["exact", "late", "open"] {
        world.tell(at(0, 0), ticket(blocker, "S", todo, ""));
        world.tell(at(0, 1), ticket(&format!("waits-{blocker}"), "11", todo, blocker));
    }
    world.tell(at(0, 1), ticket("own", "11", todo, "waits-late"));
    world.tell(at(2, 1), ticket("exact", "S", done, ""));
    world.tell(at(2, 2), ticket("late", "S", done, ""));
    world.tell(at(9, 0), ticket("else", "S", todo, ""));
    let (report, _) = world.report();
    let told: Vec<_> = report
        .dependencies
        .iter()
        .map(|line| (line.blocker.as_str(), line.until.is_some(), line.open_hours))
        .collect();
    assert_eq!(told, [("LATE", true, 49), ("OPEN", false, 215)], "at exactly 48 hours it is in time");
    assert_eq!(
        (report.dependencies[0].consumer.as_str(), report.dependencies[0].provider.as_str()),
        ("Payments", "Search")
    );
}

#[test]
fn production_is_told_of_squads_whose_tickets_deployments_contain() {
    let mut world = World::with_squad();
    world.sprint("1", 0);
    world.committed("a", "1", 0, 2.0, true);
    world.committed("b", "1", 0, 2.0, true);
    world.committed("unsized", "1", 0, 4.0, true);
    let deployment = |ticket: &str| pb::DeploymentFinished {
        deployment: "d".into(),
        environment: "production".into(),
        outcome: pb::Outcome::Succeeded.into(),
        tickets: vec![ticket.into()],
        ..Default::default()
    };
    let mut elsewhere = World(world.0.clone());
    world.tell(at(3, 0), deployment("a"));
    let (report, _) = world.report();
    assert_eq!(report.sprints[0].commit_reliability.as_deref(), Some("25 %"), "2 of 8");
    let line = &report.sprints[0];
    assert_eq!((line.shipped, line.done_points, line.credit_refused), (Some(2.0), 8.0, 4.0));
    assert!(report.notes.iter().any(|note| note.starts_with("4 committed points")), "{:?}", report.notes);
    elsewhere.tell(at(3, 0), deployment("nobody-knows"));
    let (report, _) = elsewhere.report();
    assert_eq!(report.sprints[0].commit_reliability, None);
    assert!(report.notes.iter().any(|note| note.contains("name no ticket")), "{:?}", report.notes);
}

#[test]
fn a_system_with_one_responder_is_a_single_point_of_failure_and_comes_first() {
    let mut world = World::with_squad();
    for (system, people) in [("a", 3), ("b", 2), ("c", 1)] {
        let message = pb::SystemRecorded { system: system.into(), production: true, ..Default::default() };
        world.tell(at(0, 0), message);
        for person in 0..people {
            let message = pb::CoverageRecorded {
                system: system.into(),
                person: format!("p{person}"),
                ..Default::default()
            };
            world.tell(at(0, 0), message);
        }
    }
    let (report, _) = world.report();
    let told: Vec<_> = report.coverage.iter().map(|line| (line.id.as_str(), line.verdict.words())).collect();
    assert_eq!(told, [("c", "single point of failure"), ("b", "gap"), ("a", "covered")]);
    assert!(report.coverage[0].only.as_deref().is_some_and(|only| only.starts_with("eng-")), "a pseudonym");
}
