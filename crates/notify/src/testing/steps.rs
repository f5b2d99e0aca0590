//! Fired steps of every rule, as the escalator publishes them.

use bellwether_model::{EventTime, Millis, RuleId};
use bellwether_wire::{Event, instant, pb};

use super::org::{now, pseudonym};

/// The default audience of a level.
pub(crate) fn audience(rule: RuleId, level: u32) -> &'static [&'static str] {
    let date_rule = rule.is_date_rule();
    match (level, rule) {
        (1, RuleId::MissedCheckIn) => &["key-result-owner"],
        (1, RuleId::OwnerAbsence) => &["key-result-owner", "squad-em"],
        (1, RuleId::DependencyBreach) => &["both-ems"],
        (1, RuleId::KpiDrift) => &["key-result-owner", "platform-lead"],
        (1, _) if rule.is_page_rule() => &["squad-em"],
        (1, _) => &["squad-em", "key-result-owner"],
        (2, _) if !date_rule => &["adjacent-ems", "platform-lead"],
        (2, _) => &[],
        (3, _) => &["vp-engineering"],
        (4, _) => &["cto"],
        _ => &["cto", "vp-engineering", "chro", "cfo"],
    }
}

/// A fired step of a rule at a level.
pub(crate) fn step(rule: RuleId, level: u32) -> pb::StepFired {
    let at = now().plus(Millis::days(i64::from(level) * 2 - 2));
    let (kind, id, key_result) = match rule {
        RuleId::VelocityDropPageLoad | RuleId::VelocityDropForecast => {
            (pb::SubjectKind::Engineer, pseudonym("p-ana"), "kr-load")
        }
        RuleId::VelocityDropConcentration => (pb::SubjectKind::Engineer, pseudonym("p-ana"), "kr-spread"),
        RuleId::MissedCheckIn | RuleId::OwnerAbsence => {
            (pb::SubjectKind::KeyResult, "kr-nps".to_owned(), "kr-nps")
        }
        RuleId::DependencyBreach => (pb::SubjectKind::Dependency, "dep-invoices".to_owned(), "kr-commit"),
        RuleId::KpiDrift => (pb::SubjectKind::Kpi, "build-time".to_owned(), "kr-commit"),
        RuleId::VelocityDropPace | RuleId::MomentumDecay => {
            (pb::SubjectKind::Squad, "payments".to_owned(), "kr-commit")
        }
        RuleId::ProjectedMiss => (pb::SubjectKind::KeyResult, "kr-nps".to_owned(), "kr-nps"),
    };
    let squads: &[&str] =
        if rule == RuleId::DependencyBreach { &["search", "payments"] } else { &["payments"] };
    pb::StepFired {
        step: format!("5f1c9d2e/L{level}"),
        escalation: "5f1c9d2e".into(),
        trigger: "77ab01".into(),
        level,
        due: Some(instant::timestamp(at)),
        fired_at: Some(instant::timestamp(at)),
        audience: audience(rule, level).iter().map(|role| (*role).to_owned()).collect(),
        rule: rule.as_str().into(),
        key_result: key_result.into(),
        subject: Some(pb::Subject { kind: kind.into(), id, squad: "payments".into() }),
        squads: squads.iter().map(|squad| (*squad).to_owned()).collect(),
        recipients: recipients(audience(rule, level)),
        explain: Some(explain(rule)),
        blast_radius: (rule == RuleId::DependencyBreach).then(|| pb::BlastRadius {
            key_results: vec!["kr-commit".into(), "kr-nps".into()],
            tickets: vec!["PAY-17".into(), "PAY-21".into()],
            customer_commitments: vec!["cc-1".into()],
            dependencies: vec![],
        }),
        started_at: Some(instant::timestamp(now())),
        function: "engineering".into(),
        ..Default::default()
    }
}

/// The event of a step.
pub(crate) fn event(step: pb::StepFired) -> Event {
    let at = instant::optional(step.fired_at.as_ref()).unwrap();
    Event::new("bellwether://escalate", format!("{}/fired", step.step), at, step)
}

fn recipients(audience: &[&str]) -> Vec<String> {
    let persons = audience.iter().flat_map(|role| match *role {
        "squad-em" => &["p-em"][..],
        "adjacent-ems" => &["p-em2", "p-em3"],
        "both-ems" => &["p-em2", "p-em"],
        "platform-lead" => &["p-plat"],
        "vp-engineering" => &["p-vp"],
        "cto" => &["p-cto"],
        "chro" => &["p-chro"],
        "cfo" => &["p-cfo"],
        _ => &["p-eli"],
    });
    persons.map(|person| pseudonym(person)).collect()
}

fn explain(rule: RuleId) -> pb::Explain {
    let (inputs, thresholds, arithmetic, clears): (&[_], &[_], &str, &str) = match rule {
        RuleId::VelocityDropPageLoad => (
            &[("pages", "29", "29", "pages"), ("pages-per-week", "29/4", "7.2", "pages/week")],
            &[("page-load.pages-per-week", "4", "pages/week"), ("page-load.window-days", "28", "days")],
            "29 pages / 4 weeks = 7.25 a week > 4",
            "the mean stays at or below the threshold for seven days",
        ),
        RuleId::VelocityDropForecast => (
            &[
                ("pages", "14", "14", "pages"),
                ("pages-per-week", "7/2", "3.5", "pages/week"),
                ("pages-of-the-last-week", "9", "9", "pages"),
                ("first-day", "6", "6", "days from today"),
                ("forecast", "123/7", "17.6", "pages"),
            ],
            &[("page-load.pages-per-week", "4", "pages/week"), ("forecast.horizon-days", "14", "days")],
            "10 still inside after 6 days + 9 x 6/7 = 17.71 > 16",
            "the rate no longer takes the mean past the threshold for seven days, or page-load fires",
        ),
        RuleId::VelocityDropConcentration => (
            &[
                ("top-pages", "29", "29", "pages"),
                ("median-pages", "7", "7", "pages"),
                ("pages-per-week", "29/4", "7.2", "pages/week"),
                ("median-pages-per-week", "7/4", "1.8", "pages/week"),
                ("population", "6", "6", "people"),
                ("ratio", "29/7", "4.1x", "x"),
            ],
            &[("concentration.ratio", "2.5", "x")],
            "29 / 7 = 4.14 > 2.5",
            "somebody else is the top, or the ratio stays at or below the threshold, for seven days",
        ),
        RuleId::VelocityDropPace => (
            &[
                ("value", "24", "24", ""),
                ("pace", "12/25", "0.48", ""),
                ("elapsed", "1/2", "0.5", "of the quarter"),
            ],
            &[("pace.floor", "0.5", "")],
            "((24 - 0) / (100 - 0)) / 1/2 = 0.48 < 0.5",
            "pace stays at or above the floor for seven days",
        ),
        RuleId::MissedCheckIn => (
            &[("windows-missed-in-a-row", "2", "2", "windows")],
            &[("check-in.close", "17:00", "owner's time")],
            "0 valid check-ins in the window, 1 needed; 2 missed in a row",
            "the owner or a delegate files a value or no_change with evidence",
        ),
        RuleId::DependencyBreach => (
            &[("due", "2026-03-03T16:00:00.000Z", "2026-03-03T16:00:00.000Z", "instant")],
            &[("dependency.blocker-hours", "48", "h")],
            "undelivered at 2026-03-03T16:00:00.000Z, the agreed instant",
            "it is delivered, cancelled, or re-agreed; for a blocker, cleared",
        ),
        _ => (
            &[("value", "18", "18", "points")],
            &[("rule.threshold", "0.7", "")],
            "22 / 40 = 0.55 < 0.7",
            "the projection is at least the threshold for seven days",
        ),
    };
    let is_personal = rule.is_page_rule() || matches!(rule, RuleId::MissedCheckIn | RuleId::OwnerAbsence);
    pb::Explain {
        rule: rule.as_str().into(),
        rule_version: 1,
        inputs: inputs
            .iter()
            .map(|(name, value, display, unit)| pb::ExplainInput {
                name: (*name).into(),
                value: (*value).into(),
                display: (*display).into(),
                unit: (*unit).into(),
                at: Some(instant::timestamp(now())),
            })
            .collect(),
        thresholds: thresholds
            .iter()
            .map(|(name, value, unit)| pb::ExplainThreshold {
                name: (*name).into(),
                value: (*value).into(),
                unit: (*unit).into(),
                provenance: pb::Provenance::Threshold.into(),
            })
            .collect(),
        window: Some(pb::ExplainWindow {
            from: Some(instant::timestamp(EventTime::parse("2026-02-03T15:00:00Z").unwrap())),
            to: Some(instant::timestamp(EventTime::parse("2026-03-03T15:00:00Z").unwrap())),
            zone: if is_personal { "Asia/Tokyo".into() } else { "Europe/Berlin".into() },
        }),
        arithmetic: arithmetic.into(),
        events: vec![pb::EventRef {
            source: "pagerduty://acme".into(),
            id: "R7:PZ3K9QX:1".into(),
            r#type: "bellwether.page.notified.v1".into(),
        }],
        clears_when: clears.into(),
        notes: vec!["handed over by Ana Souza".into()],
    }
}
