//! The stages of a replay, each in a thread of its own: unpack and route, fold, tell.
//!
//! No stage looks back at what a later one does, so that each sees what it would see in one thread, in the same order.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use bellwether_model::EventTime;
use bellwether_wire::envelope::Event;

use super::packed::Packed;
use super::pipeline::{Folding, Routing, Step, Unresolved};
use crate::failure::Failure;

/// Handed over at once: a hand-over costs as much as some events.
const BATCH: usize = 256;
/// Batches that a stage may be ahead of the next; some megabytes.
const AHEAD: usize = 16;

/// Folds events up to an instant and tells what is said, in order.
///
/// # Errors
/// When telling fails.
pub(crate) fn run(
    events: Packed,
    until: EventTime,
    folding: Folding,
    mut tell: impl FnMut(Event) -> Result<(), Failure>,
) -> Result<Unresolved, Failure> {
    let (steps, routed) = sync_channel(AHEAD);
    let (said, to_tell) = sync_channel::<Vec<Event>>(AHEAD);
    thread::scope(|scope| {
        let routing = scope.spawn(|| route(events, until, steps));
        scope.spawn(|| fold(folding, until, routed, said));
        for event in to_tell.into_iter().flatten() {
            // Stages before this one end when they find nobody behind them.
            tell(event)?;
        }
        Ok(routing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn route(events: Packed, until: EventTime, steps: SyncSender<Vec<Step>>) -> Unresolved {
    let mut routing = Routing::new();
    let mut batch = Vec::with_capacity(BATCH);
    for (event, content) in events.into_events(until) {
        batch.push(routing.route(event, content.as_deref()));
        if batch.len() == BATCH {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            if steps.send(full).is_err() {
                break;
            }
        }
    }
    // Whoever is gone does not ask what is unresolved.
    let _ = steps.send(batch);
    routing.unresolved()
}

fn fold(mut folding: Folding, until: EventTime, routed: Receiver<Vec<Step>>, said: SyncSender<Vec<Event>>) {
    for batch in routed {
        batch.into_iter().for_each(|step| folding.fold(step));
        if said.send(folding.take()).is_err() {
            return;
        }
    }
    folding.finish(until);
    let _ = said.send(folding.take());
}
