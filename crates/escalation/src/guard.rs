//! Guards: what must be so for the two highest levels to be sent (R72).
//!
//! A guard is judged when its level's turn comes, when what it looks at changes, and at the first instant of each day
//! of the organisation. One that does not hold is said, never silently passed over.

use bellwether_model::{Level, RuleId};

use crate::escalation::Limits;
use crate::firing::{Firing, Watch};
use crate::instance::Instance;
use crate::load::Load;

/// Squads in which one rule must fire for the intervention, for rules that are not about pages.
const SQUADS_AT_L5: usize = 2;

/// What a guard says now: `Err` is why it does not hold, in words.
pub(crate) type Verdict = Result<(), String>;

/// Judges the guard of a level.
pub(crate) fn judge(level: Level, instance: &Instance, limits: &Limits, firing: &Firing) -> Verdict {
    match level {
        Level::L4 if needs_rate(instance) => {
            present_load(instance, firing).is_at_least(limits.l4_pages_per_week)
        }
        Level::L5 => judge_spread(instance, limits, firing),
        _ => Ok(()),
    }
}

/// What the guard of a level looks at beyond its own instance.
pub(crate) fn watch(level: Level, instance: &Instance) -> Option<Watch> {
    match level {
        Level::L4 if needs_rate(instance) => Watch::of_load(instance),
        Level::L5 => Some(Watch::of(instance)),
        _ => None,
    }
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

/// The load that the instance tells, else what the page-load of the same engineer tells.
fn present_load(instance: &Instance, firing: &Firing) -> Load {
    match Load::told_by(instance) {
        Load::Unknown => {
            Watch::of_load(instance).and_then(|watch| firing.load(&watch)).unwrap_or(Load::Unknown)
        }
        told => told,
    }
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
