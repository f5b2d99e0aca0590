//! Events of the present, for an `up` whose time is the clock's: pages of three squads, and dependencies due in seconds.
//!
//! They are chosen so that what fires, and its ids, do not depend on how appends are batched or on the minute it is: each of
//! seven people of a squad gets their pages in turn, the last one of each being the first above the threshold; the pages
//! are old enough to forecast nothing and young enough to stay in the window over midnight.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use bellwether_model::{EventTime, Millis};
use bellwether_tests::product::{Process, Settings, run};
use bellwether_wire::envelope::Event;
use bellwether_wire::topics::Topic;
use bellwether_wire::{catalogue, instant, json, pb};

use super::quarter;

/// Squads that burn, one after the other.
const SQUADS: [&str; 3] = ["payments", "orders", "data"];
/// People of a squad.
const PEOPLE: u32 = 7;
/// The first number of pages in 28 days that is more than 4 a week.
pub(crate) const PAGES: u32 = 17;
/// Page-load triggers in the end.
pub(crate) const BURNING: usize = 3 * PEOPLE as usize;
/// Consumers of the dependencies that are not delivered.
pub(crate) const LET_DOWN: [&str; 3] = ["checkout", "search", "catalogue"];
/// From the base to the first due instant, and from each to the next: in the midst of the pages.
const DUE_EVERY: Millis = Millis::seconds(12);

/// The events, in files to be published one after the other.
#[derive(Debug)]
pub(crate) struct Present {
    /// The organisation, then pages: half a squad's in each file, so that every second one brings triggers.
    files: Vec<Vec<Event>>,
}

impl Present {
    /// Events around now.
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("a clock after 1970")?;
        let base = EventTime::from_ms(i64::try_from(now.as_millis())?);
        let organisation: Vec<Event> = quarter::events(settings)?
            .into_iter()
            .filter(|event| catalogue::home_topic(event.type_name()) == Some(Topic::Reference))
            .collect();
        ensure!(!organisation.is_empty(), "no organisation");
        let mut files = vec![organisation];
        for squad in SQUADS {
            files.push(pages(squad, base, 0..PAGES / 2));
            files.push(pages(squad, base, PAGES / 2..PAGES));
        }
        files[1].extend(dependencies(base));
        Ok(Self { files })
    }

    /// How many files there are.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// Publishes a file to its end.
    pub(crate) fn publish(&self, file: usize, settings: &Settings, servers: &str) -> anyhow::Result<()> {
        let path = self.write(file, settings)?;
        run(settings, &["publish", &path, "--bootstrap-servers", servers])?.expect(0)?;
        Ok(())
    }

    /// Begins to publish a file.
    pub(crate) fn begin(&self, file: usize, settings: &Settings, servers: &str) -> anyhow::Result<Process> {
        let path = self.write(file, settings)?;
        Process::start(settings, &["publish", &path, "--bootstrap-servers", servers])
    }

    fn write(&self, file: usize, settings: &Settings) -> anyhow::Result<String> {
        let path: PathBuf = settings.dir.join(format!("present-{file}.jsonl"));
        let lines: Vec<String> = self.files[file].iter().map(json::write).collect();
        std::fs::write(&path, lines.join("\n"))?;
        Ok(path.to_str().context("a path that is text")?.to_owned())
    }
}

fn pages(squad: &str, base: EventTime, rounds: std::ops::Range<u32>) -> Vec<Event> {
    let first = base.minus(Millis::days(20));
    let mut pages = Vec::new();
    for round in rounds {
        for person in 1..=PEOPLE {
            let at =
                first.plus(Millis::hours(12 * i64::from(round))).plus(Millis::seconds(i64::from(person)));
            let page = pb::PageNotified {
                incident: format!("{squad}-{round}-{person}"),
                responder: Some(pb::Identity {
                    source: "pagerduty://acme".into(),
                    external_id: format!("PD-{squad}-{person}"),
                }),
                channel: pb::PageChannel::Push.into(),
                urgency: pb::Urgency::High.into(),
                service: format!("svc-{squad}"),
                basis: pb::Basis::NotificationLog.into(),
                ..Default::default()
            };
            pages.push(Event::new("pagerduty://acme", format!("{squad}/{round}/{person}"), at, page));
        }
    }
    pages
}

fn dependencies(base: EventTime) -> impl Iterator<Item = Event> {
    let mut due = base;
    LET_DOWN.into_iter().map(move |consumer| {
        due = due.plus(DUE_EVERY);
        let agreed = pb::DependencyAgreed {
            dependency: format!("api-for-{consumer}"),
            kind: pb::DependencyKind::Api.into(),
            provider: "identity".into(),
            consumer: consumer.into(),
            blocks_tickets: vec![format!("{consumer}-1")],
            due: Some(pb::dependency_agreed::Due::DueAt(instant::timestamp(due))),
            ..Default::default()
        };
        Event::new("form://okr", format!("agreed/{consumer}"), base.minus(Millis::days(3)), agreed)
    })
}
