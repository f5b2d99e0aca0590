//! Goldens of every message, and that no message says what its reader may not know.

use bellwether_model::{Audience, RuleId};
use bellwether_wire::{Event, pb};

use super::render;
use crate::redaction::{Medium, Readership, view};
use crate::testing::{org, steps};

fn text(rule: RuleId, level: u32, readership: &Readership) -> String {
    let view = view(&steps::step(rule, level), org::now(), readership, &org::directory()).unwrap();
    render(&view).to_text()
}

fn reader(audience: Audience) -> Readership {
    Readership { audiences: vec![audience], medium: Medium::Email, person: None }
}

/// Every level of a rule as its default audiences read it in private, and the first as anybody reads it.
fn goldens(rule: RuleId) {
    let mut all =
        format!("======== L1, anybody ========\n{}", text(rule, 1, &Readership::anybody(Medium::Terminal)));
    for level in 1..=5 {
        let mut told = Vec::new();
        for role in steps::audience(rule, level) {
            let text = text(rule, level, &reader(Audience::parse(role).unwrap()));
            if !told.contains(&text) {
                all.push_str(&format!("\n======== L{level}, {role} ========\n{text}"));
                told.push(text);
            }
        }
    }
    insta::assert_snapshot!(rule.as_str().replace('.', "-"), all);
}

#[test]
fn page_load_reads_as_agreed() {
    goldens(RuleId::VelocityDropPageLoad);
}

#[test]
fn concentration_reads_as_agreed() {
    goldens(RuleId::VelocityDropConcentration);
}

#[test]
fn forecast_reads_as_agreed() {
    goldens(RuleId::VelocityDropForecast);
}

#[test]
fn pace_reads_as_agreed() {
    goldens(RuleId::VelocityDropPace);
}

#[test]
fn a_missed_check_in_reads_as_agreed() {
    goldens(RuleId::MissedCheckIn);
}

#[test]
fn a_dependency_breach_reads_as_agreed() {
    goldens(RuleId::DependencyBreach);
}

#[test]
fn other_rules_read_sanely() {
    for rule in [RuleId::MomentumDecay, RuleId::KpiDrift, RuleId::OwnerAbsence, RuleId::ProjectedMiss] {
        goldens(rule);
    }
}

#[test]
fn what_is_not_known_is_said_to_be_not_known() {
    let step = steps::step(RuleId::VelocityDropPageLoad, 3);
    let directory = crate::directory::Directory::new(bellwether_wire::ids::HashKey::ZERO);
    let view = view(&step, org::now(), &reader(Audience::VpEngineering), &directory).unwrap();
    insta::assert_snapshot!(render(&view).to_text());
}

#[test]
fn reminders_additions_and_lateness_are_said() {
    let mut step = steps::step(RuleId::VelocityDropPageLoad, 3);
    step.repeat = 2;
    step.added_to = "5f1c9d2e/L3".into();
    step.fired_late_by_seconds = 5_400.0;
    step.supersedes = vec![1, 2];
    let view = view(&step, org::now(), &reader(Audience::VpEngineering), &org::directory()).unwrap();
    let message = render(&view);
    assert!(message.title.starts_with("Reminder 2: Also: VP brief: "), "{}", message.title);
    assert!(message.footer.contains("1 h 30 min later than due"), "{}", message.footer);
    assert!(message.footer.contains("stands for L1 and L2, which ran late together"), "{}", message.footer);
}

/// The renderer has its view and nothing to look names up in: its sources name neither the directory nor the wire.
#[test]
fn the_renderer_cannot_reach_a_name() {
    let sources = [
        include_str!("../render.rs"),
        include_str!("brief.rs"),
        include_str!("level.rs"),
        include_str!("story.rs"),
        include_str!("story/check_in.rs"),
        include_str!("story/dependency.rs"),
        include_str!("story/general.rs"),
        include_str!("story/pace.rs"),
        include_str!("story/page.rs"),
        include_str!("words.rs"),
    ];
    for source in sources {
        for forbidden in ["crate::directory", "bellwether_wire", "Directory", "pb::"] {
            assert!(!source.contains(forbidden), "{forbidden} in a renderer");
        }
    }
}

mod privacy;

#[test]
fn how_a_key_result_stands_is_told_and_its_figures_only_to_those_who_may_see_them() {
    let mut directory = org::directory();
    for key_result in ["kr-load", "kr-nps"] {
        let display = |display: &str| Some(pb::Measure { display: display.into(), ..Default::default() });
        let state = pb::KeyResultAssessed {
            key_result: key_result.into(),
            status: pb::Status::Red.into(),
            reason: "7.2 is above 4".into(),
            current: display("7.2"),
            pace: display("0.33"),
            projected_completion: display("61 %"),
            ..Default::default()
        };
        directory.apply(&Event::new("bellwether://process", key_result, org::recorded(), state));
    }
    let section = |rule: RuleId, readership: &Readership| {
        let view = view(&steps::step(rule, 1), org::now(), readership, &directory).unwrap();
        let message = render(&view);
        let found = message.sections.iter().find(|section| section.heading == "Key result");
        found.map(|section| section.lines.join("\n")).unwrap_or_default()
    };
    let anybody = Readership::anybody(Medium::Terminal);
    let load = section(RuleId::VelocityDropPageLoad, &anybody);
    assert!(load.contains(" was red on ") && load.contains("Its figures are left out here."), "{load}");
    assert!(!load.contains("7.2") && !load.contains("0.33"), "{load}");
    let load = section(RuleId::VelocityDropPageLoad, &reader(Audience::SquadEm));
    assert!(load.contains("7.2 is above 4") && load.contains("pace 0.33"), "{load}");
    let nps = section(RuleId::ProjectedMiss, &anybody);
    assert!(nps.contains("projected completion 61 % of the target"), "{nps}");
}

#[test]
fn while_the_condition_is_false_a_message_says_since_when_and_how_the_engineer_stands_now() {
    let mut step = steps::step(RuleId::VelocityDropConcentration, 3);
    let explain = step.explain.as_mut().unwrap();
    explain.inputs.retain(|input| input.name != "ratio");
    for (name, value) in [("pages", "5"), ("condition-false-since", "2026-03-01T00:00:00.000Z")] {
        explain.inputs.push(pb::ExplainInput {
            name: name.into(),
            value: value.into(),
            display: value.into(),
            ..Default::default()
        });
    }
    let view = view(&step, org::now(), &reader(Audience::VpEngineering), &org::directory());
    let text = render(&view.unwrap()).to_text();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains(
            "5 pages in 28 days while the squad's median is 7. \
             The condition has not held since 2026-03-01T00:00:00.000Z."
        ),
        "{text}"
    );
}
