//! Key results: what each is worth now, whether it keeps pace, and where it leads.
//!
//! Facts and other components only mark a key result; it is judged once an instant is complete, at mid-cycle, at week
//! ends, and when an input of it changed ([`judgement`]). Then the assessment is published and `velocity-drop.pace` looks
//! ([`crate::rule::pace`]). What it is not: a fold of sprints, pages, check-ins or dependencies; it asks them
//! ([`inputs`]).
//!
//! Invariants: a key result is judged where its squad is; nothing is said of it before the stream's first event (R4); at
//! most one assessment of it is published in an instant.

mod assessment;
pub(crate) mod frame;
pub(crate) mod inputs;
pub(crate) mod judgement;
mod marks;
pub(crate) mod measured;
mod momentum;
pub(crate) mod pace;
pub(crate) mod page_events;
mod projection;
mod readings;
mod record;
mod schedule;
mod status;
mod survey;
mod touch;

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{EventTime, KeyResultId, KeyResultKind, Measure, Millis, SquadId};
use bellwether_wire::instant;
use bellwether_wire::pb;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::context::Context;
use crate::deadlines::Deadline;
use crate::explain::ExplainBuilder;
use crate::instance::InstanceKey;
use crate::order::Why;
use crate::ordered::Ordered;
use crate::rule;
use frame::Frame;
use inputs::Inputs;
use judgement::{Judgement, Own};
use marks::Marks;
use measured::Measured;
pub(crate) use readings::Reading;
use readings::Readings;

/// Whether an assessment is published.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Publish {
    /// Not for this reason.
    #[default]
    No,
    /// When it says something else than the last one.
    IfChanged,
    /// In any case.
    Always,
}

/// Why a key result is to be looked at when the instant is complete.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Look {
    /// What caused it.
    why: Option<Why>,
    /// True when an input of the value, the target or the owner changed (R8).
    rule: bool,
    publish: Publish,
    /// True while only pages or passing days asked for it.
    #[serde(default)]
    of_pages: bool,
}

/// What was published last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Published {
    at: EventTime,
    fingerprint: u64,
}

/// What a key result has of its own.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Book {
    readings: Readings,
    /// A page measure at week ends.
    weeks: Marks,
    /// A page measure at the last closes of the squad's sprints.
    closes: Marks,
    /// Pages of ended weeks arrived from this instant on: those weeks are measured again.
    late_pages: Option<EventTime>,
    look: Option<Look>,
    /// When a change that is published at most once an hour is due.
    hourly: Option<EventTime>,
    published: Option<Published>,
    /// The owner's next local day, while something is overdue: it will be overdue for longer.
    #[serde(default)]
    daily: Option<EventTime>,
    /// First instant of the version last seen in force.
    version: Option<EventTime>,
    /// True while more pages cannot change what the rule finds: distinct people only grow in number.
    settled: bool,
    /// The next turning point that is a deadline, as of an epoch of the reference data.
    #[serde(skip)]
    scheduled: Option<(u64, EventTime)>,
    /// What the last assessment was of, until anything but pages may have changed it.
    #[serde(skip)]
    assessed: Option<Assessed>,
}

/// What an assessment of a rolling page measure to be held depends on besides what is looked at by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Assessed {
    measured: Measured,
    /// Start of the quarter.
    quarter: EventTime,
    /// Epoch of the reference data.
    epoch: u64,
}

/// All key results known in one partition.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyResults {
    books: Ordered<KeyResultId, Book>,
    /// Those measured from pages and judged here, by squad.
    of_pages: BTreeMap<SquadId, BTreeSet<KeyResultId>>,
    /// Mid-cycle and end of the present quarter: before mid-cycle no pace is judged.
    cycle: Option<(EventTime, EventTime)>,
}

impl KeyResults {
    /// An instant at which a key result may have to be looked at is complete.
    pub(crate) fn on_deadline(&mut self, context: &mut Context<'_>, inputs: &Inputs<'_>, id: &KeyResultId) {
        self.schedule(context, id);
        let Some(book) = self.books.get_mut(id) else { return };
        let look = book.look.take();
        let Some(frame) = Frame::of(context, id, context.now) else { return };
        let now = frame.now;
        let week_end = schedule::is_week_end(&frame);
        let turning_point = week_end || now == frame.quarter.mid();
        let hour_is_over = book.hourly.is_some_and(|due| due <= now);
        let day_is_over = book.daily.is_some_and(|due| due <= now);
        if look.is_none() && !turning_point && !hour_is_over && !day_is_over {
            return;
        }
        let of_pages_alone = look.is_none_or(Look::is_of_pages_alone) && !turning_point && !day_is_over;
        if of_pages_alone && book.says_the_same(context, inputs, &frame) {
            book.hourly = None;
            return;
        }
        if measured::is_of_pages(frame.measure()) {
            if let Some(from) = book.late_pages.take() {
                book.weeks.measure_again(context, inputs.pages, &frame, from);
                book.closes.measure_again(context, inputs.pages, &frame, from);
            }
            if week_end {
                book.weeks.measure_week(context, inputs.pages, &frame);
            }
            book.closes.measure_closes(context, inputs, &frame);
        }
        let look = look.unwrap_or_default();
        let of_look = look.why.filter(|_| !turning_point).map(Why::cause);
        let cause = of_look.as_ref().unwrap_or(context.cause);
        let mut context = context.because(cause);
        let own = Own { readings: &book.readings, weeks: &book.weeks, closes: &book.closes };
        let judgement = Judgement::of(&mut context, inputs, own, &frame);
        let wanted = [
            look.publish,
            if week_end { Publish::Always } else { Publish::No },
            if turning_point || hour_is_over || day_is_over { Publish::IfChanged } else { Publish::No },
        ];
        let publish = wanted.into_iter().max().unwrap_or_default();
        book.assessed = None;
        if publish > Publish::No {
            let epoch = context.reference.epoch();
            let holds = rolls(&frame) && !inputs.dependencies.is_overdue(&context, frame.id);
            let (measured, quarter) = (judgement.present.measured, frame.quarter.start);
            book.assessed = holds.then_some(Assessed { measured, quarter, epoch });
            let message = assessment::assess(&context, inputs, own, &frame, &judgement);
            book.look_daily(&mut context, &frame, message.overdue_dependencies > 0);
            book.publish(&mut context, &frame, message, publish);
        }
        if (look.rule || turning_point) && !frame.ended {
            let own = Own { readings: &book.readings, weeks: &book.weeks, closes: &book.closes };
            let late = look.why.map(|why| why.earliest);
            book.settled = rule::pace::look(&mut context, inputs, own, &frame, &judgement, late);
        }
    }
}

impl Look {
    /// True when only pages came, or days passed, since the last look.
    fn is_of_pages_alone(self) -> bool {
        !self.rule && self.of_pages
    }
}

/// True for a rolling page measure to be held: its assessment changes with its value and at turning points.
fn rolls(frame: &Frame<'_>) -> bool {
    matches!(frame.measure(), Measure::O2 | Measure::O21)
        && frame.key_result.kind == KeyResultKind::HoldLevel
        && !frame.ended
}

impl KeyResults {
    /// How the pace of an instance stands now; at its end, for one whose key result has ended.
    pub(crate) fn explain_pace(
        &self,
        context: &mut Context<'_>,
        inputs: &Inputs<'_>,
        key: &InstanceKey,
    ) -> ExplainBuilder {
        let Some(id) = key.scope.clone().map(KeyResultId::from) else { return ExplainBuilder::new(key.rule) };
        let ended = context.instances.get(key).filter(|instance| instance.ended);
        let at = ended.and_then(|instance| instance.false_since).unwrap_or(context.now);
        let (Some(book), Some(frame)) = (self.books.get(&id), Frame::of(context, &id, at)) else {
            return ExplainBuilder::new(key.rule);
        };
        let own = Own { readings: &book.readings, weeks: &book.weeks, closes: &book.closes };
        let judgement = Judgement::of(context, inputs, own, &frame);
        rule::pace::explain(context, inputs, &frame, &judgement)
    }
}

impl Book {
    /// True when pages changed nothing of what was last assessed: the value is the same, and nothing else was touched.
    fn says_the_same(&self, context: &mut Context<'_>, inputs: &Inputs<'_>, frame: &Frame<'_>) -> bool {
        let Some(assessed) = self.assessed.filter(|_| rolls(frame) && self.late_pages.is_none()) else {
            return false;
        };
        let Some(squad) = frame.squad() else { return false };
        assessed.epoch == context.reference.epoch()
            && assessed.quarter == frame.quarter.start
            && assessed.measured
                == measured::of_pages(context, inputs.pages, frame.measure(), squad, &frame.quarter)
    }

    /// While something is overdue, the key result is looked at whenever its owner's day begins.
    fn look_daily(&mut self, context: &mut Context<'_>, frame: &Frame<'_>, overdue: bool) {
        let zone = context.reference.zone_of(&frame.key_result.owner, frame.now);
        let tomorrow = zone.day_start(zone.local_day(frame.now).plus(1));
        self.daily = (overdue && !frame.ended).then_some(tomorrow);
        if let Some(due) = self.daily {
            context.deadlines.set(due, Deadline::KeyResult(frame.id.clone()));
        }
    }

    /// Publishes an assessment; one that comes too soon after the last waits for the next instant.
    fn publish(
        &mut self,
        context: &mut Context<'_>,
        frame: &Frame<'_>,
        message: pb::KeyResultAssessed,
        publish: Publish,
    ) {
        let (id, now) = (frame.id, context.now);
        let fingerprint = xxh3_64(&message.encode_to_vec());
        self.hourly = None;
        if let Some(last) = self.published {
            if last.fingerprint == fingerprint && (publish != Publish::Always || last.at == now) {
                return;
            }
            if last.at == now {
                let next = now.plus(Millis::from_ms(1));
                self.hourly = Some(next);
                context.deadlines.set(next, Deadline::KeyResult(id.clone()));
                return;
            }
        }
        self.published = Some(Published { at: now, fingerprint });
        let subject = format!("key-result/{id}");
        let message = pb::KeyResultAssessed {
            sources: assessment::source_ages(context, frame),
            assessed_at: Some(instant::timestamp(now)),
            ..message
        };
        context.emit(format!("{subject}/{now}"), subject, message);
    }
}

#[cfg(test)]
mod late;
#[cfg(test)]
mod partitions;
#[cfg(test)]
mod tests;
