//! Goldens of every message, and that no message says what its reader may not know.

use bellwether_model::{Audience, RuleId};

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
