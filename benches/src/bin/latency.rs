//! From an event to its trigger, through `bellwether up`: on the embedded broker, and on Apache Kafka when one is named.
//!
//! Each sample is a dependency agreed too late, which fires at once. Two ways in: as an event on its source topic, so that
//! router and processor are passed, and as a fact on its partition, so that the processor alone is. The clock runs from the
//! call that appends until a committed reader of the trigger topic has the trigger. One sample at a time, with pauses of
//! uneven length, so that no timer is met at the same place each time.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use bellwether_benches::client;
use bellwether_benches::report::{Format, Report, Target};
use bellwether_benches::site::{FACTS_PARTITIONS, FUNCTION_PARTITIONS, Site};
use bellwether_benches::workload::{Mix, SQUADS, Workload, next, squad_id};
use bellwether_engine::Fact;
use bellwether_kafka::{KafkaLog, KafkaOptions};
use bellwether_log::{Appender, EventLog as _, NewRecord, TopicPartition};
use bellwether_model::EventTime;
use bellwether_wire::envelope::Event;
use bellwether_wire::topics::{Topic, squad_partition};
use bellwether_wire::{binary, frame, instant, json, pb};
use clap::Parser;
use prost::Message as _;
use rdkafka::Message as _;
use rdkafka::Offset;
use rdkafka::consumer::BaseConsumer;

/// The target of the 99th percentile.
const P99: Target = Target::AtMost(250.0);
/// Longest wait for one trigger. The first one waits until the organisation has been folded.
const PATIENCE: Duration = Duration::from_secs(120);
const HOUR_MS: i64 = 3_600_000;

#[derive(Parser)]
struct Args {
    /// An Apache Kafka to run on as well
    #[arg(long, value_name = "HOST:PORT")]
    kafka: Option<String>,
    /// Triggers of each way in, on each broker
    #[arg(long, default_value_t = 300)]
    samples: u64,
    /// Binary under test; `bellwether` beside this one otherwise
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let mut report = Report::new("event to trigger");
    measure(&args, "embedded broker", None, &mut report)?;
    match &args.kafka {
        Some(servers) => measure(&args, "Apache Kafka", Some(servers), &mut report)?,
        None => report
            .note("no Apache Kafka: run `cargo xtask kafka start` and pass the address it prints as --kafka"),
    }
    Ok(report.print(args.format))
}

fn measure(args: &Args, name: &str, cluster: Option<&str>, report: &mut Report) -> Result<()> {
    let site = Site::new(args.binary.as_deref())?;
    let up = site.start_up(cluster)?;
    let organisation = site.path("organisation.jsonl");
    let lines: Vec<String> =
        Workload::over_days(Mix::Pages, 1, 0).reference().iter().map(json::write).collect();
    std::fs::write(&organisation, lines.join("\n")).context("writing the organisation")?;
    site.run(&["--bootstrap-servers", &up.servers, "publish", &organisation.display().to_string()])?;

    let log = KafkaLog::connect(KafkaOptions::new(up.servers.clone()))?;
    let triggers = Topic::Trigger.name(site.prefix());
    let mut probe = Probe {
        appender: log.appender()?,
        reader: client::assigned(&up.servers, &triggers, FUNCTION_PARTITIONS as i32, Offset::End)?,
        prefix: site.prefix().to_owned(),
        seed: 1,
    };
    // The reader must be waiting at the end, and the organisation folded, before the clock runs.
    probe.reader.poll(Duration::from_secs(1));
    probe.sample(Way::Source, u64::MAX)?;
    let mut ways = [(Way::Source, Vec::new()), (Way::Fact, Vec::new())];
    for n in 0..args.samples {
        for (way, times) in &mut ways {
            times.push(probe.sample(*way, n)?);
            probe.pause();
        }
    }
    for (way, times) in &mut ways {
        report.spread(&format!("{name}: {}", way.words()), times, Some(P99));
    }
    up.process.stop()
}

/// The way into the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// On the source topic.
    Source,
    /// As a fact.
    Fact,
}

impl Way {
    fn words(self) -> &'static str {
        match self {
            Way::Source => "event on a source topic to trigger",
            Way::Fact => "fact to trigger",
        }
    }
}

struct Probe {
    appender: Box<dyn Appender>,
    reader: BaseConsumer,
    prefix: String,
    seed: u64,
}

impl Probe {
    fn sample(&mut self, way: Way, n: u64) -> Result<Duration> {
        let dependency = format!("dependency-{way:?}-{n}");
        let record = self.record(way, &dependency, n)?;
        let began = Instant::now();
        self.appender.append(vec![record])?;
        while !self.sees(&dependency)? {
            ensure!(began.elapsed() < PATIENCE, "no trigger for {dependency} ({})", way.words());
        }
        Ok(began.elapsed())
    }

    /// True when the next record of the trigger topic is the trigger of a dependency.
    fn sees(&self, dependency: &str) -> Result<bool> {
        let Some(message) = self.reader.poll(Duration::from_millis(100)) else { return Ok(false) };
        let message = message?;
        let fired = message.payload().and_then(|payload| pb::TriggerFired::decode(payload).ok());
        let subject = fired.and_then(|fired| fired.subject);
        Ok(subject.is_some_and(|subject| subject.id == dependency))
    }

    fn record(&self, way: Way, dependency: &str, n: u64) -> Result<NewRecord> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock")?.as_millis();
        let now = i64::try_from(now).context("the clock")?;
        let consumer = squad_id(n.wrapping_add(1) % SQUADS);
        let agreed = pb::DependencyAgreed {
            dependency: dependency.to_owned(),
            provider: squad_id(n % SQUADS),
            consumer: consumer.clone(),
            due: Some(pb::dependency_agreed::Due::DueAt(instant::timestamp(EventTime::from_ms(
                now - 2 * HOUR_MS,
            )))),
            ..Default::default()
        };
        let event = Event::new("form://bench", dependency, EventTime::from_ms(now - HOUR_MS), agreed);
        let topic = |topic: Topic, partition| TopicPartition::new(topic.name(&self.prefix), partition);
        Ok(match way {
            Way::Source => NewRecord {
                to: topic(Topic::Okr, 0),
                key: None,
                value: event.payload.encode(),
                headers: binary::headers(&event),
                timestamp_ms: None,
            },
            Way::Fact => NewRecord {
                to: topic(Topic::Facts, squad_partition(&consumer, FACTS_PARTITIONS)),
                key: None,
                value: frame::pack(&[Fact::new(event).to_message()]).pop(),
                headers: Vec::new(),
                timestamp_ms: None,
            },
        })
    }

    fn pause(&mut self) {
        std::thread::sleep(Duration::from_millis(20 + next(&mut self.seed) % 80));
    }
}
