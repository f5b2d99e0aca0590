//! `bellwether import`: raw exports of Jira, Linear and PagerDuty become events.
//!
//! The report goes to standard output, or to standard error where the events go to standard output.
//!
//! Imported history is backfill (R14): it pages nobody. Importing twice adds nothing, because identities are the
//! sources' own and the router drops repeats.

mod target;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use bellwether_connectors::clock::{Clock as _, SystemClock};
use bellwether_connectors::{FileReport, ImportOptions, ImportReport, Progress, import, pagerduty};
use bellwether_model::EventTime;
use bellwether_wire::ids::HashKey;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Import;
use crate::config::Config;
use crate::config::mapping::{JiraMapping, LinearMapping, PagerDutyMapping};
use crate::failure::{Context as _, Exit, Failure};
use crate::format::{self, Format};
use crate::keys::Keys;
use target::Target;

/// Imports.
///
/// # Errors
/// When a path does not exist, the log does not take the events, or the file cannot be written. What could not be read
/// is in the report and in the exit code.
pub(super) fn run(config: &Config, args: &Import) -> Result<ExitCode, Failure> {
    require_all(&args.paths)?;
    let named = Accounts {
        jira_site: args.jira_site.as_ref(),
        linear_workspace: args.linear_workspace.as_ref(),
        pagerduty_account: args.pagerduty_account.as_ref(),
    };
    let id_key = match &args.to {
        Some(_) => Keys::known_id(config)?,
        None => Keys::load(config)?.id,
    };
    let mut options = options(config, named, id_key);
    options.infer_reference = args.infer_reference;
    options.complete_through =
        args.complete_through.as_deref().map(|text| past(text, SystemClock.now())).transpose()?;
    let mut target = match &args.to {
        Some(path) => Target::file(path)?,
        None => Target::log(config)?,
    };
    let bar = bar();
    let mut failed = None;
    let report = import(&args.paths, &options, &mut |progress| show(&bar, &progress), &mut |events| {
        if failed.is_none() {
            failed = target.take(&events).err();
        }
    });
    bar.finish_and_clear();
    if let Some(failure) = failed {
        return Err(failure);
    }
    require_files(&report)?;
    let is_output = target.is_output();
    let notes = target.finish(&report)?;
    let mut text = text(args.format, &report)?;
    if args.format == Format::Json {
        // The report is one object and nothing beside it.
        notes.iter().for_each(|note| format::tell(note));
    } else {
        text.extend(notes);
    }
    if is_output {
        format::tell(&text.join("\n"));
    } else {
        format::lines(text)?;
    }
    Ok(if report.exit_nonzero() { ExitCode::from(Exit::Findings as u8) } else { ExitCode::SUCCESS })
}

/// Exports that are not there are no exports that say nothing.
///
/// # Errors
/// When one of the paths does not exist.
pub(super) fn require_all(paths: &[PathBuf]) -> Result<(), Failure> {
    match paths.iter().find(|path| path.as_os_str() != "-" && !path.exists()) {
        None => Ok(()),
        Some(missing) => Err(Failure::new(Exit::Input, format!("there is no {}", missing.display()))
            .hint("name files or folders of raw exports, or - for standard input")),
    }
}

/// Nothing to read is no answer of nothing.
///
/// # Errors
/// When the folders that are named hold no file.
fn require_files(report: &ImportReport) -> Result<(), Failure> {
    if report.files.is_empty() {
        return Err(Failure::new(Exit::Input, "there is no file in what is named")
            .hint("name files or folders of raw exports, or - for standard input"));
    }
    Ok(())
}

/// The accounts that are named, where the payloads do not tell.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Accounts<'a> {
    jira_site: Option<&'a String>,
    linear_workspace: Option<&'a String>,
    pagerduty_account: Option<&'a String>,
}

/// Settings of reading exports: payloads are read as the webhooks of the same source are.
pub(super) fn options(config: &Config, named: Accounts<'_>, id_key: HashKey) -> ImportOptions {
    let (connect, of_all) = (&config.connect, &config.mapping);
    ImportOptions {
        jira_site: named.jira_site.cloned(),
        linear_workspace: named.linear_workspace.cloned(),
        pagerduty_account: named.pagerduty_account.cloned(),
        jira: meant(&connect.jira, named.jira_site, |source| &source.site).map_or_else(
            || of_all.jira.over(&JiraMapping::default()),
            |source| source.mapping.over(&of_all.jira),
        ),
        linear: meant(&connect.linear, named.linear_workspace, |source| &source.workspace).map_or_else(
            || of_all.linear.over(&LinearMapping::default()),
            |source| source.mapping.over(&of_all.linear),
        ),
        pagerduty: pagerduty::Mapping {
            id_key,
            ..meant(&connect.pagerduty, named.pagerduty_account, |source| &source.account).map_or_else(
                || of_all.pagerduty.over(&PagerDutyMapping::default()),
                |source| source.mapping.over(&of_all.pagerduty),
            )
        },
        infer_reference: false,
        complete_through: None,
        document_bytes_max: config.import.document_bytes_max,
    }
}

/// An instant through which an export can be complete.
///
/// # Errors
/// When it is no instant, or one that is still to come.
fn past(text: &str, now: EventTime) -> Result<EventTime, Failure> {
    let hint = "the instant at which the export was begun, such as 2026-03-01T08:00:00Z";
    let at = EventTime::parse(text)
        .or_fail(Exit::Usage, || format!("--complete-through {text} is no instant"))
        .map_err(|failure| failure.hint(hint))?;
    if at > now {
        let what =
            format!("--complete-through {text} is still to come: nobody knows what will have happened");
        return Err(Failure::new(Exit::Usage, what).hint(hint));
    }
    Ok(at)
}

/// The source whose own mapping holds: the one that is named, else the only one there is.
fn meant<'a, T>(sources: &'a [T], named: Option<&String>, name_of: impl Fn(&T) -> &String) -> Option<&'a T> {
    match (named, sources) {
        (Some(name), _) => sources.iter().find(|source| name_of(source) == name),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg:40!} {wide_bar} {pos}/{len}");
    let bar = ProgressBar::new(0);
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, progress: &Progress) {
    bar.set_length(progress.total);
    bar.set_position(progress.done);
    let what = match &progress.file {
        Some(file) => file.display().to_string(),
        None => format!("{:?}", progress.phase).to_lowercase(),
    };
    bar.set_message(what);
}

/// The report as lines.
fn text(format: Format, report: &ImportReport) -> Result<Vec<String>, Failure> {
    if format == Format::Json {
        let text =
            serde_json::to_string(report).or_fail(Exit::Internal, || "cannot write JSON".to_owned())?;
        return Ok(vec![text]);
    }
    let headings = ["file", "verdict", "recognised", "events", "why, or what could not be read"];
    let mut table = format::table(format, &headings);
    for file in &report.files {
        table.add_row(row(file));
    }
    let mut lines = vec![table.to_string()];
    lines.push(format!("{} events of {} types", report.event_count(), report.events.len()));
    lines.extend(report.events.iter().map(|(type_name, count)| format!("{count:>8}  {type_name}")));
    if let Some((first, last)) = &report.span {
        lines.push(format!("from {first} to {last}"));
    }
    lines.extend(report.sources.iter().map(|source| format!("source {source}")));
    lines.extend(report.notes.iter().map(|note| format!("note: {note}")));
    Ok(lines)
}

fn row(file: &FileReport) -> Vec<String> {
    let recognised: Vec<String> = file.recognised.iter().map(|(what, n)| format!("{n} {what}")).collect();
    let mut why: Vec<String> = file.verdict.reason().map(str::to_owned).into_iter().collect();
    let skipped = file.skipped.iter().filter(|(what, _)| file.verdict.reason() != Some(what.as_str()));
    why.extend(skipped.map(|(what, n)| format!("{n} x {what}")));
    // A file is often refused because of its first problem: that is told already.
    let problems = file.problems.iter().filter(|it| file.verdict.reason() != Some(it.what.as_str()));
    why.extend(problems.take(3).map(ToString::to_string));
    vec![
        file.file.clone(),
        file.verdict.word().to_owned(),
        recognised.join(", "),
        file.event_count().to_string(),
        why.join("; "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_is_complete_through_no_instant_that_is_still_to_come() {
        let now = EventTime::parse("2026-03-01T00:00:00Z").expect("an instant");
        assert_eq!(past("2026-03-01T00:00:00Z", now).expect("it has come"), now);
        let refused = past("2026-03-01T00:00:01Z", now).expect_err("refused").to_string();
        assert!(refused.contains("still to come"), "{refused}");
        assert!(past("yesterday", now).is_err());
    }

    /// Imports into a file that says `old`; what it exits with, and what the file says then.
    fn import_over_old(export: &str, text: Option<&str>) -> (Result<ExitCode, Failure>, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join(export), folder.path().join("events.jsonl"));
        std::fs::write(&to, "old").expect("written");
        if let Some(text) = text {
            std::fs::write(&from, text).expect("written");
        }
        let args = Import { paths: vec![from], to: Some(to.clone()), ..args() };
        (run(&config(""), &args), std::fs::read_to_string(&to).expect("it is there"))
    }

    #[test]
    fn an_import_of_nothing_that_can_be_read_leaves_the_file_as_it_was() {
        let (missing, file) = import_over_old("export.json", None);
        let missing = missing.expect_err("refused");
        assert_eq!((missing.exit, file.as_str()), (Exit::Input, "old"));
        let (refused, file) = import_over_old("export.json", Some("{\"issues\": [{"));
        let findings = ExitCode::from(Exit::Findings as u8);
        assert_eq!((refused.expect("a report"), file.as_str()), (findings, "old"));
    }

    #[test]
    fn a_folder_without_files_is_no_export() {
        let folder = tempfile::tempdir().expect("a folder");
        let to = folder.path().join("events.jsonl");
        let from = folder.path().join("exports");
        std::fs::create_dir(&from).expect("made");
        let refused = run(&config(""), &Import { paths: vec![from], to: Some(to.clone()), ..args() });
        assert_eq!(refused.expect_err("refused").exit, Exit::Input);
        assert!(!to.exists());
    }

    #[test]
    fn why_a_file_is_refused_is_told_once() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("empty.json"), "").expect("written");
        let paths = [folder.path().to_owned()];
        let report = import(&paths, &ImportOptions::default(), &mut |_| {}, &mut |_| {});
        let told = text(Format::Markdown, &report).expect("a table").join("\n");
        assert_eq!(told.matches("it is empty").count(), 1, "{told}");
        let event = r#"{"specversion":"1.0","id":"1","source":"s","type":"page.notified"}"#;
        std::fs::write(folder.path().join("empty.json"), event).expect("written");
        let report = import(&paths, &ImportOptions::default(), &mut |_| {}, &mut |_| {});
        let told = text(Format::Markdown, &report).expect("a table").join("\n");
        assert_eq!(told.matches("replay or publish them").count(), 1, "{told}");
    }

    fn args() -> Import {
        Import {
            paths: Vec::new(),
            to: None,
            infer_reference: false,
            complete_through: None,
            jira_site: None,
            linear_workspace: None,
            pagerduty_account: None,
            format: Format::Table,
        }
    }

    fn config(text: &str) -> Config {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("c.toml");
        std::fs::write(&file, text).expect("written");
        Config::load(Some(&file), &[]).expect("valid")
    }

    #[test]
    fn exports_are_read_as_the_webhooks_of_their_source_are() {
        let one = "[mapping.jira]\npoints-fields = [\"customfield_1\"]\n[[connect.jira]]\nsite = \"acme\"\n\
                   [connect.jira.mapping]\npoints-fields = [\"customfield_2\"]\n";
        let config_of_one = config(one);
        let fields = |config: &Config, site: Option<&str>| {
            let site = site.map(str::to_owned);
            let named = Accounts { jira_site: site.as_ref(), ..Accounts::default() };
            options(config, named, HashKey::ZERO).jira.points_fields
        };
        assert_eq!(fields(&config_of_one, None), ["customfield_2"], "the only site is meant");
        assert_eq!(fields(&config_of_one, Some("other")), ["customfield_1"]);
        let two = config(&format!("{one}[[connect.jira]]\nsite = \"umbrella\"\n"));
        assert_eq!(fields(&two, None), ["customfield_1"], "nobody can tell which is meant");
        assert_eq!(fields(&two, Some("acme")), ["customfield_2"]);
        let receiver = crate::roles::connect::options(&two, &HashKey::ZERO);
        assert_eq!(receiver.jira["acme"].mapping.points_fields, ["customfield_2"]);
        assert_eq!(receiver.jira["umbrella"].mapping.points_fields, ["customfield_1"]);
    }

    #[test]
    fn r60_an_import_and_a_webhook_of_one_deployment_hide_users_with_one_key() {
        let key = HashKey([7; 32]);
        let config = config("[[connect.pagerduty]]\naccount = \"acme\"\n");
        let receiver = crate::roles::connect::options(&config, &key);
        let import = options(&config, Accounts::default(), key);
        assert_eq!(import.pagerduty, receiver.pagerduty["acme"].mapping);
    }
}
