//! The sprints of a site become the events of their life.
//!
//! What an export cannot tell: that a sprint had been closed before and was opened again. It shows only the state
//! it is in now.

use bellwether_wire::pb;

use super::site::Site;
use crate::import::gather::Output;
use crate::jira::sprint::{self, Transition};

pub(super) fn map(uri: &str, site: &Site, output: &mut Output) {
    let mut without_completion = 0_u64;
    for (id, sprint) in &site.sprints {
        let file = site.sprint_files.get(id).map(|(_, file)| *file).unwrap_or_default();
        let activated = sprint::activated_at(sprint);
        let closed = sprint::closed_at(sprint);
        let mut emit = |transition, at| {
            if let Some(event) = sprint::event(uri, sprint, transition, at, None, pb::Basis::Import) {
                output.emit(event, file);
            }
        };
        if let Some(at) = sprint.created_date {
            emit(Transition::Planned, at);
        }
        if let Some(at) = activated {
            emit(Transition::Activated, at);
        }
        if let Some(at) = closed {
            emit(Transition::Closed, at);
            without_completion += u64::from(sprint.complete_date.is_none());
        }
        if sprint.created_date.is_none() && activated.is_none() && closed.is_none() {
            output.pass_over(file, "sprint that has not begun, exported without createdDate");
        }
    }
    if without_completion > 0 {
        output.note(format!(
            "{uri}: {without_completion} closed sprints have no completeDate; their planned end stands in for it"
        ));
    }
}
