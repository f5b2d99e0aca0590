//! The table, and that nothing gets past it.

use std::fmt::Write as _;

use bellwether_model::RuleId;

use super::view::{Individual, Seen};
use super::*;
use crate::testing::{org, steps};

fn reader(audience: Audience, medium: Medium) -> Readership {
    Readership { audiences: vec![audience], medium, person: None }
}

fn view_of(rule: RuleId, level: u32, readership: &Readership) -> Redacted<StepView> {
    view(&steps::step(rule, level), org::now(), readership, &org::directory()).unwrap()
}

#[test]
fn the_whole_table() {
    let mut table = String::new();
    for level in Level::ALL {
        for audience in Audience::ALL {
            write!(table, "{level} {audience:<17}").unwrap();
            for medium in Medium::ALL {
                write!(table, " {:<16}", format!("{:?}", showing(level, &[*audience], medium))).unwrap();
            }
            table = table.trim_end().to_owned();
            table.push('\n');
        }
    }
    insta::assert_snapshot!(format!("{:?}\n{table}", Medium::ALL));
}

#[test]
fn where_peers_can_read_no_role_is_shown_anything() {
    for level in Level::ALL {
        for medium in Medium::ALL.into_iter().filter(|medium| medium.peers_can_read()) {
            assert_eq!(showing(level, Audience::ALL, medium), Showing::Hidden, "{level} {medium:?}");
        }
    }
}

#[test]
fn a_reader_of_two_roles_gets_what_the_greater_one_grants() {
    let both = [Audience::AdjacentEms, Audience::SquadEm];
    assert_eq!(showing(Level::L1, &both, Medium::Email), Showing::Named);
    assert_eq!(showing(Level::L2, &both, Medium::Email), Showing::Hidden);
}

#[test]
fn the_manager_sees_the_name_in_private_and_nobody_sees_it_in_a_room() {
    let rule = RuleId::VelocityDropPageLoad;
    let private = view_of(rule, 1, &reader(Audience::SquadEm, Medium::Email));
    assert!(matches!(&private.individual, Some(Individual::Named { name, .. }) if name == "Ana Souza"));
    assert!(!private.figures_withheld);
    let room = view_of(rule, 1, &reader(Audience::SquadEm, Medium::ChatRoom));
    assert_eq!(room.individual, Some(Individual::Hidden));
    assert!(room.figures.is_empty() && room.figures_withheld && room.arithmetic.is_none());
}

#[test]
fn the_cto_gets_role_and_tenure_and_no_figure_of_one_person() {
    let page = view_of(RuleId::VelocityDropPageLoad, 4, &reader(Audience::Cto, Medium::Email));
    assert!(
        matches!(&page.individual, Some(Individual::RoleAndTenure(it)) if it.role == "senior" && it.years == Some(3))
    );
    assert!(page.figures.is_empty() && page.only_them == Seen::Withheld);
}

#[test]
fn of_a_concentration_only_the_ratio_of_a_large_enough_group_is_shown() {
    let rule = RuleId::VelocityDropConcentration;
    let neighbour = reader(Audience::AdjacentEms, Medium::Email);
    let names = |view: &StepView| view.figures.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&view_of(rule, 2, &neighbour)), ["population", "ratio"]);
    let mut step = steps::step(rule, 2);
    let population = &mut step.explain.as_mut().unwrap().inputs[4];
    assert_eq!(population.name, "population");
    population.value = "4".into();
    let small = view(&step, org::now(), &neighbour, &org::directory()).unwrap();
    assert_eq!(names(&small), [""; 0]);
}

#[test]
fn figures_of_a_squad_of_four_go_to_those_entitled_to_names_alone() {
    let mut directory = org::directory();
    for person in ["p-eli", "p-farid"] {
        let type_name = "bellwether.membership.recorded.v1".to_owned();
        let event = bellwether_wire::Event::new(
            "test",
            person,
            org::now(),
            bellwether_wire::Payload::Tombstone { type_name },
        );
        directory.apply(&event.about(format!("{person}/payments")));
    }
    let step = steps::step(RuleId::VelocityDropPace, 2);
    let of = |readership: &Readership| view(&step, org::now(), readership, &directory).unwrap().figures.len();
    assert_eq!(of(&reader(Audience::AdjacentEms, Medium::Email)), 0);
    let step = steps::step(RuleId::VelocityDropPace, 3);
    let of = |readership: &Readership| view(&step, org::now(), readership, &directory).unwrap().figures.len();
    assert_eq!(of(&reader(Audience::VpEngineering, Medium::Email)), 3);
    assert_eq!(of(&reader(Audience::VpEngineering, Medium::ChatRoom)), 0);
}

#[test]
fn the_weekly_load_of_whoever_has_most_is_theirs_though_the_pace_is_the_squads() {
    let mut step = steps::step(RuleId::VelocityDropPace, 2);
    step.key_result = "kr-load".into();
    let inputs = &mut step.explain.as_mut().unwrap().inputs;
    inputs[0].name = "week 3".into();
    let view =
        view(&step, org::now(), &reader(Audience::AdjacentEms, Medium::Email), &org::directory()).unwrap();
    let names: Vec<&str> = view.figures.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["pace", "elapsed"]);
    assert!(view.figures_withheld && view.arithmetic.is_none());
}

#[test]
fn page_sources_of_a_small_squad_are_withheld_and_of_an_unread_one_unknown() {
    let step = steps::step(RuleId::VelocityDropPageLoad, 2);
    let neighbour = reader(Audience::AdjacentEms, Medium::Email);
    let unread = view(&step, org::now(), &neighbour, &org::directory_without_situation()).unwrap();
    assert!(matches!(unread.sources, Seen::Unknown(_)) && matches!(unread.unfilled, Seen::Unknown(_)));
    let mut directory = org::directory();
    let load = pb_load(3);
    directory.apply(&bellwether_wire::Event::new("test", "load", org::now(), load));
    assert_eq!(view(&step, org::now(), &neighbour, &directory).unwrap().sources, Seen::Withheld);
}

fn pb_load(eligible: u32) -> bellwether_wire::pb::LoadAssessed {
    bellwether_wire::pb::LoadAssessed { squad: "payments".into(), eligible, ..Default::default() }
}

#[test]
fn the_owner_reads_about_themselves_in_private_and_nobody_else_does() {
    let rule = RuleId::MissedCheckIn;
    let owner = view_of(rule, 1, &reader(Audience::KeyResultOwner, Medium::Email));
    assert_eq!(owner.individual, Some(Individual::Reader));
    assert_eq!(owner.figures.len(), 1);
    let room = view_of(rule, 1, &reader(Audience::KeyResultOwner, Medium::ChatRoom));
    assert_eq!(room.individual, Some(Individual::Hidden));
    assert!(room.figures.is_empty());
}

#[test]
fn the_engineer_reads_their_own_figures_whatever_their_role() {
    let themselves =
        Readership { audiences: vec![], medium: Medium::DirectMessage, person: Some("p-ana".into()) };
    let view = view_of(RuleId::VelocityDropPageLoad, 3, &themselves);
    assert_eq!(view.individual, Some(Individual::Reader));
    assert_eq!(view.figures.len(), 2);
}

#[test]
fn a_machine_gets_a_pseudonym_only_where_the_name_may_be_known_and_never_the_recipients() {
    let rule = RuleId::VelocityDropPageLoad;
    let shown = |level, readership: &Readership| {
        step_for(&steps::step(rule, level), org::now(), readership, &org::directory()).unwrap().into_inner()
    };
    let vp = shown(3, &reader(Audience::VpEngineering, Medium::PrivateWebhook));
    assert_eq!(vp.subject.unwrap().id, org::pseudonym("p-ana"));
    assert!(vp.recipients.is_empty());
    let neighbours = shown(2, &reader(Audience::AdjacentEms, Medium::PrivateWebhook));
    assert_eq!(neighbours.subject.unwrap().id, "");
    let explain = neighbours.explain.unwrap();
    assert!(explain.inputs.is_empty() && explain.events.is_empty() && explain.window.is_none());
    assert_eq!(explain.arithmetic, "");
    assert!(neighbours.recipients.is_empty());
}

#[test]
fn an_unknown_rule_is_treated_as_being_about_one_person() {
    let mut step = steps::step(RuleId::KpiDrift, 2);
    step.rule = "rule-of-tomorrow".into();
    let readership = reader(Audience::AdjacentEms, Medium::Email);
    let view = view(&step, org::now(), &readership, &org::directory()).unwrap();
    assert!(view.figures.is_empty() && view.arithmetic.is_none());
    assert_eq!(view.individual, None);
}

#[test]
fn a_level_that_is_none_is_an_error() {
    let step = steps::step(RuleId::KpiDrift, 1);
    for level in [0, 6, 999] {
        let step = bellwether_wire::pb::StepFired { level, ..step.clone() };
        let readership = Readership::anybody(Medium::Terminal);
        assert_eq!(view(&step, org::now(), &readership, &org::directory()), Err(Error::Level(level)));
    }
}
