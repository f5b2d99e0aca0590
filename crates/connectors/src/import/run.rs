//! The course of an import.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bellwether_wire::Event;

use super::expand::expand;
use super::gather::{FileIndex, Gathering, Output};
use super::options::{ImportOptions, Phase, Progress};
use super::read::{self, Document};
use super::recognise::Kind;
use super::report::{FileReport, ImportReport, Verdict};
use super::{order, progress as completeness, reference};
use crate::{forge, jira, linear, pagerduty};

/// Events handed over at once: enough for a transaction, little enough to show progress.
const BATCH_EVENTS: usize = 1_000;

/// How a kind of payload serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Serves {
    Events,
    Explanation,
    Nothing,
}

#[derive(Debug, Default)]
struct Seen {
    events: bool,
    explanation: bool,
    not_needed: BTreeMap<&'static str, u64>,
    unusable: BTreeMap<&'static str, u64>,
    unknown: u64,
    pages: u64,
}

/// Reads raw exports and hands their events over in order.
///
/// `paths` are files, folders (walked in order of names) or `-` for standard input. Importing the same files twice
/// gives the same events, so that the log keeps one of each.
pub fn import(
    paths: &[PathBuf],
    options: &ImportOptions,
    progress: &mut dyn FnMut(Progress),
    emit: &mut dyn FnMut(Vec<Event>),
) -> ImportReport {
    let mut report = ImportReport::default();
    let mut gathering = Gathering {
        jira: jira::import::Gathering::new(&options.jira),
        linear: linear::import::Gathering::default(),
        pagerduty: pagerduty::import::Gathering::default(),
        forge: forge::import::Gathering::default(),
    };
    let files = find(paths);
    let total = files.len() as u64;
    let mut all_seen = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        progress(Progress { phase: Phase::Reading, file: Some(file.clone()), done: index as u64, total });
        let mut file_report = FileReport::new(file.display().to_string());
        all_seen.push(read_one(file, paths.contains(file), index, options, &mut gathering, &mut file_report));
        report.files.push(file_report);
    }

    progress(Progress { phase: Phase::Mapping, file: None, done: 0, total: 0 });
    let mut output = Output::default();
    gathering.jira.map(options.jira_site.as_deref(), &mut output);
    gathering.linear.map(&options.linear, options.linear_workspace.as_deref(), &mut output);
    gathering.pagerduty.map(&options.pagerduty, options.pagerduty_account.as_deref(), &mut output);
    gathering.forge.map(&mut output);
    if options.infer_reference {
        reference::infer(&mut output);
    }
    order::order(&mut output.events);
    conclude(&mut report, &output, &all_seen);
    if let Some(through) = options.complete_through {
        for event in completeness::progressed(&mut report, &output, through) {
            *report.events.entry(event.type_name().to_owned()).or_default() += 1;
            // Of no file: it is what whoever took the export says.
            output.events.push((event, FileIndex::MAX));
        }
        order::order(&mut output.events);
    }

    let total = output.events.len() as u64;
    let mut done = 0;
    let mut events = output.events.into_iter().map(|(event, _)| event).peekable();
    while events.peek().is_some() {
        let batch: Vec<Event> = events.by_ref().take(BATCH_EVENTS).collect();
        done += batch.len() as u64;
        emit(batch);
        progress(Progress { phase: Phase::Emitting, file: None, done, total });
    }
    report
}

/// Files under the paths, each once, in the order of their names.
fn find(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut pending: Vec<PathBuf> = paths.to_vec();
    while let Some(path) = pending.pop() {
        // A link to a folder is not followed: it could lead back.
        let is_folder = path.is_dir() && (paths.contains(&path) || !path.is_symlink());
        match std::fs::read_dir(&path) {
            Ok(entries) if is_folder => pending.extend(entries.filter_map(|entry| Some(entry.ok()?.path()))),
            _ => files.push(path),
        }
    }
    files.sort();
    files.dedup();
    files
}

fn read_one(
    file: &Path,
    is_named: bool,
    index: FileIndex,
    options: &ImportOptions,
    gathering: &mut Gathering,
    report: &mut FileReport,
) -> Seen {
    let mut seen = Seen::default();
    let mut recognised: BTreeMap<String, u64> = BTreeMap::new();
    let mut visit = |object, kind| {
        let (name, serves) = take(gathering, object, kind, index, &mut seen);
        match serves {
            Some(Serves::Events) => seen.events = true,
            Some(Serves::Explanation) => seen.explanation = true,
            Some(Serves::Nothing) | None => {}
        }
        if let Some(name) = name {
            *recognised.entry(name.to_owned()).or_default() += 1;
        }
    };
    let problems = read::read(file, is_named, options, &mut |document| match document {
        Document::Value(value, hint) => expand(value, hint, &mut visit),
        Document::PageEnd(rest, key) => super::expand::page_end(rest, key, &mut visit),
    });
    report.recognised = recognised;
    report.problems = problems;
    seen
}

fn take(
    gathering: &mut Gathering,
    object: super::expand::Object,
    kind: Kind,
    file: FileIndex,
    seen: &mut Seen,
) -> (Option<&'static str>, Option<Serves>) {
    let serves = |explains: bool| Some(if explains { Serves::Explanation } else { Serves::Events });
    match kind {
        Kind::Jira(kind) => {
            let (name, explains) = (kind.name(), kind.explains());
            gathering.jira.take(kind, object, file);
            (Some(name), serves(explains))
        }
        Kind::Linear(kind) => {
            let (name, explains) = (kind.name(), kind.explains());
            gathering.linear.take(kind, object, file);
            (Some(name), serves(explains))
        }
        Kind::PagerDuty(kind) => {
            let (name, explains) = (kind.name(), kind.explains());
            gathering.pagerduty.take(kind, object, file);
            (Some(name), serves(explains))
        }
        Kind::Forge(kind) => {
            let (name, explains) = (kind.name(), kind.explains());
            gathering.forge.take(kind, object, file);
            (Some(name), serves(explains))
        }
        Kind::NotNeeded(name) => {
            *seen.not_needed.entry(name).or_default() += 1;
            (Some(name), Some(Serves::Nothing))
        }
        Kind::Unusable(why) => {
            *seen.unusable.entry(why).or_default() += 1;
            (None, Some(Serves::Nothing))
        }
        Kind::Page { key, total, names } => {
            names.iter().for_each(|names| gathering.jira.names(names));
            gathering.jira.page(&key, total);
            gathering.linear.page(&key, total);
            gathering.pagerduty.page(&key, total);
            seen.pages += 1;
            (None, None)
        }
        Kind::Unknown => {
            seen.unknown += 1;
            (None, None)
        }
    }
}

fn conclude(report: &mut ImportReport, output: &Output, all_seen: &[Seen]) {
    for (event, file) in &output.events {
        *report.events.entry(event.type_name().to_owned()).or_default() += 1;
        if let Some(file) = report.files.get_mut(*file) {
            *file.events.entry(event.type_name().to_owned()).or_default() += 1;
        }
        if !report.sources.contains(&event.id.source) {
            report.sources.push(event.id.source.clone());
        }
    }
    report.sources.sort();
    for ((file, why), count) in &output.skipped {
        if let Some(file) = report.files.get_mut(*file) {
            *file.skipped.entry(why.clone()).or_default() += count;
        }
    }
    for ((file, why), count) in &output.passed_over {
        if let Some(file) = report.files.get_mut(*file) {
            *file.passed_over.entry(why.clone()).or_default() += count;
        }
    }
    for (file, seen) in report.files.iter_mut().zip(all_seen) {
        for (why, count) in &seen.unusable {
            *file.skipped.entry((*why).to_owned()).or_default() += count;
        }
        if seen.unknown > 0 {
            *file.skipped.entry("nothing known".to_owned()).or_default() += seen.unknown;
        }
        file.verdict = verdict(file, seen);
    }
    let times = || output.events.iter().map(|(event, _)| event.time);
    report.span = times().min().zip(times().max()).map(|(from, to)| (from.to_rfc3339(), to.to_rfc3339()));
    report.notes = output.notes.iter().cloned().collect();
}

fn verdict(file: &FileReport, seen: &Seen) -> Verdict {
    if file.event_count() > 0 {
        return Verdict::Mapped;
    }
    if seen.events {
        let most = |counts: &BTreeMap<String, u64>| {
            counts.iter().max_by_key(|(_, count)| **count).map(|(why, _)| why.clone())
        };
        if let Some(why) = most(&file.skipped) {
            return Verdict::Refused(format!("nothing in it could be mapped: {why}"));
        }
        let why = most(&file.passed_over);
        return Verdict::NotNeeded(why.unwrap_or_else(|| "all it says, another file says".to_owned()));
    }
    if seen.explanation {
        return Verdict::Explains;
    }
    if !seen.not_needed.is_empty() {
        let names: Vec<&str> = seen.not_needed.keys().copied().collect();
        return Verdict::NotNeeded(names.join(", "));
    }
    if seen.pages > 0 && seen.unknown == 0 && file.problems.is_empty() {
        return Verdict::NotNeeded("a page with nothing in it".to_owned());
    }
    if let Some(why) = seen.unusable.keys().next() {
        return Verdict::Refused((*why).to_owned());
    }
    match file.problems.first() {
        Some(problem) => Verdict::Refused(problem.what.clone()),
        None => Verdict::Refused(
            "no payload of Jira, Linear, PagerDuty, GitHub or GitLab in it; export what docs/guides/import.md lists"
                .to_owned(),
        ),
    }
}
