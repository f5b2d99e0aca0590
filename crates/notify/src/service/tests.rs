//! The service around channels in memory, in paused time, and around a receiver on loopback.

use std::collections::BTreeSet;
use std::time::Duration;

use bellwether_model::{Audience, Level, Millis, RuleId};

use super::*;
use crate::channel::memory::{Answer, MemoryChannel};
use crate::channel::webhook::{Secret, Webhook, WebhookOptions, signature};
use crate::channel::{ChannelKind, DeliveryError, ErrorClass};
use crate::clock::{JumpingClock, RuntimeClock};
use crate::options::Reader;
use crate::sink::MemorySink;
use crate::testing::receiver::{Receiver, Reply};
use crate::testing::{org, steps};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn retryable() -> Answer {
    Answer::Fail(DeliveryError::retryable(Cause::Status(503)))
}

/// A service in the making.
struct Setup {
    options: Options,
    outlets: Vec<Outlet>,
    sink: Arc<MemorySink>,
    clock: Arc<dyn Clock>,
}

impl Setup {
    fn new() -> Self {
        Self {
            options: Options::default(),
            outlets: Vec::new(),
            sink: Arc::new(MemorySink::default()),
            clock: Arc::new(RuntimeClock::starting(org::now())),
        }
    }

    fn target(mut self, target: Target, channel: &Arc<MemoryChannel>) -> Self {
        self.outlets.push(Outlet::new(target, Arc::clone(channel) as Arc<dyn Channel>).unwrap());
        self
    }

    fn start(&self) -> Service {
        let random = Random::seeded(1);
        let (clock, sink) = (Arc::clone(&self.clock), Arc::clone(&self.sink) as Arc<dyn Sink>);
        Service::new(self.options.clone(), org::directory(), self.outlets.clone(), clock, random, sink)
            .unwrap()
    }

    /// `succeeded 1`, `failed 1`, in the order they were recorded.
    fn receipts(&self) -> Vec<String> {
        let shown = |outcome: crate::sink::Outcome| {
            let (_, receipt) = Receipt::from_event(&outcome.receipt).unwrap();
            let word = outcome.receipt.type_name().split('.').nth(2).unwrap().to_owned();
            format!("{word} {}", receipt.attempt)
        };
        self.sink.outcomes().into_iter().map(shown).collect()
    }

    /// Waits until so many receipts are recorded; an hour of the runtime's own, paused time is the deadline.
    async fn until_receipts(&self, count: usize) {
        let reached = async {
            while self.sink.outcomes().len() < count {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(7 * 86_400), reached).await.unwrap();
    }
}

fn memory(script: impl IntoIterator<Item = Answer>) -> Arc<MemoryChannel> {
    Arc::new(MemoryChannel::scripted(ChannelKind::Terminal, script))
}

fn page_load(level: u32) -> Event {
    let mut step = steps::step(RuleId::VelocityDropPageLoad, level);
    step.fired_at = Some(bellwether_wire::instant::timestamp(org::now()));
    steps::event(step)
}

#[tokio::test(start_paused = true)]
async fn a_step_is_delivered_once_and_recorded() {
    let channel = memory([]);
    let setup = Setup::new().target(Target::terminal("ops"), &channel);
    let service = setup.start();
    let submitted = service.submit(&page_load(1)).await;
    assert_eq!(submitted, Submitted { queued: 1, known: 0, abandoned: 0 });
    let again = service.submit(&page_load(1)).await;
    assert_eq!(again, Submitted { queued: 0, known: 1, abandoned: 0 });
    setup.until_receipts(1).await;
    assert_eq!(setup.receipts(), ["succeeded 1"]);
    assert_eq!(channel.attempts().len(), 1);
    assert_eq!(service.drain().await, Drained::default());
}

#[tokio::test(start_paused = true)]
async fn a_failing_attempt_is_repeated_under_the_same_key_until_it_is_accepted() {
    let channel = memory([retryable(), retryable()]);
    let setup = Setup::new().target(Target::terminal("ops"), &channel);
    let service = setup.start();
    service.submit(&page_load(1)).await;
    setup.until_receipts(3).await;
    assert_eq!(setup.receipts(), ["failed 1", "failed 2", "succeeded 3"]);
    let keys: BTreeSet<_> = channel.attempts().iter().map(|it| it.id.idempotency_key()).collect();
    assert_eq!(keys.len(), 1);
    let attempts: Vec<u32> = channel.attempts().iter().map(|it| it.attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn the_wait_a_target_asks_for_is_kept() {
    let wait = ErrorClass::Retryable { retry_after: Some(Millis::seconds(300)) };
    let channel = memory([Answer::Fail(DeliveryError { class: wait, cause: Cause::Status(429) })]);
    let setup = Setup::new().target(Target::terminal("ops"), &channel);
    let service = setup.start();
    service.submit(&page_load(1)).await;
    setup.until_receipts(2).await;
    let attempts = channel.attempts();
    assert!(attempts[1].at.since(attempts[0].at) >= Millis::seconds(300));
    drop(service);
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_is_abandoned_with_a_dead_letter() {
    let channel = memory([Answer::Fail(DeliveryError::permanent(Cause::Status(404)))]);
    let setup = Setup::new().target(Target::terminal("ops"), &channel);
    let service = setup.start();
    service.submit(&page_load(1)).await;
    setup.until_receipts(1).await;
    assert_eq!(setup.receipts(), ["abandoned 1"]);
    let letter = setup.sink.outcomes().remove(0).dead_letter.unwrap();
    assert_eq!(letter.event, page_load(1));
    assert_eq!((letter.stage, letter.cause.as_str()), ("deliver", "the target answered with status 404"));
    drop(service);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_stays_down_is_given_up_within_a_day() {
    let channel = Arc::new(MemoryChannel::always(ChannelKind::Terminal, retryable()));
    let setup = Setup::new().target(Target::terminal("ops"), &channel);
    let service = setup.start();
    service.submit(&page_load(1)).await;
    let ended = async {
        while !setup.receipts().last().is_some_and(|last| last.starts_with("abandoned")) {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(25 * 3600), ended).await.unwrap();
    assert!(channel.attempts().len() <= 60);
    drop(service);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_hangs_holds_up_no_other() {
    let hanging = Arc::new(MemoryChannel::always(ChannelKind::Terminal, Answer::Hang));
    let healthy = memory([]);
    let setup =
        Setup::new().target(Target::terminal("hangs"), &hanging).target(Target::terminal("works"), &healthy);
    let service = setup.start();
    for level in 1..=3 {
        service.submit(&page_load(level)).await;
    }
    setup.until_receipts(3).await;
    assert_eq!(healthy.attempts().len(), 3);
    assert_eq!(hanging.attempts().len(), 1);
    assert_eq!(service.drain().await, Drained { waiting: 0, cut: 1 });
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_waits_holds_up_no_other_of_its_target() {
    let channel = memory([retryable(), Answer::Accept]);
    let setup = Setup::new().target(Target::terminal("ops"), &channel);
    let service = setup.start();
    service.submit(&page_load(1)).await;
    service.submit(&page_load(2)).await;
    setup.until_receipts(3).await;
    assert_eq!(setup.receipts(), ["failed 1", "succeeded 1", "succeeded 2"]);
    drop(service);
}

#[tokio::test(start_paused = true)]
async fn a_stop_leaves_what_waits_and_a_start_goes_on_with_it() {
    let channel = memory([retryable(), retryable(), retryable()]);
    let setup = Setup::new().target(Target::terminal("ops"), &channel);
    let service = setup.start();
    service.submit(&page_load(1)).await;
    setup.until_receipts(2).await;
    assert_eq!(service.drain().await, Drained { waiting: 1, cut: 0 });

    let service = setup.start();
    setup.sink.outcomes().iter().for_each(|outcome| service.restore(&outcome.receipt));
    assert_eq!(service.submit(&page_load(1)).await.queued, 1);
    setup.until_receipts(4).await;
    assert_eq!(setup.receipts(), ["failed 1", "failed 2", "failed 3", "succeeded 4"]);
    service.drain().await;

    let service = setup.start();
    setup.sink.outcomes().iter().for_each(|outcome| service.restore(&outcome.receipt));
    let submitted = service.submit(&page_load(1)).await;
    assert_eq!(submitted, Submitted { queued: 0, known: 1, abandoned: 0 });
    assert_eq!(channel.attempts().len(), 4);
}

/// Lives of random length that end in a stop or are cut: what was recorded as delivered is never attempted again, and
/// in the end every delivery has an end.
#[tokio::test(start_paused = true)]
async fn whatever_the_cuts_nothing_is_lost_and_nothing_recorded_as_delivered_is_sent_again() {
    for seed in 0..40 {
        let mut random = Random::seeded(seed);
        let script = (0..30).map(|_| match random.roll().below(6) {
            0 => Answer::Accept,
            1 => Answer::AcceptAfter(Duration::from_secs(3)),
            2 => Answer::Fail(DeliveryError::permanent(Cause::Status(400))),
            _ => retryable(),
        });
        let channel = memory(script.collect::<Vec<_>>());
        let mut setup = Setup::new().target(Target::terminal("ops"), &channel);
        for life in 0..6 {
            let last = life == 5;
            setup.options.drain_within =
                if last { Millis::seconds(5) } else { Millis::seconds(random.roll().below(2) * 5) };
            let service = setup.start();
            let ended: BTreeSet<IdempotencyKey> = setup
                .sink
                .outcomes()
                .iter()
                .filter(|outcome| !outcome.receipt.type_name().contains("failed"))
                .filter_map(|outcome| Receipt::from_event(&outcome.receipt).map(|(key, _)| key))
                .collect();
            setup.sink.outcomes().iter().for_each(|outcome| service.restore(&outcome.receipt));
            let before = channel.attempts().len();
            for level in 1..=4 {
                service.submit(&page_load(level)).await;
            }
            let length = if last { 2 * 86_400 } else { random.roll().below(20) };
            tokio::time::sleep(Duration::from_secs(length.unsigned_abs())).await;
            for attempt in &channel.attempts()[before..] {
                assert!(!ended.contains(&attempt.id.idempotency_key()), "seed {seed}: sent again");
            }
            let drained = service.drain().await;
            assert!(!last || drained == Drained::default(), "seed {seed}: {drained:?}");
        }
        let ends = setup.receipts().iter().filter(|it| !it.starts_with("failed")).count();
        assert_eq!(ends, 4, "seed {seed}: {:?}", setup.receipts());
    }
}

#[tokio::test(start_paused = true)]
async fn a_receipt_that_the_log_refuses_is_offered_until_it_is_taken() {
    let channel = memory([]);
    let setup = Setup::new().target(Target::terminal("ops"), &channel);
    setup.sink.refuse(5);
    let service = setup.start();
    service.submit(&page_load(1)).await;
    setup.until_receipts(1).await;
    assert_eq!(setup.receipts(), ["succeeded 1"]);
    assert_eq!(channel.attempts().len(), 1);
    drop(service);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_too_old_is_abandoned_and_not_sent() {
    let channel = memory([]);
    let setup = Setup::new().target(Target::terminal("ops"), &channel);
    let service = setup.start();
    let mut old = page_load(1);
    old.time = org::now().minus(Millis::hours(49));
    assert_eq!(service.submit(&old).await, Submitted { queued: 0, known: 0, abandoned: 1 });
    assert_eq!(setup.receipts(), ["abandoned 0"]);
    assert!(channel.attempts().is_empty());
}

#[tokio::test(start_paused = true)]
async fn more_than_a_target_may_hold_is_abandoned_and_never_silently_dropped() {
    let channel = Arc::new(MemoryChannel::always(ChannelKind::Terminal, Answer::Hang));
    let mut setup = Setup::new().target(Target::terminal("ops"), &channel);
    setup.options.pending_max = 2;
    let service = setup.start();
    for place in 0..5 {
        let mut event = page_load(1);
        if let Payload::StepFired(step) = &mut event.payload {
            step.step = format!("e{place}/L1");
        }
        service.submit(&event).await;
    }
    setup.until_receipts(2).await;
    assert_eq!(setup.receipts(), ["abandoned 0", "abandoned 0"]);
    assert!(setup.sink.outcomes().iter().all(|outcome| outcome.dead_letter.is_some()));
    drop(service);
}

#[tokio::test(start_paused = true)]
async fn a_step_without_a_level_is_a_dead_letter() {
    let channel = memory([]);
    let setup = Setup::new().target(Target::terminal("ops"), &channel);
    let service = setup.start();
    let mut event = page_load(1);
    if let Payload::StepFired(step) = &mut event.payload {
        step.level = 9;
    }
    service.submit(&event).await;
    setup.until_receipts(1).await;
    assert_eq!(setup.receipts(), ["abandoned 0"]);
    drop(service);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_was_erased_is_gone_from_the_next_attempt() {
    let channel = Arc::new(MemoryChannel::scripted(ChannelKind::Webhook, [retryable()]));
    let vp = Target {
        channel: ChannelKind::Webhook,
        reader: Reader::Role { audience: Audience::VpEngineering, squads: vec![] },
        shared: false,
        ..Target::terminal("vp")
    };
    let setup = Setup::new().target(vp, &channel);
    let service = setup.start();
    service.submit(&page_load(3)).await;
    setup.until_receipts(1).await;
    let type_name = "bellwether.person.recorded.v1".to_owned();
    service.learn(&Event::new("test", "gone", org::now(), Payload::Tombstone { type_name }).about("p-ana"));
    setup.until_receipts(2).await;
    let titles: Vec<bool> =
        channel.attempts().iter().map(|it| it.message.title.contains("Ana Souza")).collect();
    assert_eq!(titles, [true, false]);
    drop(service);
}

#[tokio::test(start_paused = true)]
async fn each_recipient_is_reached_once_at_their_own_address_in_their_own_role() {
    let channel = Arc::new(MemoryChannel::always(ChannelKind::Email, Answer::Accept));
    let mail = Target {
        channel: ChannelKind::Email,
        reader: Reader::EachRecipient,
        shared: false,
        ..Target::terminal("mail")
    };
    let setup = Setup::new().target(mail, &channel);
    let service = setup.start();
    let mut event = page_load(1);
    if let Payload::StepFired(step) = &mut event.payload {
        // The manager twice, a neighbour who holds no role of this step, somebody unknown, and the engineer herself.
        step.recipients = ["p-em", "p-em", "p-em2", "p-nobody", "p-ana"].map(org::pseudonym).to_vec();
    }
    assert_eq!(service.submit(&event).await.queued, 3);
    setup.until_receipts(3).await;
    let mut sent: Vec<(String, bool)> = channel
        .attempts()
        .iter()
        .map(|it| (it.address.as_ref().unwrap().email.clone(), it.message.title.contains("Ana Souza")))
        .collect();
    sent.sort();
    assert_eq!(sent, [("ingrid.marsh@acme.test".to_owned(), true), ("sven@acme.test".to_owned(), false)]);
    let mut receipts = setup.receipts();
    receipts.sort();
    assert_eq!(receipts, ["abandoned 0", "succeeded 1", "succeeded 1"]);
    drop(service);
}

#[tokio::test(start_paused = true)]
async fn a_level_in_parts_is_one_message_for_a_target_that_is_no_person() {
    let everybody = memory([]);
    let cto = Arc::new(MemoryChannel::always(ChannelKind::Webhook, Answer::Accept));
    let role = Target {
        channel: ChannelKind::Webhook,
        reader: Reader::Role { audience: Audience::Cto, squads: vec![] },
        shared: false,
        ..Target::terminal("cto")
    };
    let setup = Setup::new().target(Target::terminal("ops"), &everybody).target(role, &cto);
    let service = setup.start();
    let part = |step: &str, people: &[&str]| {
        let mut event = page_load(5);
        if let Payload::StepFired(fired) = &mut event.payload {
            fired.step = step.to_owned();
            fired.recipients = people.iter().map(|person| org::pseudonym(person)).collect();
        }
        event
    };
    service.submit(&part("e/L5", &["p-vp", "p-cfo"])).await;
    service.submit(&part("e/L5/p2", &["p-cto", "p-chro"])).await;
    service.submit(&part("e/L5/p2/r1", &["p-cto", "p-chro"])).await;
    setup.until_receipts(4).await;
    let steps =
        |channel: &MemoryChannel| channel.attempts().iter().map(|it| it.id.step.clone()).collect::<Vec<_>>();
    assert_eq!(steps(&everybody), ["e/L5", "e/L5/r1"]);
    assert_eq!(steps(&cto), ["e/L5", "e/L5/r1"]);
    drop(service);
}

#[tokio::test(start_paused = true)]
async fn targets_take_the_steps_of_their_role_level_function_and_channel() {
    let channel = memory([]);
    let narrow = Target {
        levels: vec![Level::L2],
        functions: vec!["engineering".into()],
        reader: Reader::Role { audience: Audience::AdjacentEms, squads: vec!["payments".into()] },
        ..Target::terminal("narrow")
    };
    let setup = Setup::new().target(narrow, &channel);
    let service = setup.start();
    assert_eq!(service.submit(&page_load(1)).await.queued, 0);
    assert_eq!(service.submit(&page_load(2)).await.queued, 1);
    let with = |change: fn(&mut bellwether_wire::pb::StepFired)| {
        let mut event = page_load(2);
        if let Payload::StepFired(step) = &mut event.payload {
            step.step = "other/L2".into();
            change(step);
        }
        event
    };
    assert_eq!(service.submit(&with(|step| step.function = "sales".into())).await.queued, 0);
    assert_eq!(service.submit(&with(|step| step.channels = vec!["email".into()])).await.queued, 0);
    assert_eq!(
        service.submit(&with(|step| step.subject.as_mut().unwrap().squad = "search".into())).await.queued,
        0
    );
    assert_eq!(service.submit(&with(|_| ())).await.queued, 1);
    drop(service);
}

#[tokio::test]
async fn two_targets_of_one_name_are_refused() {
    let mut setup = Setup::new();
    let channel = memory([]);
    setup = setup.target(Target::terminal("ops"), &channel).target(Target::terminal("ops"), &channel);
    let (clock, sink) = (Arc::clone(&setup.clock), Arc::clone(&setup.sink) as Arc<dyn Sink>);
    let error = Service::new(setup.options, org::directory(), setup.outlets, clock, Random::seeded(1), sink);
    assert!(matches!(error, Err(TargetError::Twice { .. })));
}

/// From a fired step to a verified request and a receipt, over a real connection, with retries in virtual time.
#[tokio::test]
async fn end_to_end_over_loopback() {
    let receiver = Receiver::start([
        Reply::Status(503, None),
        Reply::Status(429, Some(("retry-after", "30".into()))),
        Reply::Status(202, None),
    ])
    .await;
    let webhook = Webhook::new(WebhookOptions {
        url: receiver.url.as_str().into(),
        secrets: vec![Secret::parse(SECRET).unwrap()],
        timeout: Millis::seconds(10),
        allow_private_networks: true,
    })
    .unwrap();
    let target = Target {
        channel: ChannelKind::Webhook,
        reader: Reader::Role { audience: Audience::AdjacentEms, squads: vec![] },
        shared: false,
        ..Target::terminal("neighbours")
    };
    let mut setup = Setup::new();
    setup.clock = Arc::new(JumpingClock::starting(org::now()));
    setup.outlets.push(Outlet::new(target, Arc::new(webhook)).unwrap());
    let service = setup.start();
    service.submit(&page_load(2)).await;
    let recorded = async {
        while setup.sink.outcomes().len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), recorded).await.unwrap();
    assert_eq!(setup.receipts(), ["failed 1", "failed 2", "succeeded 3"]);

    let requests = receiver.requests();
    let ids: BTreeSet<&str> = requests.iter().map(|it| it.header(signature::ID)).collect();
    assert_eq!((requests.len(), ids.len()), (3, 1));
    let seconds = |place: usize| requests[place].header(signature::TIMESTAMP).parse::<i64>().unwrap();
    assert!(seconds(2) - seconds(1) >= 30);
    let last = &requests[2];
    let headers =
        (last.header(signature::ID), last.header(signature::TIMESTAMP), last.header(signature::SIGNATURE));
    let secret = Secret::parse(SECRET).unwrap();
    assert_eq!(signature::verify(&secret, headers, &last.body, seconds(2)), Ok(()));
    let body = String::from_utf8(last.body.to_vec()).unwrap();
    assert!(!body.contains("Ana") && !body.contains(&org::pseudonym("p-ana")), "{body}");
    assert_eq!(bellwether_wire::json::read(&body).unwrap().type_name(), "bellwether.step.fired.v1");
    assert_eq!(service.drain().await, Drained::default());
}
