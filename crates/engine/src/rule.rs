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

use bellwether_model::{PersonId, RuleId, SquadId};

use crate::context::Context;
use crate::explain::ExplainBuilder;
use crate::instance::{InstanceKey, Subject};
use crate::page::Pages;

/// The instance of a page rule about a person alone.
pub(crate) fn engineer(rule: RuleId, person: &PersonId) -> InstanceKey {
    InstanceKey { rule, subject: Subject::Engineer(person.clone()), scope: None }
}

/// True while a page rule is active for a person.
pub(crate) fn is_running(context: &Context<'_>, person: &PersonId) -> bool {
    context.instances.of_subject(&Subject::Engineer(person.clone())).next().is_some()
}

/// How an instance of a page rule stands now: its numbers, whether or not its condition holds.
pub(crate) fn explain_pages(pages: &mut Pages, context: &Context<'_>, key: &InstanceKey) -> ExplainBuilder {
    match (key.rule, &key.subject, &key.scope) {
        (RuleId::VelocityDropPageLoad, Subject::Engineer(person), _) => {
            page_load::explain_now(pages, context, key.rule, person)
        }
        (RuleId::VelocityDropForecast, Subject::Engineer(person), _) => {
            forecast::explain_now(pages, context, person)
        }
        (RuleId::VelocityDropConcentration, Subject::Engineer(person), Some(squad)) => {
            concentration::explain_now(pages, context, &SquadId::from(squad.clone()), person)
        }
        _ => ExplainBuilder::new(key.rule),
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod date_tests;
