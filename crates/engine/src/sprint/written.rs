//! Sprints as snapshots hold them: in order, without indexes and ledgers, which are derived, and with texts for numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{EventTime, ExceptionId, Points, SprintId};
use serde::{Deserialize, Serialize};

use super::exception::Exception;
use super::ticket::{Category, Place, State, Ticket};
use super::tickets::Tickets;
use super::{Sprint, Sprints};
use crate::intern::Numbered;
use crate::order::Why;

/// The written form.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    sprints: BTreeMap<SprintId, Sprint>,
    tickets: Tickets,
    exceptions: BTreeMap<ExceptionId, Exception>,
    /// Sprints to assess, and why.
    looks: BTreeMap<SprintId, Why>,
    #[serde(default)]
    pruned: Option<EventTime>,
}

impl From<Sprints> for Written {
    fn from(all: Sprints) -> Self {
        let looks =
            all.sprints.iter().filter_map(|(id, sprint)| Some((id.clone(), sprint.look?.0))).collect();
        Self {
            sprints: all.sprints.into_iter().collect(),
            tickets: all.tickets,
            exceptions: all.exceptions,
            looks,
            pruned: all.pruned,
        }
    }
}

impl From<Written> for Sprints {
    fn from(written: Written) -> Self {
        let Written { sprints, tickets, exceptions, looks, pruned } = written;
        let mut all = Self { tickets, exceptions, pruned, ..Self::default() };
        for (id, mut sprint) in sprints {
            // Its deadline is in the snapshot; when that is not known, so the next look sets one of its own.
            sprint.look = looks.get(&id).map(|why| (*why, EventTime::MAX));
            let squad = sprint.squad.clone();
            all.sprints.insert(id.clone(), sprint);
            all.judge_in(&id, squad);
        }
        all
    }
}

/// The written form of a ticket.
#[derive(Serialize, Deserialize)]
pub(super) struct WrittenTicket {
    states: Vec<(WrittenPlace, WrittenState)>,
    keys: Vec<Arc<str>>,
}

#[derive(Serialize, Deserialize)]
struct WrittenPlace {
    at: EventTime,
    removal: bool,
    version: String,
    source: Arc<str>,
    id: String,
}

#[derive(Serialize, Deserialize)]
struct WrittenState {
    sprint: Option<Arc<str>>,
    squad: Option<Arc<str>>,
    points: Option<Points>,
    sized: bool,
    category: Category,
    sub_task: bool,
    interrupt: bool,
    release: Option<Arc<str>>,
}

impl WrittenTicket {
    pub(super) fn of(ticket: Ticket, texts: &Numbered) -> Self {
        let written = |(place, state): (Place, State)| {
            (WrittenPlace::of(&place, texts), WrittenState::of(&state, texts))
        };
        Self { states: ticket.states.into_iter().map(written).collect(), keys: ticket.keys }
    }

    pub(super) fn read(self, texts: &mut Numbered) -> Ticket {
        let states = self.states.into_iter().map(|(place, state)| (place.read(texts), state.read(texts)));
        Ticket { states: states.collect(), keys: self.keys }
    }
}

impl WrittenPlace {
    fn of(place: &Place, texts: &Numbered) -> Self {
        Self {
            at: place.at,
            removal: place.removal,
            version: place.version.text().into_owned(),
            source: texts.text(place.source).clone(),
            id: place.id.as_str().to_owned(),
        }
    }

    fn read(self, texts: &mut Numbered) -> Place {
        Place {
            at: self.at,
            removal: self.removal,
            version: self.version.as_str().into(),
            source: texts.number(&self.source),
            id: self.id.as_str().into(),
        }
    }
}

impl WrittenState {
    fn of(state: &State, texts: &Numbered) -> Self {
        let text = |number| texts.text(number).clone();
        Self {
            sprint: state.sprint.map(text),
            squad: state.squad.map(text),
            points: state.points,
            sized: state.sized,
            category: state.category,
            sub_task: state.sub_task,
            interrupt: state.interrupt,
            release: state.release.map(text),
        }
    }

    fn read(self, texts: &mut Numbered) -> State {
        let mut number = |text: Option<Arc<str>>| text.map(|text| texts.number(&text));
        State {
            sprint: number(self.sprint),
            squad: number(self.squad),
            points: self.points,
            sized: self.sized,
            category: self.category,
            sub_task: self.sub_task,
            interrupt: self.interrupt,
            release: number(self.release),
        }
    }
}
