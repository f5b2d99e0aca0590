//! `missed-check-in`: an update window closed without a valid check-in of its own (R50, R51).
//!
//! Decided at the close, unless a source of the squad is behind: then it waits (R12). A valid check-in clears it at
//! once, late ones included. A second window in a row amends a running instance, or fires a new one; either way it says
//! so, because its VP level is due at once.

use bellwether_model::{EventTime, KeyResultId, Millis, RuleId};
use bellwether_wire::envelope::EventId;
use bellwether_wire::pb;

use crate::check_in::CheckIns;
use crate::check_in::window::Windows;
use crate::context::{Context, KEY_RESULT_ENDED, WITHDRAWN};
use crate::explain::ExplainBuilder;
use crate::instance::{Finding, InstanceKey, Subject, Verdict};

/// Explain input that escalations read: windows in a row without their own valid check-in.
pub(crate) const WINDOWS_MISSED_IN_A_ROW: &str = "windows-missed-in-a-row";
/// CloudEvents type of a check-in.
const CHECK_IN_TYPE: &str = "bellwether.check-in.filed.v1";

/// The instance of a key result.
pub(crate) fn key(key_result: &KeyResultId) -> InstanceKey {
    InstanceKey { rule: RuleId::MissedCheckIn, subject: Subject::KeyResult(key_result.clone()), scope: None }
}

/// Looks at a key result: after a close, after a check-in, after a source progressed. Closes that wait for a source are
/// decided in order, each as of its own instant.
pub(crate) fn look(check_ins: &mut CheckIns, context: &mut Context<'_>, key_result: &KeyResultId) {
    let Some(windows) = check_ins.windows_mut(key_result) else { return };
    let mut waits_since = None;
    for close in windows.undecided().to_vec() {
        if !windows.settled(close) {
            let finding = finding(windows, context, key_result, close);
            let sources = sources(context, &finding.squads);
            if let Some(stale) = context.sources.stale(&sources, close, context.thresholds().source_slack) {
                // A later close is told of under the id that the first one will fire with: it will amend that.
                let as_of = *waits_since.get_or_insert(close);
                let verdict = Verdict::Held {
                    source: stale.source,
                    since: Some(stale.complete_through),
                    as_of: close,
                    finding: Box::new(Finding { as_of, ..finding }),
                };
                context.judge(key(key_result), verdict);
                continue;
            }
            context.judge(key(key_result), Verdict::True(Box::new(finding)));
        }
        windows.decided(close);
        context.instances.release(&key(key_result), close);
    }
    settle(windows, context, key_result);
}

/// Clears a running instance once its key result is reported on.
fn settle(windows: &Windows, context: &mut Context<'_>, key_result: &KeyResultId) {
    let Some(close) = windows.last_close().filter(|close| windows.settled(*close)) else { return };
    let key = key(key_result);
    let Some(fired_for) = context.instances.get(&key).map(|instance| instance.as_of) else { return };
    let kept = windows.kept(close);
    let withdrawn = kept && fired_for == close && context.cause.time <= close && context.now > close;
    // Of a kept window its own check-in settles it, else the last one.
    let own = windows.of_window(close).find(|check_in| check_in.valid).filter(|_| kept);
    let mut explain = explain(windows, context, key_result, close);
    if let Some(check_in) = own.or_else(|| windows.last_valid_check_in()) {
        let filed = check_in.at.to_rfc3339();
        explain = explain
            .input("valid-check-in", &filed, &filed, "instant", check_in.at)
            .arithmetic(format!("1 valid check-in at {filed}, 1 needed"))
            .events([(check_in.event.event(), CHECK_IN_TYPE)]);
    }
    let reason = if withdrawn { WITHDRAWN } else { "a valid check-in was filed" };
    context.judge(key, Verdict::Over { reason, explain: Box::new(explain) });
}

/// The key result ended: nobody has to report on it any more (R11).
pub(crate) fn end(windows: &Windows, context: &mut Context<'_>, key_result: &KeyResultId) {
    let key = key(key_result);
    let running = context.instances.get(&key);
    let Some(close) = windows.last_close().filter(|_| running.is_some()) else { return };
    let ended = context.now.to_rfc3339();
    let explain = explain(windows, context, key_result, close)
        .input("key-result-ended", &ended, &ended, "instant", context.now)
        .arithmetic(format!("the key result ended at {ended}; no check-in is needed any more"));
    context.judge(key, Verdict::Over { reason: KEY_RESULT_ENDED, explain: Box::new(explain) });
}

/// Sources whose completeness a squad's silence needs; none named means all.
pub(super) fn sources(context: &Context<'_>, squads: &[String]) -> Vec<String> {
    let mut sources = Vec::new();
    for squad in squads {
        match context.reference.squad(&squad.as_str().into(), context.now) {
            Some(squad) if !squad.sources.is_empty() => sources.extend(squad.sources.iter().cloned()),
            _ => return Vec::new(),
        }
    }
    sources
}

fn finding(windows: &Windows, context: &Context<'_>, key_result: &KeyResultId, close: EventTime) -> Finding {
    let missed = windows.missed_in_a_row_at(close);
    let known = context.reference.key_result(key_result, context.now);
    let squad = known.and_then(|known| known.squad.as_ref());
    let refused: Vec<EventId> = windows.of_window(close).map(|check_in| check_in.event.event()).collect();
    let mut explain = explain(windows, context, key_result, close)
        .arithmetic(format!("0 valid check-ins in the window, 1 needed; {missed} missed in a row"))
        .events(refused.iter().map(|id| (id.clone(), CHECK_IN_TYPE)));
    if !refused.is_empty() {
        explain = explain.note("check-ins in the window were late, without evidence, or by somebody else");
    }
    let second = missed >= 2;
    Finding {
        key_result: Some(key_result.clone()),
        id_suffix: None,
        as_of: close,
        severity: if second { pb::Severity::Critical } else { pb::Severity::Warning },
        explain: explain.build(),
        blast_radius: None,
        squads: squad.iter().map(ToString::to_string).collect(),
        watched: format!("missed in a row {missed}"),
        amend: None,
        second_window: second,
    }
}

/// What a decision about a window says in any case.
fn explain(
    windows: &Windows,
    context: &Context<'_>,
    key_result: &KeyResultId,
    close: EventTime,
) -> ExplainBuilder {
    let missed = windows.missed_in_a_row_at(close);
    let owner = context.reference.key_result(key_result, context.now).map(|known| &known.owner);
    let zone = owner.map_or_else(
        || context.reference.zone(context.now),
        |owner| context.reference.zone_of(owner, context.now),
    );
    let before = windows.closes().find(|earlier| *earlier < close);
    let opened = before.unwrap_or(close.minus(Millis::days(7)));
    let thresholds = context.thresholds();
    ExplainBuilder::new(RuleId::MissedCheckIn)
        .input(WINDOWS_MISSED_IN_A_ROW, missed, missed, "windows", close)
        .threshold(thresholds, "check-in.close", "owner's time")
        .threshold(thresholds, "check-in.escalate-after-hours", "h")
        .threshold(thresholds, "check-in.late-hours", "h")
        .window(opened, close, zone.name())
        .clears_when("the owner or a delegate files a value or no_change with evidence")
}
