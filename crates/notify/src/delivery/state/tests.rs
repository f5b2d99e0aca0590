//! The whole table, and the laws of it.

use std::fmt::Write as _;

use bellwether_model::Millis;
use proptest::prelude::*;

use super::*;

const BEGAN: EventTime = EventTime::from_ms(1_000_000_000_000);

fn at(seconds: i64) -> EventTime {
    BEGAN.plus(Millis::seconds(seconds))
}

fn states() -> Vec<(&'static str, State)> {
    let since = BEGAN;
    vec![
        ("ready", State::Ready { attempt: 1, since }),
        ("in flight", State::InFlight { attempt: 2, since }),
        ("in flight, last attempt", State::InFlight { attempt: 60, since }),
        ("waiting until +100 s", State::Waiting { attempt: 3, since, until: at(100) }),
        ("succeeded", State::Succeeded { attempt: 2 }),
        ("abandoned", State::Abandoned { attempt: 2 }),
    ]
}

fn inputs() -> Vec<(&'static str, Input)> {
    let now = at(60);
    let error = |class| DeliveryError { class, cause: Cause::Status(503) };
    let failed = |now, class| Input::Failed { now, error: error(class), roll: Roll(1 << 31) };
    let receipt = |attempt, verdict| Input::Recorded(Receipt { attempt, at: at(10), verdict });
    vec![
        ("wake +60 s", Input::Wake { now }),
        ("wake +100 s", Input::Wake { now: at(100) }),
        ("accepted", Input::Accepted { now, remote_id: Some("r".into()) }),
        ("retryable", failed(now, ErrorClass::Retryable { retry_after: None })),
        (
            "retryable, asks 90 s",
            failed(now, ErrorClass::Retryable { retry_after: Some(Millis::seconds(90)) }),
        ),
        ("retryable after a day", failed(at(86_400), ErrorClass::Retryable { retry_after: None })),
        ("permanent", failed(now, ErrorClass::Permanent)),
        ("impossible", Input::Impossible { now, cause: Cause::QueueFull }),
        ("cut", Input::Cut),
        ("recorded succeeded 1", receipt(1, Verdict::Succeeded { remote_id: None })),
        ("recorded failed 1", receipt(1, Verdict::Failed { cause: "why".into(), next: at(70) })),
        ("recorded failed 5", receipt(5, Verdict::Failed { cause: "why".into(), next: at(70) })),
        ("recorded abandoned 1", receipt(1, Verdict::Abandoned { cause: "why".into() })),
    ]
}

fn show_time(at: EventTime) -> String {
    format!("{:+} ms", at.since(BEGAN).ms())
}

fn show_state(state: &State) -> String {
    match state {
        State::Ready { attempt, since } => format!("ready {attempt} since {}", show_time(*since)),
        State::InFlight { attempt, since } => format!("in flight {attempt} since {}", show_time(*since)),
        State::Waiting { attempt, since, until } => {
            format!("waiting {attempt} since {} until {}", show_time(*since), show_time(*until))
        }
        State::Succeeded { attempt } => format!("succeeded {attempt}"),
        State::Abandoned { attempt } => format!("abandoned {attempt}"),
    }
}

fn show_action(action: &Action) -> String {
    match action {
        Action::Nothing => "-".into(),
        Action::Send { attempt } => format!("send {attempt}"),
        Action::Wait { until } => format!("wait until {}", show_time(*until)),
        Action::Record(Receipt { attempt, at, verdict }) => {
            let verdict = match verdict {
                Verdict::Succeeded { remote_id } => format!("succeeded {remote_id:?}"),
                Verdict::Failed { cause, next } => format!("failed, next {} ({cause})", show_time(*next)),
                Verdict::Abandoned { cause } => format!("abandoned ({cause})"),
            };
            format!("record {attempt} at {}: {verdict}", show_time(*at))
        }
    }
}

#[test]
fn the_whole_table() {
    let options = RetryOptions::default();
    let mut table = String::new();
    for (state_name, state) in states() {
        writeln!(table, "{state_name}").unwrap();
        for (input_name, input) in inputs() {
            let (then, action) = next(state.clone(), input, &options);
            let then = if then == state { "=".to_owned() } else { show_state(&then) };
            writeln!(table, "  {input_name:<22} -> {then:<42} | {}", show_action(&action)).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

fn any_input() -> impl Strategy<Value = Input> {
    (0..inputs().len(), 0_i64..200_000, any::<u32>()).prop_map(|(which, seconds, roll)| {
        let now = at(seconds);
        match inputs().swap_remove(which).1 {
            Input::Wake { .. } => Input::Wake { now },
            Input::Accepted { remote_id, .. } => Input::Accepted { now, remote_id },
            Input::Failed { error, .. } => Input::Failed { now, error, roll: Roll(roll) },
            Input::Impossible { cause, .. } => Input::Impossible { now, cause },
            other @ (Input::Cut | Input::Recorded(_)) => other,
        }
    })
}

proptest! {
    #[test]
    fn a_success_is_final_and_attempts_never_go_back(inputs in prop::collection::vec(any_input(), 0..60)) {
        let options = RetryOptions::default();
        let mut state = State::new(BEGAN);
        let mut sent = 0;
        let mut succeeded = false;
        for input in inputs {
            let (then, action) = next(state, input, &options);
            if let Action::Send { attempt } = action {
                prop_assert!(!succeeded);
                prop_assert!(attempt >= sent, "attempt {attempt} after {sent}");
                sent = attempt;
            }
            succeeded |= matches!(then, State::Succeeded { .. });
            prop_assert_eq!(succeeded, matches!(then, State::Succeeded { .. }));
            state = then;
        }
    }

    /// Folding the receipts that a course left behind gives the state that the course was in, but for an attempt
    /// that nobody knows the end of.
    #[test]
    fn a_restart_at_any_point_goes_on_where_it_was(
        answers in prop::collection::vec((0..4_u8, any::<u32>()), 0..70),
        cut in 0_usize..70,
    ) {
        let options = RetryOptions::default();
        let mut state = State::new(BEGAN);
        let mut now = BEGAN;
        let mut receipts = Vec::new();
        for (kind, roll) in answers.into_iter().take(cut) {
            now = now.max(state.due().unwrap_or(now));
            state = next(state, Input::Wake { now }, &options).0;
            let error = |class| DeliveryError { class, cause: Cause::Status(500) };
            let input = match kind {
                0 => Input::Accepted { now, remote_id: None },
                1 => Input::Failed { now, error: error(ErrorClass::Permanent), roll: Roll(roll) },
                _ => Input::Failed {
                    now,
                    error: error(ErrorClass::Retryable { retry_after: None }),
                    roll: Roll(roll),
                },
            };
            let (then, action) = next(state, input, &options);
            state = then;
            if let Action::Record(receipt) = action {
                receipts.push(receipt);
            }
        }
        let forwards = receipts.iter().fold(State::new(now), |restored, receipt| {
            next(restored, Input::Recorded(receipt.clone()), &options).0
        });
        let backwards = receipts.iter().rev().fold(State::new(now), |restored, receipt| {
            next(restored, Input::Recorded(receipt.clone()), &options).0
        });
        prop_assert_eq!(&forwards, &backwards);
        if receipts.is_empty() {
            prop_assert_eq!(forwards.due(), Some(now));
        } else {
            prop_assert_eq!(forwards, state);
        }
    }
}
