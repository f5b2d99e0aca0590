//! Guards: what must be so for the two highest levels to be sent (R72).
//!
//! A guard is judged when its level's turn comes, when what it looks at changes, and at the first instant of each day
//! of the organisation. One that does not hold is said, never silently passed over.

use bellwether_model::{Level, Ratio, RuleId};
use bellwether_wire::instant;

use crate::contract;
use crate::escalation::Limits;
use crate::firing::{Firing, Watch};
use crate::instance::Instance;

/// Squads in which one rule must fire for the intervention, for rules that are not about pages.
const SQUADS_AT_L5: usize = 2;

/// What a guard says now: `Err` is why it does not hold, in words.
pub(crate) type Verdict = Result<(), String>;

/// Judges the guard of a level.
pub(crate) fn judge(level: Level, instance: &Instance, limits: &Limits, firing: &Firing) -> Verdict {
    match level {
        Level::L4 if needs_rate(instance) => judge_rate(instance, limits.l4_pages_per_week),
        Level::L5 => judge_spread(instance, limits, firing),
        _ => Ok(()),
    }
}

/// What the guard of a level looks at beyond its own instance.
pub(crate) fn watch(level: Level, instance: &Instance) -> Option<Watch> {
    (level == Level::L5).then(|| Watch::of(instance))
}

/// The guard of a level, in words; empty for none.
pub(crate) fn words(level: Level, instance: &Instance, limits: &Limits) -> String {
    match level {
        Level::L4 if needs_rate(instance) => {
            format!("at least {} pages per week at present", limits.l4_pages_per_week)
        }
        Level::L4 => String::from("still firing"),
        Level::L5 if instance.is_page_rule() => {
            format!("page rules still firing for at least {} engineers of the function", limits.l5_engineers)
        }
        Level::L5 => format!("{} still firing in at least {SQUADS_AT_L5} squads", instance.fired.rule),
        _ => String::new(),
    }
}

fn needs_rate(instance: &Instance) -> bool {
    matches!(instance.rule(), Some(RuleId::VelocityDropPageLoad | RuleId::VelocityDropConcentration))
}

/// Whether the load that a page rule tells of its engineer is enough; if not, or if that is not known, why.
fn judge_rate(instance: &Instance, needed: Ratio) -> Verdict {
    let told = contract::present(instance.fired.explain.as_ref(), contract::PAGES_PER_WEEK);
    let known = told.and_then(|told| Some((Ratio::parse(&told.value).ok()?, told)));
    let Some((rate, told)) = known else {
        return Err(format!("present pages per week are not known, needs at least {needed}"));
    };
    if rate >= needed {
        return Ok(());
    }
    let when = match instant::optional(told.at.as_ref()) {
        Some(at) => format!("as of {}", at.to_rfc3339()),
        None => String::from("when last told"),
    };
    Err(format!("{rate} pages per week {when}, needs at least {needed}"))
}

fn judge_spread(instance: &Instance, limits: &Limits, firing: &Firing) -> Verdict {
    let count = firing.count(&Watch::of(instance));
    if instance.is_page_rule() {
        let needed = limits.l5_engineers;
        return if count >= usize::try_from(needed).unwrap_or(usize::MAX) {
            Ok(())
        } else {
            let engineers = if count == 1 { "engineer" } else { "engineers" };
            Err(format!("page rules fire for {count} {engineers} of the function, needs at least {needed}"))
        };
    }
    if count >= SQUADS_AT_L5 {
        Ok(())
    } else {
        let squads = if count == 1 { "squad" } else { "squads" };
        Err(format!("{} fires in {count} {squads}, needs at least {SQUADS_AT_L5}", instance.fired.rule))
    }
}
