//! Which deliveries a target gets of a step, and in which role each is read.

use std::collections::BTreeSet;

use bellwether_model::{Audience, EventTime};
use bellwether_wire::pb;
use metrics::counter;

use crate::delivery::DeliveryId;
use crate::directory::{Directory, home_squad};
use crate::metric_definitions as metric;
use crate::options::{Reader, Target};
use crate::redaction::{Medium, Readership};

/// A delivery to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) id: DeliveryId,
    pub(super) reader: PlannedReader,
}

/// Who reads a delivery. Roles and names are looked up again at each attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PlannedReader {
    /// Anybody who can see the target.
    Anybody(Medium),
    /// Whoever holds the role.
    Role(Audience, Medium),
    /// One person, at the target's own address.
    Person {
        /// Pseudonym.
        pseudonym: String,
        /// Where it is read.
        medium: Medium,
    },
    /// One person, at their own address.
    Recipient {
        /// Pseudonym.
        pseudonym: String,
        /// Where it is read.
        medium: Medium,
    },
}

impl PlannedReader {
    /// In which roles a step is read now.
    pub(super) fn readership(
        &self,
        step: &pb::StepFired,
        at: EventTime,
        directory: &Directory,
    ) -> Readership {
        match self {
            Self::Anybody(medium) => Readership::anybody(*medium),
            Self::Role(audience, medium) => {
                Readership { audiences: vec![*audience], medium: *medium, person: None }
            }
            Self::Person { pseudonym, medium } | Self::Recipient { pseudonym, medium } => {
                let person = directory.resolve(pseudonym).map(str::to_owned);
                let audiences = person.iter().flat_map(|id| directory.roles_of(id, step, at)).collect();
                Readership { audiences, medium: *medium, person }
            }
        }
    }
}

/// The deliveries of a step to a target, each once.
pub(super) fn deliveries(
    target: &Target,
    step: &pb::StepFired,
    at: EventTime,
    directory: &Directory,
) -> Vec<Planned> {
    if !is_for(target, step) {
        return Vec::new();
    }
    let medium = target.medium();
    let id = |step: String, name: String| DeliveryId { step, channel: target.channel, target: name };
    // A level may go out in parts, to some people now and to others after their quiet hours. For a target that is no
    // person it is one message all the same.
    let own = |reader| vec![Planned { id: id(whole(&step.step), target.name.clone()), reader }];
    match &target.reader {
        Reader::Anybody => own(PlannedReader::Anybody(medium)),
        Reader::Role { audience, squads } => {
            let addressed = step.audience.iter().any(|name| name == audience.as_str())
                && is_turn_of(*audience, step, at, directory);
            let concerned = squads.is_empty()
                || squads.iter().any(|squad| match audience {
                    // Of two squads' managers each is concerned by the other's half.
                    Audience::BothEms => step.squads.iter().any(|it| squad == it.as_str()),
                    _ => squad == home_squad(step),
                });
            if addressed && concerned { own(PlannedReader::Role(*audience, medium)) } else { Vec::new() }
        }
        Reader::Person(person) => {
            let pseudonym = directory.pseudonym(person);
            let addressed = step.recipients.contains(&pseudonym) && !is_kept_from(step, &pseudonym);
            let id = id(step.step.clone(), target.name.clone());
            let planned = Planned { id, reader: PlannedReader::Person { pseudonym, medium } };
            if addressed { vec![planned] } else { Vec::new() }
        }
        Reader::EachRecipient => {
            let recipients: BTreeSet<&String> = step.recipients.iter().collect();
            let unknown = recipients.iter().filter(|it| directory.address(it, at).is_none()).count();
            counter!(metric::UNRESOLVED_RECIPIENTS).increment(u64::try_from(unknown).unwrap_or(0));
            let reachable = recipients.into_iter().filter(|pseudonym| !is_kept_from(step, pseudonym));
            reachable
                .map(|pseudonym| Planned {
                    id: id(step.step.clone(), format!("{}/{pseudonym}", target.name)),
                    reader: PlannedReader::Recipient { pseudonym: pseudonym.clone(), medium },
                })
                .collect()
        }
    }
}

/// The step that a part belongs to: `e/L1/p2/r1` is a part of `e/L1/r1`.
fn whole(step: &str) -> String {
    let is_part = |part: &&str| {
        part.strip_prefix('p')
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut parts = step.split('/');
    let escalation = parts.next().unwrap_or_default();
    parts.filter(|part| !is_part(part)).fold(escalation.to_owned(), |whole, part| format!("{whole}/{part}"))
}

/// True when this part of a level goes to somebody in that role, or when nobody can tell.
fn is_turn_of(audience: Audience, step: &pb::StepFired, at: EventTime, directory: &Directory) -> bool {
    let mut known = step.recipients.iter().filter_map(|pseudonym| directory.resolve(pseudonym)).peekable();
    known.peek().is_none() || known.any(|person| directory.roles_of(person, step, at).contains(&audience))
}

fn is_for(target: &Target, step: &pb::StepFired) -> bool {
    let channel = step.channels.is_empty() || step.channels.iter().any(|it| it == target.channel.as_str());
    let level =
        target.levels.is_empty() || target.levels.iter().any(|level| u32::from(level.number()) == step.level);
    let function = target.functions.is_empty() || target.functions.contains(&step.function);
    channel && level && function
}

/// True for the engineer of a page rule, who never receives an escalation about themselves below L3 (R75). The
/// escalator leaves them out already; a mistake there must not become a message.
fn is_kept_from(step: &pb::StepFired, pseudonym: &str) -> bool {
    let about_them = step
        .subject
        .as_ref()
        .is_some_and(|subject| subject.kind() == pb::SubjectKind::Engineer && subject.id == pseudonym);
    about_them && step.level < 3
}
