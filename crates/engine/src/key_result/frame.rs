//! What is judged, in which quarter, as of which instant, and on which scale.

use bellwether_model::{EventTime, KeyResultId, Measure, Millis, Quarter, Ratio, SquadId};

use crate::context::Context;
use crate::reference::KeyResult;

/// A key result at an instant of a quarter.
#[derive(Debug, Clone)]
pub(crate) struct Frame<'a> {
    /// Key result.
    pub(crate) id: &'a KeyResultId,
    /// Its version in force; of one that has ended, the last.
    pub(crate) key_result: &'a KeyResult,
    /// The quarter. At the end of one, a key result that was judged in it is judged in it once more.
    pub(crate) quarter: Quarter,
    /// The instant.
    pub(crate) now: EventTime,
    /// From when on it is judged (R4).
    pub(crate) judged_from: EventTime,
    /// True when no version is in force any more.
    pub(crate) ended: bool,
}

impl<'a> Frame<'a> {
    /// The frame of a key result judged in this partition; `None` for one that is not, or not yet.
    pub(crate) fn of(context: &Context<'a>, id: &'a KeyResultId, now: EventTime) -> Option<Self> {
        let versions = context.reference.key_result_versions(id)?;
        let in_force = versions.at(now);
        let key_result = in_force.or_else(|| {
            let ended = versions.iter().filter(|version| version.until.is_some_and(|until| until <= now));
            ended.max_by_key(|version| version.until).map(|version| &version.value)
        })?;
        if !is_owned(context, id, key_result.squad.as_ref()) {
            return None;
        }
        let known = versions.iter().map(|version| version.from.max(version.recorded)).min()?;
        let judged_from = known.max(context.first_event?);
        if now < judged_from {
            return None;
        }
        let of = if judged_from < now { now.minus(Millis::from_ms(1)) } else { now };
        let quarter = context.reference.quarter_at(of, now)?;
        Some(Self { id, key_result, quarter, now, judged_from, ended: in_force.is_none() })
    }

    /// True when a key result is in force now and judged in this partition: when it has a frame that has not ended.
    pub(crate) fn is_in_force(context: &Context<'_>, id: &KeyResultId) -> bool {
        let now = context.now;
        let Some(versions) = context.reference.key_result_versions(id) else { return false };
        let Some(key_result) = versions.at(now) else { return false };
        let known = versions.iter().map(|version| version.from.max(version.recorded)).min();
        let judged_from = known.zip(context.first_event).map(|(known, first)| known.max(first));
        is_owned(context, id, key_result.squad.as_ref())
            && judged_from.is_some_and(|from| from <= now)
            && context.reference.fiscal(now).is_some()
    }

    /// The same key result at an earlier instant.
    pub(crate) fn at(&self, context: &Context<'a>, now: EventTime) -> Option<Self> {
        Self::of(context, self.id, now)
    }

    /// End, exclusive, of what counts: everything up to now, and nothing of the next quarter.
    pub(crate) fn until(&self) -> EventTime {
        self.now.plus(Millis::from_ms(1)).min(self.quarter.end)
    }

    /// Owning squad.
    pub(crate) fn squad(&self) -> Option<&'a SquadId> {
        self.key_result.squad.as_ref()
    }

    /// Measure.
    pub(crate) fn measure(&self) -> Measure {
        self.key_result.measure
    }

    /// Target.
    pub(crate) fn target(&self) -> Ratio {
        self.key_result.target.into()
    }

    /// Baseline.
    pub(crate) fn baseline(&self) -> Ratio {
        self.key_result.baseline.into()
    }

    /// True when its values are typed or surveyed, and not computed (R41).
    pub(crate) fn is_read(&self) -> bool {
        matches!(self.measure(), Measure::Custom | Measure::O32)
    }

    /// A share on the scale of the key result: shares are written in percent when its unit says so, or when its target or
    /// baseline is more than one whole.
    pub(crate) fn share(&self, share: Ratio) -> Option<Ratio> {
        if self.is_percent() { share.checked_mul(Ratio::int(100)) } else { Some(share) }
    }

    /// True when a value meets the target. The targets of scope change, interrupts and attrition are strict: below 10 %.
    pub(crate) fn meets(&self, value: Ratio) -> bool {
        let strict = matches!(self.measure(), Measure::O12 | Measure::O13 | Measure::O23);
        self.key_result.direction.meets(value, self.target()) && !(strict && value == self.target())
    }

    /// A value as people read it: at most two decimal places, one where it is in percent, none that says nothing.
    pub(crate) fn show(&self, value: Ratio) -> String {
        let shown = value.round_half_even(if self.is_percent() { 1 } else { 2 });
        if shown.contains('.') { shown.trim_end_matches('0').trim_end_matches('.').to_owned() } else { shown }
    }

    fn is_percent(&self) -> bool {
        let is_share = match self.measure() {
            Measure::O11 | Measure::O12 | Measure::O13 | Measure::O23 | Measure::O31 | Measure::O33 => true,
            Measure::O2 | Measure::O21 | Measure::O22 | Measure::O32 | Measure::Custom => false,
        };
        let unit = self.key_result.unit.trim();
        is_share
            && (matches!(unit, "%" | "percent") || self.target() > Ratio::ONE || self.baseline() > Ratio::ONE)
    }
}

/// True when a key result is judged in this partition: with its squad, or, without one, by its own id.
pub(crate) fn is_owned(context: &Context<'_>, id: &KeyResultId, squad: Option<&SquadId>) -> bool {
    match squad {
        Some(squad) => context.owns(squad),
        None => context.options.ownership.owns(id.as_str()),
    }
}
