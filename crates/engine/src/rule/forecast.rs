//! `velocity-drop.forecast`: at the present weekly rate the rolling mean passes the threshold within 14 days (R34).
//!
//! Silent while page-load is active for the engineer, and over at once when page-load fires.

use bellwether_model::{EventTime, PersonId, Ratio, RuleId, SquadId};
use bellwether_wire::pb;

use super::engineer;
use super::page_load::{self, PAGES_PER_WEEK, finding, latest, per_week, rate_days, watched};
use crate::context::Context;
use crate::explain::{ExplainBuilder, compared};
use crate::instance::Verdict;
use crate::page::Pages;
use crate::page::today::Window;

/// Looks at a person's rate.
pub(crate) fn look(
    pages: &Pages,
    context: &mut Context<'_>,
    person: &PersonId,
    home: Option<&SquadId>,
    window: &Window,
) {
    let key = engineer(RuleId::VelocityDropForecast, person);
    if context.instances.get(&engineer(RuleId::VelocityDropPageLoad, person)).is_some() {
        if context.instances.get(&key).is_some() {
            let explain = page_load::explain(pages, context, key.rule, person, window);
            context.clear(&key, "became page-load", explain);
        }
        return;
    }
    if context.instances.get(&key).is_none() && !may_pass(context, window) {
        return;
    }
    let watched = watched(context, per_week(context, window.total()));
    let verdict = match first_day_above(pages, context, person, window) {
        None => Verdict::NoData,
        Some(None) if !context.is_to_wane(&key, watched) => return,
        Some(None) => {
            let explain = explain_highest(pages, context, person, window);
            Verdict::no("the rate no longer takes the mean past the threshold", watched, explain)
        }
        Some(Some(_)) if context.stands(&key, watched) => return,
        Some(Some((day, forecast))) => {
            let explain = explain(pages, context, person, window, ("first-day", day, forecast));
            Verdict::True(Box::new(finding(context, home, window, pb::Severity::Warning, explain)))
        }
    };
    context.judge(key, verdict);
}

/// False when the rate cannot take the mean past the limit: not even with every page of the window still inside at the
/// horizon.
fn may_pass(context: &Context<'_>, window: &Window) -> bool {
    let thresholds = context.thresholds();
    let Some(limit) = context.reference.page_lines().limit else { return false };
    let days = i128::from(thresholds.forecast_rate_days);
    let recent = i128::from(window.last(rate_days(context)));
    let most = i128::from(window.total()) * days + recent * i128::from(thresholds.forecast_horizon_days);
    most * limit.den() > limit.num() * days
}

/// `None` without enough history; else the first day on which the forecast passes the limit, if any does.
fn first_day_above(
    pages: &Pages,
    context: &Context<'_>,
    person: &PersonId,
    window: &Window,
) -> Option<Option<(u32, Ratio)>> {
    let thresholds = context.thresholds();
    let since = history_begins(pages, context, person)?;
    let zone = context.reference.zone_of(person, context.now);
    let days_known = window.today.since(zone.local_day(since)) + 1;
    if i64::from(days_known) < i64::from(thresholds.forecast_rate_days) {
        return None;
    }
    let limit = context.reference.page_lines().limit?;
    let recent = i128::from(window.last(rate_days(context)));
    if Ratio::from(window.total()) > limit || recent == 0 {
        return Some(None);
    }
    let days = i128::from(thresholds.forecast_rate_days);
    for (day, forecast) in forecasts_in_parts(context, window) {
        // inside + recent * day / days > limit, without a division.
        if forecast * limit.den() > limit.num() * days {
            return Some(Some((day, Ratio::new(forecast, days)?)));
        }
    }
    Some(None)
}

/// Each day up to the horizon, with the pages in the window then at the present rate, times the days that make the rate.
fn forecasts_in_parts(context: &Context<'_>, window: &Window) -> impl Iterator<Item = (u32, i128)> {
    let thresholds = context.thresholds();
    let days = i128::from(thresholds.forecast_rate_days);
    let recent = i128::from(window.last(rate_days(context)));
    (1..=thresholds.forecast_horizon_days)
        .zip(window.insides())
        .map(move |(day, inside)| (day, i128::from(inside) * days + recent * i128::from(day)))
}

/// The numbers of a forecast now: of the first day above the limit, else of the first of the highest.
pub(super) fn explain_now(pages: &mut Pages, context: &Context<'_>, person: &PersonId) -> ExplainBuilder {
    let rule = RuleId::VelocityDropForecast;
    let Some(window) = pages.now(context, person).map(|now| now.window.clone()) else {
        return ExplainBuilder::new(rule);
    };
    if let Some(Some((day, forecast))) = first_day_above(pages, context, person, &window) {
        return explain(pages, context, person, &window, ("first-day", day, forecast));
    }
    explain_highest(pages, context, person, &window)
}

/// The numbers of the first of the highest days that a forecast reaches.
fn explain_highest(
    pages: &Pages,
    context: &Context<'_>,
    person: &PersonId,
    window: &Window,
) -> ExplainBuilder {
    let rule = RuleId::VelocityDropForecast;
    let days = i128::from(context.thresholds().forecast_rate_days);
    let earliest_first = |(day, parts)| (parts, std::cmp::Reverse(day));
    let highest = forecasts_in_parts(context, window).map(earliest_first).max();
    match highest.and_then(|(parts, day)| Some((day.0, Ratio::new(parts, days)?))) {
        Some((day, forecast)) => explain(pages, context, person, window, ("highest-day", day, forecast)),
        None => ExplainBuilder::new(rule),
    }
}

/// The later of the person's first membership and the stream's first event of the page topic.
fn history_begins(pages: &Pages, context: &Context<'_>, person: &PersonId) -> Option<EventTime> {
    let stream = pages.first_event()?;
    Some(context.reference.first_membership(person).map_or(stream, |joined| joined.max(stream)))
}

/// The numbers of a forecast for a day, above the limit or not; the day goes by a name that says why it is this one.
fn explain(
    pages: &Pages,
    context: &Context<'_>,
    person: &PersonId,
    window: &Window,
    (name, day, forecast): (&str, u32, Ratio),
) -> ExplainBuilder {
    let now = context.now;
    let thresholds = context.thresholds();
    let zone = context.reference.zone_of(person, now);
    let rate_days = thresholds.forecast_rate_days;
    let recent = window.last(usize::try_from(rate_days).unwrap_or(usize::MAX));
    let inside = window.still_inside_after(usize::try_from(day).unwrap_or(usize::MAX));
    let mean = per_week(context, window.total());
    let limit = thresholds.page_load_limit().unwrap_or(Ratio::ZERO);
    let (from, to) = (zone.day_start(window.today.minus(27)), zone.day_start(window.today.plus(1)));
    ExplainBuilder::new(RuleId::VelocityDropForecast)
        .input("pages", window.total(), window.total(), "pages", now)
        .input(PAGES_PER_WEEK, mean.exact(), mean.round_half_even(1), "pages/week", now)
        .input("pages-of-the-last-week", recent, recent, "pages", now)
        .input(name, day, day, "days from today", now)
        .input("forecast", forecast.exact(), forecast.round_half_even(1), "pages", now)
        .threshold(thresholds, "page-load.pages-per-week", "pages/week")
        .threshold(thresholds, "forecast.horizon-days", "days")
        .threshold(thresholds, "forecast.rate-days", "days")
        .window(from, to, zone.name())
        .arithmetic(format!(
            "{inside} still inside after {day} days + {recent} x {day}/{rate_days} = {}",
            compared(forecast, limit)
        ))
        .events(latest(pages, person, from, to))
        .clears_when(
            "the rate no longer takes the mean past the threshold for seven days, or page-load fires",
        )
}
