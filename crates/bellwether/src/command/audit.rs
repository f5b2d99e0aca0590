//! `bellwether audit`: a report from raw exports.

use std::process::ExitCode;

use bellwether_connectors::{FileReport, ImportOptions, ImportReport, Verdict};
use bellwether_model::Millis;
use bellwether_wire::Event;
use bellwether_wire::ids::HashKey;

use super::import::{self, Accounts};
use crate::audit::{self, Report, html};
use crate::cli::{Audit, AuditFormat};
use crate::config::Config;
use crate::failure::{Context as _, Exit, Failure};
use crate::format::{self, Format};
use crate::replay::pipeline::Unresolved;
use crate::replay::{Pipeline, order};

/// Reports.
///
/// # Errors
/// When nothing usable was found.
pub(super) fn run(config: &Config, args: &Audit) -> Result<ExitCode, Failure> {
    import::require_all(&args.paths)?;
    let thresholds = config.thresholds()?;
    let mut events: Vec<Event> = Vec::new();
    let imported = bellwether_connectors::import(&args.paths, &reading(config), &mut |_| {}, &mut |batch| {
        events.extend(batch)
    });
    if events.is_empty() {
        return Err(Failure::new(Exit::Input, "nothing in these files is an export this version knows")
            .hint("`bellwether import PATH --to /dev/null` says of each file what it is and why it was left out"));
    }
    order::sort(&mut events);
    let last = audit::end(&events);
    events.retain(|event| event.time <= last);
    let mut pipeline = Pipeline::new(HashKey::ZERO, HashKey::ZERO, &thresholds);
    let mut said = Vec::new();
    for event in &events {
        pipeline.fold(event);
        said.append(&mut pipeline.take());
    }
    // Six more hours, so that what is published four times a day is.
    let until = last.plus(Millis::hours(6));
    pipeline.finish(until);
    said.append(&mut pipeline.take());
    let mut report = audit::report(&events, &said, args.names, &config.cost_model());
    report.notes.extend(imported.notes.iter().cloned());
    report.notes.extend(unread(&imported));
    report.notes.extend(unexplained(pipeline.unresolved()));
    print(args.format, &report)?;
    Ok(if imported.exit_nonzero() { ExitCode::from(Exit::Findings as u8) } else { ExitCode::SUCCESS })
}

/// How payloads are read: as an import of the same configuration reads them, with people and squads inferred.
fn reading(config: &Config) -> ImportOptions {
    ImportOptions { infer_reference: true, ..import::options(config, Accounts::default(), HashKey::ZERO) }
}

/// Files that say less than they hold.
fn unread(imported: &ImportReport) -> Option<String> {
    let is_refused = |file: &&FileReport| matches!(file.verdict, Verdict::Refused(_));
    let refused = imported.files.iter().filter(is_refused).count();
    let in_part = imported.files.iter().filter(|file| !is_refused(file) && !file.problems.is_empty()).count();
    let told = match (refused, in_part) {
        (0, 0) => return None,
        (refused, 0) => format!("{refused} files could not be used"),
        (0, in_part) => format!("{in_part} files could be read in part only"),
        (refused, in_part) => {
            format!("{refused} files could not be used, {in_part} more could be read in part only")
        }
    };
    Some(format!("{told}; `bellwether import PATH --to /dev/null` lists them"))
}

/// Events whose people or squads the exports do not tell.
fn unexplained(unresolved: Unresolved) -> Vec<String> {
    let mut notes = Vec::new();
    if unresolved.people > 0 {
        notes.push(format!("{} events name people whom no user of the exports explains", unresolved.people));
    }
    if unresolved.places > 0 {
        let places = unresolved.places;
        notes
            .push(format!("{places} events are of boards, sprints or services of no squad that can be told"));
    }
    notes
}

fn print(format: AuditFormat, report: &Report) -> Result<(), Failure> {
    match format {
        AuditFormat::Json => {
            let text = serde_json::to_string(report);
            format::lines([text.or_fail(Exit::Internal, || "cannot write JSON".to_owned())?])
        }
        AuditFormat::Html => format::lines([html::page(report)]),
        AuditFormat::Table => tables(Format::Table, report),
        AuditFormat::Markdown => tables(Format::Markdown, report),
    }
}

fn tables(format: Format, report: &Report) -> Result<(), Failure> {
    for table in report.tables() {
        heading(format, table.heading)?;
        match table.why_empty {
            Some(why) => format::lines([format!("none: {why}")])?,
            None => format::rows(format, table.columns, &table.rows, Clone::clone)?,
        }
    }
    let mut lines = vec![String::new()];
    lines.extend(report.next_risk.iter().map(|risk| format!("next attrition risk: {risk}")));
    lines.extend(report.notes.iter().map(|note| format!("note: {note}")));
    format::lines(lines)
}

fn heading(format: Format, text: &str) -> Result<(), Failure> {
    match format {
        Format::Markdown => format::lines([String::new(), format!("## {text}"), String::new()]),
        Format::Table | Format::Json => format::lines([String::new(), text.to_owned()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audit_reads_exports_as_an_import_of_the_same_configuration_does() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("c.toml");
        std::fs::write(&file, "[mapping.jira]\npoints-fields = [\"customfield_7\"]\n").expect("written");
        let options = reading(&Config::load(Some(&file), &[]).expect("valid"));
        assert_eq!(options.jira.points_fields, ["customfield_7"]);
        assert!(options.infer_reference);
    }
}
