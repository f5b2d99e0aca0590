//! Builds the view of a step for a reader: takes what the reach allows and leaves the rest.

use bellwether_model::{Audience, COVERAGE_MIN, EventTime, Millis};
use bellwether_wire::{instant, pb};

use super::reach::Reach;
use super::view::{
    BlastRadius, Figure, Individual, KeyResultState, KeyResultView, PageSource, Seen, Shareable, Standing,
    StepView, ThinSystem, Threshold, UnfilledSlot,
};
use super::{Error, Readership, Redacted, Showing, cost};
use crate::directory::{Directory, home_squad};

/// Items of a list that a message shows; the rest is counted.
const LIST_MAX: usize = 10;

/// Open slots that a message shows.
const SLOTS_MAX: usize = 6;

const NO_LOAD: &str = "no load assessment of the squad has been read";
const NO_COVERAGE: &str = "no production system of the squad is recorded";
const NO_PERSON: &str = "the person is not in the directory";
const NO_SQUAD: &str = "the squad is not recorded";
const NO_SHIFTS: &str = "no on-call schedule has been read";

/// The view of a step for a reader. `time` is when its event says it happened.
///
/// # Errors
/// When its level is not 1 to 5.
pub fn view(
    step: &pb::StepFired,
    time: EventTime,
    readership: &Readership,
    directory: &Directory,
) -> Result<Redacted<StepView>, Error> {
    let reach = Reach::of(step, time, readership, directory)?;
    let explain = step.explain.as_ref();
    let thin_systems = thin_systems(&reach);
    let inputs = || explain.into_iter().flat_map(|explain| &explain.inputs);
    Ok(Redacted(StepView {
        level: reach.level,
        rule: reach.rule,
        rule_name: reach.typed(&step.rule),
        escalation: reach.typed(&step.escalation),
        audience: step.audience.iter().filter_map(|name| Audience::parse(name).ok()).collect(),
        repeat: step.repeat,
        addition: !step.added_to.is_empty(),
        late_by: Millis::from_ms((step.fired_late_by_seconds * 1000.0) as i64),
        supersedes: step.supersedes.clone(),
        zone: directory.zone(reach.at),
        fired_at: reach.at,
        started_at: instant::optional(step.started_at.as_ref()).unwrap_or(reach.at),
        squad: reach.squad_name(home_squad(step)),
        squads: step.squads.iter().map(|squad| reach.squad_name(squad)).collect(),
        key_result: key_result(&reach),
        thing: thing(&reach),
        individual: individual(&reach),
        figures: inputs()
            .filter(|input| reach.sees(&input.name))
            .map(|input| figure(&reach, input))
            .collect(),
        figures_withheld: inputs().any(|input| !reach.sees(&input.name)),
        thresholds: explain
            .into_iter()
            .flat_map(|it| &it.thresholds)
            .map(|it| threshold(&reach, it))
            .collect(),
        arithmetic: explain.and_then(|explain| reach.explained(&explain.arithmetic)),
        clears_when: explain.and_then(|explain| reach.explained(&explain.clears_when)),
        notes: explain
            .into_iter()
            .flat_map(|it| &it.notes)
            .filter_map(|note| reach.explained(note))
            .collect(),
        sources: sources(&reach),
        blast_radius: step.blast_radius.as_ref().map(|radius| blast_radius(&reach, radius)),
        only_them: only_them(&reach),
        shareable: shareable(&reach),
        neighbours: neighbours(&reach),
        unfilled: unfilled(&reach),
        replacement_cost: cost::replacement(&reach),
        training_cost: cost::training(&reach, &thin_systems),
        thin_systems,
    }))
}

fn individual(reach: &Reach<'_>) -> Option<Individual> {
    if !reach.names_a_person() {
        return None;
    }
    if reach.reads_about_themselves {
        return Some(Individual::Reader);
    }
    let known = reach.individual.and_then(|id| Some((id, reach.directory.person(id, reach.at)?)));
    Some(match (reach.showing, known) {
        (Showing::Hidden, _) => Individual::Hidden,
        (Showing::Named, Some((id, person))) => {
            Individual::Named { name: crate::text::tidy(&person.name), standing: standing(reach, id, person) }
        }
        (Showing::RoleAndTenure, Some((id, person))) => {
            Individual::RoleAndTenure(standing(reach, id, person))
        }
        (Showing::Named | Showing::RoleAndTenure, None) => Individual::Unresolved,
    })
}

fn standing(reach: &Reach<'_>, id: &str, person: &pb::PersonRecorded) -> Standing {
    let role = if person.title.is_empty() { &person.level } else { &person.title };
    Standing { role: reach.typed(role), years: reach.directory.tenure_years(id, reach.at) }
}

fn key_result(reach: &Reach<'_>) -> Option<KeyResultView> {
    let id = &reach.step.key_result;
    if id.is_empty() {
        return None;
    }
    let recorded = reach.directory.key_result(id, reach.at);
    let title = recorded.map(|it| it.title.as_str()).filter(|title| !title.is_empty()).unwrap_or(id);
    let target = recorded.map(|it| format!("{} {}", it.target, it.unit)).unwrap_or_default();
    Some(KeyResultView {
        id: reach.typed(id),
        title: reach.typed(title),
        measure: recorded.map(|it| reach.typed(&it.measure)).unwrap_or_default(),
        target: reach.typed(&target),
        state: reach.directory.standing_of(id).map(|assessed| key_result_state(reach, assessed)),
    })
}

fn key_result_state(reach: &Reach<'_>, assessed: &pb::KeyResultAssessed) -> KeyResultState {
    let open = reach.sees_key_result_figures();
    let number = |measure: &Option<pb::Measure>| {
        measure.as_ref().filter(|_| open).map(|measure| reach.typed(&measure.display))
    };
    let has_digits = assessed.reason.chars().any(char::is_numeric);
    let reason =
        (!assessed.reason.is_empty() && (open || !has_digits)).then(|| reach.typed(&assessed.reason));
    KeyResultState {
        status: match assessed.status() {
            pb::Status::Unspecified | pb::Status::NoData => "no data",
            pb::Status::Green => "green",
            pb::Status::Amber => "amber",
            pb::Status::Red => "red",
        },
        assessed_at: instant::optional(assessed.assessed_at.as_ref()),
        reason,
        value: number(&assessed.current),
        pace: number(&assessed.pace),
        projected: number(&assessed.projected_completion),
        withheld: !open && (assessed.current.is_some() || has_digits),
    }
}

/// The id of a subject that is neither a person nor a squad nor a key result.
fn thing(reach: &Reach<'_>) -> String {
    let Some(subject) = &reach.step.subject else { return String::new() };
    match subject.kind() {
        pb::SubjectKind::Dependency | pb::SubjectKind::Kpi => reach.typed(&subject.id),
        pb::SubjectKind::Engineer
        | pb::SubjectKind::Squad
        | pb::SubjectKind::KeyResult
        | pb::SubjectKind::Unspecified => String::new(),
    }
}

fn figure(reach: &Reach<'_>, input: &pb::ExplainInput) -> Figure {
    let name = reach.typed(&input.name);
    if input.unit == "instant"
        && let Ok(at) = EventTime::parse(&input.value)
    {
        let display = crate::text::moment(at, reach.directory.zone(reach.at));
        return Figure { name, display, unit: String::new() };
    }
    let display = if input.display.is_empty() { &input.value } else { &input.display };
    Figure { name, display: reach.typed(display), unit: reach.typed(&input.unit) }
}

fn threshold(reach: &Reach<'_>, threshold: &pb::ExplainThreshold) -> Threshold {
    Threshold {
        name: reach.typed(&threshold.name),
        value: reach.typed(&threshold.value),
        unit: reach.typed(&threshold.unit),
        provenance: match threshold.provenance() {
            pb::Provenance::Unspecified => "",
            pb::Provenance::Benchmark => "benchmark",
            pb::Provenance::Threshold => "threshold",
            pb::Provenance::Modeled => "modeled",
            pb::Provenance::Ours => "ours",
            pb::Provenance::Custom => "your own",
        },
    }
}

fn sources(reach: &Reach<'_>) -> Seen<Vec<PageSource>> {
    let Some(load) = reach.directory.load(home_squad(reach.step)) else { return Seen::Unknown(NO_LOAD) };
    if !reach.sees_squad_figures(usize::try_from(load.eligible).unwrap_or(0)) {
        return Seen::Withheld;
    }
    let shown = load.top_sources.iter().take(LIST_MAX);
    Seen::Shown(shown.map(|it| PageSource { source: reach.typed(&it.source), pages: it.pages }).collect())
}

fn only_them(reach: &Reach<'_>) -> Seen<Vec<String>> {
    if reach.showing != Showing::Named {
        return Seen::Withheld;
    }
    let Some(person) = reach.individual else { return Seen::Unknown(NO_PERSON) };
    let systems = reach.directory.systems_of(home_squad(reach.step), reach.at);
    if systems.is_empty() {
        return Seen::Unknown(NO_COVERAGE);
    }
    let alone = systems.into_iter().filter(|system| {
        let trained = reach.directory.trained(&system.system, reach.at);
        trained.len() == 1 && trained.contains(person)
    });
    Seen::Shown(alone.map(|system| system_name(reach, system)).collect())
}

/// Which systems are thin is about systems and published to all; how many people each has is not.
fn thin_systems(reach: &Reach<'_>) -> Seen<Vec<ThinSystem>> {
    let systems = reach.directory.systems_of(home_squad(reach.step), reach.at);
    if systems.is_empty() {
        return Seen::Unknown(NO_COVERAGE);
    }
    let thin = systems.into_iter().filter_map(|system| {
        let trained = reach.directory.trained(&system.system, reach.at).len();
        let shown = (reach.showing == Showing::Named).then_some(trained);
        (trained < COVERAGE_MIN).then(|| ThinSystem { system: system_name(reach, system), trained: shown })
    });
    Seen::Shown(thin.collect())
}

fn shareable(reach: &Reach<'_>) -> Seen<Vec<Shareable>> {
    let squad = home_squad(reach.step);
    let systems = reach.directory.systems_of(squad, reach.at);
    if systems.is_empty() {
        return Seen::Unknown(NO_COVERAGE);
    }
    let near = reach.directory.adjacent(squad, reach.at);
    let own = reach.directory.members(squad, reach.at);
    let shared = systems.into_iter().filter_map(|system| {
        let trained = reach.directory.trained(&system.system, reach.at);
        let has_trained = |other: &&&pb::SquadRecorded| {
            let members = reach.directory.members(&other.squad, reach.at);
            trained.iter().any(|person| members.contains(person) && !own.contains(person))
        };
        let squads: Vec<String> =
            near.iter().filter(has_trained).map(|it| reach.squad_name(&it.squad)).collect();
        (!squads.is_empty()).then(|| Shareable { system: system_name(reach, system), squads })
    });
    Seen::Shown(shared.collect())
}

fn neighbours(reach: &Reach<'_>) -> Vec<String> {
    let near = reach.directory.adjacent(home_squad(reach.step), reach.at);
    near.into_iter().map(|squad| reach.squad_name(&squad.squad)).collect()
}

fn unfilled(reach: &Reach<'_>) -> Seen<Vec<UnfilledSlot>> {
    let squad = home_squad(reach.step);
    if reach.directory.squad(squad, reach.at).is_none() {
        return Seen::Unknown(NO_SQUAD);
    }
    let mut open = Vec::new();
    for squad in reach.directory.adjacent(squad, reach.at) {
        let Some(slots) = reach.directory.unfilled(&squad.squad, reach.at) else {
            return Seen::Unknown(NO_SHIFTS);
        };
        let name = reach.squad_name(&squad.squad);
        open.extend(slots.into_iter().map(|slot| UnfilledSlot {
            squad: name.clone(),
            start: slot.start,
            end: slot.end,
        }));
    }
    open.sort_by(|a, b| (a.start, &a.squad).cmp(&(b.start, &b.squad)));
    open.truncate(SLOTS_MAX);
    Seen::Shown(open)
}

fn blast_radius(reach: &Reach<'_>, radius: &pb::BlastRadius) -> BlastRadius {
    let key_result = |id: &String| {
        let recorded = reach.directory.key_result(id, reach.at).map(|it| it.title.as_str());
        reach.typed(recorded.filter(|title| !title.is_empty()).unwrap_or(id))
    };
    let commitment = |id: &String| match reach.directory.commitment(id, reach.at) {
        Some(it) if it.due_on.is_empty() => reach.typed(&it.title),
        Some(it) => reach.typed(&format!("{} (due {})", it.title, it.due_on)),
        None => reach.typed(id),
    };
    BlastRadius {
        key_results: radius.key_results.iter().map(key_result).collect(),
        tickets: radius.tickets.iter().map(|id| reach.typed(id)).collect(),
        commitments: radius.customer_commitments.iter().map(commitment).collect(),
        dependencies: radius.dependencies.iter().map(|id| reach.typed(id)).collect(),
    }
}

fn system_name(reach: &Reach<'_>, system: &pb::SystemRecorded) -> String {
    reach.typed(if system.name.is_empty() { &system.system } else { &system.name })
}
