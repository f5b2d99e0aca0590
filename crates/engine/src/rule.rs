//! The rules: one file each, all of the same shape: facts in, a [`crate::instance::Verdict`] out, judged in one place.
//!
//! | rule | file | looks at |
//! |---|---|---|
//! | `velocity-drop.page-load` | [`page_load`] | one engineer's window |
//! | `velocity-drop.forecast` | [`forecast`] | one engineer's rate |
//! | `velocity-drop.concentration` | [`concentration`] | a squad's population |
//! | `velocity-drop.pace` | [`pace`] | a key result |
//! | `missed-check-in` | [`missed_check_in`] | an update window |
//! | `dependency-breach` | [`dependency_breach`] | a dependency and its blockers |

pub(crate) mod concentration;
pub(crate) mod dependency_breach;
pub(crate) mod forecast;
pub(crate) mod missed_check_in;
pub(crate) mod pace;
pub(crate) mod page_load;

use bellwether_model::{PersonId, RuleId};

use crate::context::Context;
use crate::instance::{InstanceKey, Subject};

/// The instance of a page rule about a person alone.
pub(crate) fn engineer(rule: RuleId, person: &PersonId) -> InstanceKey {
    InstanceKey { rule, subject: Subject::Engineer(person.clone()), scope: None }
}

/// True while a page rule is active for a person.
pub(crate) fn is_running(context: &Context<'_>, person: &PersonId) -> bool {
    context.instances.of_subject(&Subject::Engineer(person.clone())).next().is_some()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod date_tests;
