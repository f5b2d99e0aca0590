//! `velocity-drop.page-load`: an engineer's rolling 28-day mean is above 4 pages a week, i.e. more than 16 pages (R33).
//!
//! Judged once for a person, in their first squad; the instance keeps its key result when they move (R35).

use bellwether_model::{EventTime, Measure, PersonId, Ratio, RuleId, SquadId};
use bellwether_wire::envelope::EventId;
use bellwether_wire::pb;

use super::{engineer, forecast};
use crate::context::Context;
use crate::explain::{ExplainBuilder, beside};
use crate::instance::{Finding, Verdict};
use crate::page::Pages;
use crate::page::today::Window;
use crate::rule;

/// Name of the input that guards of escalations look at: exact pages a week.
pub const PAGES_PER_WEEK: &str = "pages-per-week";

/// Looks at a person: load first, then the forecast, which is silent while load is active.
pub(crate) fn look(pages: &mut Pages, context: &mut Context<'_>, person: &PersonId) {
    let Some(now) = pages.now(context, person) else { return };
    if !now.standing.judged_here {
        return;
    }
    let Some(limit) = context.reference.page_lines().limit else { return };
    let total = now.window.total();
    let holds = Ratio::from(total) > limit;
    let runs = rule::is_running(context, person);
    if !holds && !runs && now.window.last(rate_days(context)) == 0 {
        // Nobody paged of late passes anything.
        return;
    }
    let (window, home) = (now.window.clone(), now.standing.home().cloned());
    let key = engineer(RuleId::VelocityDropPageLoad, person);
    if holds {
        if !context.stands(&key, watched(context, per_week(context, total))) {
            let explain = explain(pages, context, key.rule, person, &window);
            let finding = finding(context, home.as_ref(), &window, pb::Severity::Critical, explain);
            context.judge(key, Verdict::True(Box::new(finding)));
        }
    } else if runs {
        let watched = watched(context, per_week(context, total));
        if context.is_to_wane(&key, watched) {
            let explain = explain(pages, context, key.rule, person, &window);
            context.judge(key, Verdict::no("the mean is back at or below the threshold", watched, explain));
        }
    }
    forecast::look(pages, context, person, home.as_ref(), &window);
}

/// What is found about the load of a person, present or forecast: under O2 of their first squad (R35).
pub(super) fn finding(
    context: &Context<'_>,
    home: Option<&SquadId>,
    window: &Window,
    severity: pb::Severity,
    explain: ExplainBuilder,
) -> Finding {
    let now = context.now;
    Finding {
        key_result: home
            .and_then(|squad| context.reference.key_result_of(Measure::O2, squad, now))
            .or_else(|| org_wide(context, Measure::O2))
            .cloned(),
        id_suffix: None,
        as_of: context.as_of(),
        severity,
        explain: explain.build(),
        blast_radius: None,
        squads: home.iter().map(ToString::to_string).collect(),
        watched: watched(context, per_week(context, window.total())).to_owned(),
        amend: None,
        second_window: false,
    }
}

/// The numbers of a person's window now, in the name of a rule.
pub(super) fn explain_now(
    pages: &mut Pages,
    context: &Context<'_>,
    rule: RuleId,
    person: &PersonId,
) -> ExplainBuilder {
    match pages.now(context, person).map(|now| now.window.clone()) {
        Some(window) => explain(pages, context, rule, person, &window),
        None => ExplainBuilder::new(rule),
    }
}

/// The numbers of a window, above the threshold or not.
pub(super) fn explain(
    pages: &Pages,
    context: &Context<'_>,
    rule: RuleId,
    person: &PersonId,
    window: &Window,
) -> ExplainBuilder {
    let now = context.now;
    let zone = context.reference.zone_of(person, now);
    let total = window.total();
    let weeks = weeks(context);
    let mean = per_week(context, total);
    let most = context.thresholds().page_load_pages_per_week;
    let (shown, sign) = beside(mean, most);
    let (from, to) = (zone.day_start(window.today.minus(27)), zone.day_start(window.today.plus(1)));
    ExplainBuilder::new(rule)
        .input("pages", total, total, "pages", now)
        .input(PAGES_PER_WEEK, mean.exact(), mean.round_half_even(1), "pages/week", now)
        .threshold(context.thresholds(), "page-load.pages-per-week", "pages/week")
        .threshold(context.thresholds(), "page-load.window-days", "days")
        .window(from, to, zone.name())
        .arithmetic(format!(
            "{total} pages / {} weeks = {shown} a week {sign} {}",
            weeks.exact(),
            most.exact()
        ))
        .events(latest(pages, person, from, to))
        .clears_when("the mean stays at or below the threshold for seven days")
}

/// CloudEvents type of a notification.
pub(super) const PAGE_TYPE: &str = "bellwether.page.notified.v1";

/// The latest page events of a window, newest first.
pub(super) fn latest(
    pages: &Pages,
    person: &PersonId,
    from: EventTime,
    to: EventTime,
) -> impl Iterator<Item = (EventId, &'static str)> {
    let theirs = pages.person(person).into_iter().flat_map(move |theirs| theirs.between(from, to).rev());
    theirs.map(|page| {
        let (source, id) = &page.event;
        (EventId { source: source.to_string(), id: id.to_string() }, PAGE_TYPE)
    })
}

/// The side of the L4 guard's line that a rate is on: crossing it amends the running instance.
pub(super) fn watched<'a>(context: &Context<'a>, mean: Ratio) -> &'a str {
    let lines = context.reference.page_lines();
    if mean >= lines.l4 { &lines.at_least } else { &lines.below }
}

/// Mean pages a week of that many pages in the window.
pub(super) fn per_week(context: &Context<'_>, pages: u32) -> Ratio {
    Ratio::from(pages).checked_div(weeks(context)).unwrap_or(Ratio::ZERO)
}

/// Days whose pages make the present rate.
pub(super) fn rate_days(context: &Context<'_>) -> usize {
    usize::try_from(context.thresholds().forecast_rate_days).unwrap_or(usize::MAX)
}

/// Weeks of the window.
pub(super) fn weeks(context: &Context<'_>) -> Ratio {
    Ratio::new(i128::from(context.thresholds().page_load_window_days), 7).unwrap_or(Ratio::ONE)
}

fn org_wide<'a>(context: &Context<'a>, measure: Measure) -> Option<&'a bellwether_model::KeyResultId> {
    context
        .reference
        .key_results(context.now)
        .find(|(_, key_result)| key_result.measure == measure && key_result.squad.is_none())
        .map(|(id, _)| id)
}
