//! One ticket: the sequence of its states, in the one order.
//!
//! A state is the whole normalised ticket after a change. States may arrive in any order; the sequence is sorted by
//! instant, then by the source's own version, then by the event's identity (R2), so a late state lands where it belongs.
//! States are most of what a partition keeps, so they are small: names go by number, and ids lie in place.

use std::cmp::Ordering;
use std::sync::Arc;

use bellwether_model::{EventTime, Points};
use bellwether_wire::pb;
use serde::{Deserialize, Serialize};

use super::interrupt::is_finish;
use super::short_text::ShortText;
use super::version::Version;
use crate::fact::Fact;
use crate::intern::{Numbered, TextNo};

/// Where a status stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Category {
    /// Nothing was begun, or nobody knows.
    Todo,
    /// Somebody works on it.
    InProgress,
    /// Finished; not necessarily shipped.
    Done,
    /// Will not be done.
    Cancelled,
}

impl From<pb::StatusCategory> for Category {
    fn from(category: pb::StatusCategory) -> Self {
        match category {
            pb::StatusCategory::Unspecified | pb::StatusCategory::Todo => Self::Todo,
            pb::StatusCategory::InProgress => Self::InProgress,
            pb::StatusCategory::Done => Self::Done,
            pb::StatusCategory::Cancelled => Self::Cancelled,
        }
    }
}

/// What the ledger needs of a ticket at one instant; what has a name goes by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    /// Sprint it is in.
    pub(crate) sprint: Option<TextNo>,
    /// Squad it belongs to.
    pub(crate) squad: Option<TextNo>,
    /// Estimate; `None` for none.
    pub(crate) points: Option<Points>,
    /// True when it was given a size at refinement.
    pub(crate) sized: bool,
    /// Where its status stands.
    pub(crate) category: Category,
    /// True for a sub-task.
    pub(crate) sub_task: bool,
    /// True when the mapping says interrupt.
    pub(crate) interrupt: bool,
    /// Release the tracker names.
    pub(crate) release: Option<TextNo>,
}

impl State {
    /// Deleted or archived: in no sprint, of no squad.
    pub(crate) const fn gone() -> Self {
        Self {
            sprint: None,
            squad: None,
            points: None,
            sized: false,
            category: Category::Cancelled,
            sub_task: false,
            interrupt: false,
            release: None,
        }
    }

    /// True in a sprint; a sprint without a number is one that no ticket was ever in.
    pub(crate) fn is_in(&self, sprint: Option<TextNo>) -> bool {
        sprint.is_some() && self.sprint == sprint
    }

    /// True for a ticket of a squad.
    pub(crate) fn is_of(&self, squad: Option<TextNo>) -> bool {
        squad.is_some() && self.squad == squad
    }

    /// What it names.
    pub(super) fn texts(&self) -> impl Iterator<Item = TextNo> {
        [self.sprint, self.squad, self.release].into_iter().flatten()
    }

    /// Estimate as it is summed: an unestimated ticket adds nothing.
    pub(crate) fn estimate(&self) -> Points {
        self.points.unwrap_or(Points::ZERO)
    }
}

/// Where a state stands among the states of its ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// When.
    pub(crate) at: EventTime,
    /// A removal is the last word of its instant: it carries no version.
    pub(super) removal: bool,
    pub(super) version: Version,
    pub(super) source: TextNo,
    pub(super) id: ShortText,
}

impl Place {
    /// The place of a fact about a ticket.
    pub(crate) fn of(fact: &Fact, version: &str, removal: bool, texts: &mut Numbered) -> Self {
        let id = &fact.event.id;
        Self {
            at: fact.event.time,
            removal,
            version: version.into(),
            source: texts.number(&id.source),
            id: id.id.as_str().into(),
        }
    }

    /// The order of places: numbers order nothing, so sources are compared by their texts.
    fn cmp(&self, other: &Self, texts: &Numbered) -> Ordering {
        let before_source = |place: &Self| (place.at, place.removal);
        before_source(self)
            .cmp(&before_source(other))
            .then_with(|| self.version.cmp(&other.version))
            .then_with(|| match self.source == other.source {
                true => Ordering::Equal,
                false => texts.text(self.source).cmp(texts.text(other.source)),
            })
            .then_with(|| self.id.cmp(&other.id))
    }
}

/// A ticket and its states.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Ticket {
    pub(super) states: Vec<(Place, State)>,
    /// Keys it ever had: they change when a ticket moves, and deployments name the one they knew.
    pub(super) keys: Vec<Arc<str>>,
}

impl Ticket {
    /// Adds a state; false when it was known.
    pub(crate) fn insert(&mut self, place: Place, state: State, texts: &Numbered) -> bool {
        let index = self.states.partition_point(|(known, _)| known.cmp(&place, texts) == Ordering::Less);
        if self.states.get(index).is_some_and(|(known, _)| *known == place) {
            return false;
        }
        self.states.insert(index, (place, state));
        true
    }

    /// Notes a key; true when it is new.
    pub(crate) fn name(&mut self, key: &str) -> bool {
        let Err(index) = self.keys.binary_search_by(|known| known.as_ref().cmp(key)) else { return false };
        if key.is_empty() {
            return false;
        }
        self.keys.insert(index, key.into());
        true
    }

    /// Keys it ever had, in order.
    pub(crate) fn keys(&self) -> &[Arc<str>] {
        &self.keys
    }

    /// Squads of its states.
    pub(crate) fn squads(&self) -> impl Iterator<Item = TextNo> {
        self.states().filter_map(|state| state.squad)
    }

    /// True when any of its states is an interrupt.
    pub(crate) fn was_interrupt(&self) -> bool {
        self.states().any(|state| state.interrupt)
    }

    /// The numbers of every text in it.
    pub(super) fn texts(&self) -> impl Iterator<Item = TextNo> {
        self.states.iter().flat_map(|(place, state)| state.texts().chain([place.source]))
    }

    /// All states.
    pub(crate) fn states(&self) -> impl Iterator<Item = &State> {
        self.states.iter().map(|(_, state)| state)
    }

    /// The state at an instant, changes of that instant included.
    pub(crate) fn through(&self, at: EventTime) -> Option<&State> {
        let after = self.states.partition_point(|(place, _)| place.at <= at);
        Some(&self.states[after.checked_sub(1)?].1)
    }

    /// The state right before an instant; of the present where there is none.
    pub(crate) fn before(&self, end: Option<EventTime>) -> Option<&State> {
        Some(&self.states[self.index_of(end).checked_sub(1)?].1)
    }

    /// Changes after one instant and before another, each with the state it left.
    pub(crate) fn changes(
        &self,
        after: EventTime,
        end: Option<EventTime>,
    ) -> impl Iterator<Item = (EventTime, Option<&State>, &State)> {
        let from = self.states.partition_point(|(place, _)| place.at <= after);
        (from..self.index_of(end)).map(|index| {
            let before = index.checked_sub(1).map(|before| &self.states[before].1);
            let (place, state) = &self.states[index];
            (place.at, before, state)
        })
    }

    /// True when it entered done at exactly an instant.
    pub(crate) fn finished_at(&self, at: EventTime) -> bool {
        let from = self.states.partition_point(|(place, _)| place.at < at);
        let of_instant = self.states[from..].iter().take_while(|(place, _)| place.at == at);
        let mut before = from.checked_sub(1).map(|before| &self.states[before].1);
        for (_, state) in of_instant {
            if is_finish(before, state) {
                return true;
            }
            before = Some(state);
        }
        false
    }

    /// Forgets the states before an instant but the one in force then; returns what is gone.
    pub(crate) fn prune(&mut self, keep_from: EventTime) -> Vec<State> {
        let in_force = self.states.partition_point(|(place, _)| place.at <= keep_from).saturating_sub(1);
        self.states.drain(..in_force).map(|(_, state)| state).collect()
    }

    /// True when nothing is left worth keeping: no state, or an old one of no sprint that is kept.
    pub(crate) fn is_spent(&self, keep_from: EventTime, is_kept: impl Fn(TextNo) -> bool) -> bool {
        match self.states.as_slice() {
            [] => true,
            [(place, state)] => place.at < keep_from && !state.sprint.is_some_and(is_kept),
            _ => false,
        }
    }

    fn index_of(&self, end: Option<EventTime>) -> usize {
        end.map_or(self.states.len(), |end| self.states.partition_point(|(place, _)| place.at < end))
    }
}
