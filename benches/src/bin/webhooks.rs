//! Signed PagerDuty webhooks at a steady rate against the receiver inside `bellwether up` on its embedded broker.
//!
//! The rate is kept whatever the answers do: a request that has to wait for a connection is timed from the instant at which
//! it was due. Afterwards the page topic must hold exactly the events of what was answered with 200.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use bellwether_benches::client;
use bellwether_benches::report::{Format, Report, Target};
use bellwether_benches::site::{ACCOUNT, SECRET, Site};
use bellwether_benches::workload::{ENGINEERS, Mix, SQUADS, Workload, person_id};
use bellwether_model::EventTime;
use bellwether_wire::json;
use bellwether_wire::topics::Topic;
use clap::Parser;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What PagerDuty waits for an answer.
const LIMIT_MS: f64 = 5_000.0;
/// Events of a delivery: the incident's change, and the page of whom it is assigned to.
const EVENTS: u64 = 2;
/// Longest wait for an answer: it then counts as failed.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Parser)]
struct Args {
    /// Requests a second
    #[arg(long, default_value_t = 200)]
    rate: u64,
    /// Seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Connections
    #[arg(long, default_value_t = 32)]
    connections: u64,
    /// Binary under test; `bellwether` beside this one otherwise
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let site = Site::new(args.binary.as_deref())?;
    let up = site.start_up(None)?;
    let organisation = site.path("organisation.jsonl");
    let lines: Vec<String> =
        Workload::over_days(Mix::Pages, 1, 0).reference().iter().map(json::write).collect();
    std::fs::write(&organisation, lines.join("\n")).context("writing the organisation")?;
    site.run(&["--bootstrap-servers", &up.servers, "publish", &organisation.display().to_string()])?;

    let cpu = up.process.cpu()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let plan = Arc::new(Plan {
        address: up.http,
        began: Instant::now() + Duration::from_millis(100),
        every: Duration::from_nanos(1_000_000_000 / args.rate.max(1)),
        requests: args.rate * args.seconds,
        step: args.connections.max(1),
    });
    let (mut times, failures) = runtime.block_on(load(&plan))?;
    let took = plan.began.elapsed().as_secs_f64();
    let used = up.process.cpu()?.saturating_sub(cpu).as_secs_f64();

    let answered = times.len() as u64;
    let page = Topic::Page.name(site.prefix());
    let held = client::holds(&up.servers, &page, 1, answered * EVENTS)?
        && (failures > 0 || !client::holds(&up.servers, &page, 1, answered * EVENTS + 1)?);
    let limit = Target::AtMost(LIMIT_MS);
    let mut report = Report::new("webhooks");
    report.figure("requests a second", plan.requests as f64 / took, "/s");
    report.judged("failures", failures as f64, "", Target::AtMost(0.0));
    report.spread("answer", &mut times, Some(limit));
    report.judged("events missing from the log", f64::from(u8::from(!held)), "", Target::AtMost(0.0));
    report.figure("CPU of one core", used / took * 100.0, "%");
    report.figure("resident memory, peak", up.process.memory()?.peak_mb, "MB");
    report.note("from the instant a request was due, a wait for a connection included");
    up.process.stop()?;
    Ok(report.print(args.format))
}

/// When which request goes where.
struct Plan {
    address: SocketAddr,
    began: Instant,
    every: Duration,
    requests: u64,
    step: u64,
}

/// Times of what was answered with 200, and how many were not.
async fn load(plan: &Arc<Plan>) -> Result<(Vec<Duration>, u64)> {
    let mut tasks = Vec::new();
    for first in 0..plan.step {
        tasks.push(tokio::spawn(connection(Arc::clone(plan), first)));
    }
    let (mut times, mut failures) = (Vec::new(), 0);
    for task in tasks {
        let (more, failed) = task.await?;
        times.extend(more);
        failures += failed;
    }
    Ok((times, failures))
}

/// Every `step`-th request, over one connection that is opened again when it breaks.
async fn connection(plan: Arc<Plan>, first: u64) -> (Vec<Duration>, u64) {
    let (mut times, mut failures) = (Vec::new(), 0);
    let mut stream = None;
    let mut n = first;
    while n < plan.requests {
        let due = plan.began + plan.every * u32::try_from(n).unwrap_or(u32::MAX);
        tokio::time::sleep_until(due.into()).await;
        match tokio::time::timeout(PATIENCE, deliver(&plan, &mut stream, n)).await {
            Ok(Ok(())) => times.push(due.elapsed()),
            Ok(Err(error)) => {
                eprintln!("request {n}: {error:#}");
                failures += 1;
                stream = None;
            }
            Err(_) => {
                failures += 1;
                stream = None;
            }
        }
        n += plan.step;
    }
    (times, failures)
}

async fn deliver(plan: &Plan, stream: &mut Option<TcpStream>, n: u64) -> Result<()> {
    let body = body(n);
    let signature = signature(body.as_bytes());
    let stream = match stream {
        Some(stream) => stream,
        None => {
            let connected = TcpStream::connect(plan.address).await?;
            connected.set_nodelay(true)?;
            stream.insert(connected)
        }
    };
    let head = format!(
        "POST /webhooks/pagerduty/{ACCOUNT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         x-webhook-id: delivery-{n}\r\nx-pagerduty-signature: v1={signature}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
    let status = answer(stream).await?;
    anyhow::ensure!(status.starts_with("HTTP/1.1 200"), "answered {status}");
    Ok(())
}

/// Reads one answer whole, so that the connection can be used again; its first line.
async fn answer(stream: &mut TcpStream) -> Result<String> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 1_024];
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            bail!("the connection was closed");
        }
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok())
            .unwrap_or(0);
        if body.len() >= length {
            return Ok(head.lines().next().unwrap_or_default().to_owned());
        }
    }
}

/// A delivery in the shape of PagerDuty's third version: an incident was triggered and assigned to somebody.
fn body(n: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis());
    let at = EventTime::from_ms(i64::try_from(now).unwrap_or(0)).to_rfc3339();
    let (squad, engineer) = (n % SQUADS, n / SQUADS % ENGINEERS);
    let service = format!("svc-{squad}");
    let person = format!("PD-{}", person_id(squad, engineer));
    let user =
        json!({"id": person, "type": "user_reference", "summary": "on call", "self": null, "html_url": null});
    json!({"event": {
        "id": format!("01BENCH{n:019}"),
        "event_type": "incident.triggered",
        "resource_type": "incident",
        "occurred_at": at,
        "agent": {"id": service, "type": "service_reference", "summary": "watcher", "self": null, "html_url": null},
        "client": {"name": "a watcher of queues"},
        "data": {
            "id": format!("QBENCH{n:08}"),
            "type": "incident",
            "self": format!("https://api.example.org/incidents/QBENCH{n:08}"),
            "html_url": format!("https://bench.example.org/incidents/QBENCH{n:08}"),
            "number": n,
            "status": "triggered",
            "incident_key": format!("key-{n}"),
            "created_at": at,
            "title": "the queue behind the checkout grows faster than it is worked off",
            "service": {"id": service, "type": "service_reference", "summary": "checkout", "self": null, "html_url": null},
            "assignees": [user],
            "escalation_policy": {"id": "PBENCH", "type": "escalation_policy_reference", "summary": "first line"},
            "teams": [],
            "priority": null,
            "urgency": "high",
            "conference_bridge": null,
            "resolve_reason": null,
        },
    }})
    .to_string()
}

fn signature(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key of any length is taken");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}
