//! The order between the inputs of one unit. Pure: records in, the next one out, or who must be waited for.
//!
//! One lane per input, each in offset order. The next record is the head with the smallest key, lanes breaking ties
//! by their order. A key counts as at least that of the records before it in its lane, so that one that is late
//! within its own topic does not make the order depend on what was fetched when.
//!
//! An empty lane holds the others back as long as it might still bring a record that belongs first: unless it has
//! shown a greater key already, or is known to have nothing more at present. Under marks only a key as great counts.

use std::collections::VecDeque;

use bellwether_log::Record;

use crate::fold::OrderKey;

/// What an empty lane means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EmptyLane {
    /// Nothing: records go as they came.
    Ignored,
    /// It holds back until it is known to have nothing more.
    HoldsUntilExhausted,
    /// It holds back until it has shown a key as great.
    HoldsUntilMark,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Fold the head of this lane.
    Take(usize),
    /// This empty lane must be looked at first.
    BlockedBy(usize),
    /// All lanes are empty.
    Nothing,
}

/// The inputs of one unit.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
}

#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<(OrderKey, Record)>,
    bytes: usize,
    /// The greatest key shown so far.
    shown: Option<OrderKey>,
}

impl Lanes {
    pub(crate) fn new(count: usize) -> Self {
        Self { lanes: std::iter::repeat_with(Lane::default).take(count).collect() }
    }

    /// Adds a record behind those of its lane.
    pub(crate) fn push(&mut self, lane: usize, key: OrderKey, record: Record) {
        let lane = &mut self.lanes[lane];
        let key = match lane.shown.take() {
            Some(shown) if shown > key => shown,
            _ => key,
        };
        lane.shown = Some(key.clone());
        lane.bytes += bytes(&record);
        lane.queue.push_back((key, record));
    }

    /// Decides what comes next.
    pub(crate) fn next(&self, empty: EmptyLane, exhausted: impl Fn(usize) -> bool) -> Next {
        let heads = self.lanes.iter().enumerate().filter_map(|(at, lane)| Some((&lane.queue.front()?.0, at)));
        let Some((key, first)) = heads.min() else { return Next::Nothing };
        if empty == EmptyLane::Ignored {
            return Next::Take(first);
        }
        for (at, lane) in self.lanes.iter().enumerate() {
            if !lane.queue.is_empty() {
                continue;
            }
            let shown = lane.shown.as_ref();
            let passed = match empty {
                EmptyLane::Ignored => true,
                // The lane may go on with an equal key, as late records do, and the order of lanes then decides.
                EmptyLane::HoldsUntilExhausted => shown.is_some_and(|shown| shown > key) || exhausted(at),
                // Equal keys are marks, and a mark promises that nothing at or below it follows.
                EmptyLane::HoldsUntilMark => shown.is_some_and(|shown| shown >= key),
            };
            if !passed {
                return Next::BlockedBy(at);
            }
        }
        Next::Take(first)
    }

    /// Takes the head of a lane.
    pub(crate) fn pop(&mut self, lane: usize) -> Option<Record> {
        let lane = &mut self.lanes[lane];
        let (_, record) = lane.queue.pop_front()?;
        lane.bytes -= bytes(&record);
        Some(record)
    }

    /// Records and bytes waiting in a lane.
    pub(crate) fn held(&self, lane: usize) -> (usize, usize) {
        (self.lanes[lane].queue.len(), self.lanes[lane].bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.queue.is_empty())
    }
}

fn bytes(record: &Record) -> usize {
    record.key.as_ref().map_or(0, |key| key.len()) + record.value.as_ref().map_or(0, |value| value.len())
}

#[cfg(test)]
mod tests {
    use bellwether_log::TopicPartition;
    use proptest::prelude::*;

    use super::*;

    fn key(at_ms: i64) -> OrderKey {
        OrderKey { at_ms, tie: Vec::new() }
    }

    fn record(lane: usize, offset: usize) -> Record {
        Record {
            from: TopicPartition::new(format!("topic-{lane}"), 0),
            offset: i64::try_from(offset).unwrap(),
            key: None,
            value: Some(vec![0; 10].into()),
            headers: vec![],
            timestamp_ms: 0,
        }
    }

    #[test]
    fn an_empty_lane_holds_back_until_it_is_exhausted() {
        let mut lanes = Lanes::new(2);
        lanes.push(0, key(5), record(0, 0));
        assert_eq!(lanes.next(EmptyLane::HoldsUntilExhausted, |_| false), Next::BlockedBy(1));
        assert_eq!(lanes.next(EmptyLane::HoldsUntilExhausted, |_| true), Next::Take(0));
        assert_eq!(lanes.next(EmptyLane::Ignored, |_| false), Next::Take(0));
    }

    #[test]
    fn under_marks_only_a_key_as_great_releases() {
        let mut lanes = Lanes::new(2);
        lanes.push(0, key(5), record(0, 0));
        assert_eq!(lanes.next(EmptyLane::HoldsUntilMark, |_| true), Next::BlockedBy(1));
        lanes.push(1, key(5), record(1, 0));
        assert_eq!(lanes.next(EmptyLane::HoldsUntilMark, |_| true), Next::Take(0), "lanes break ties");
        lanes.pop(0);
        assert_eq!(
            lanes.next(EmptyLane::HoldsUntilMark, |_| true),
            Next::Take(1),
            "lane 0 has shown 5 already"
        );
    }

    #[test]
    fn what_waits_is_counted() {
        let mut lanes = Lanes::new(1);
        lanes.push(0, key(1), record(0, 0));
        lanes.push(0, key(2), record(0, 1));
        assert_eq!(lanes.held(0), (2, 20));
        lanes.pop(0);
        assert_eq!(lanes.held(0), (1, 10));
        lanes.pop(0);
        assert!(lanes.is_empty());
        assert_eq!(lanes.pop(0), None);
    }

    /// Feeds the topics in the order of `arrivals` and folds as soon as the rule lets it.
    fn folded(topics: &[Vec<i64>], arrivals: &[usize], empty: EmptyLane) -> Vec<(usize, i64)> {
        let mut lanes = Lanes::new(topics.len());
        let mut fed = vec![0; topics.len()];
        let mut order = Vec::new();
        let rounds = arrivals.iter().map(|at| at % topics.len());
        let rest = (0..topics.len()).flat_map(|at| std::iter::repeat_n(at, topics[at].len()));
        for at in rounds.chain(rest) {
            if let Some(at_ms) = topics[at].get(fed[at]) {
                lanes.push(at, key(*at_ms), record(at, fed[at]));
                fed[at] += 1;
            }
            let exhausted = |lane: usize| fed[lane] == topics[lane].len();
            while let Next::Take(lane) = lanes.next(empty, exhausted) {
                order.push((lane, lanes.pop(lane).unwrap().offset));
            }
        }
        order
    }

    proptest! {
        #[test]
        fn a_backlog_folds_in_one_order_however_it_is_fetched(
            topics in proptest::collection::vec(proptest::collection::vec(0_i64..50, 0..12), 1..5),
            one in proptest::collection::vec(any::<usize>(), 0..40),
            other in proptest::collection::vec(any::<usize>(), 0..40),
        ) {
            let expected = folded(&topics, &one, EmptyLane::HoldsUntilExhausted);
            prop_assert_eq!(&folded(&topics, &other, EmptyLane::HoldsUntilExhausted), &expected);
            prop_assert_eq!(expected.len(), topics.iter().map(Vec::len).sum::<usize>());

            // Topics that are each in order come out in order.
            let sorted: Vec<Vec<i64>> = topics.iter().map(|topic| { let mut t = topic.clone(); t.sort(); t }).collect();
            let times: Vec<i64> = folded(&sorted, &one, EmptyLane::HoldsUntilExhausted)
                .into_iter()
                .map(|(lane, offset)| sorted[lane][usize::try_from(offset).unwrap()])
                .collect();
            prop_assert!(times.is_sorted());
        }

        #[test]
        fn under_marks_the_order_never_depends_on_arrival(
            topics in proptest::collection::vec(proptest::collection::vec(0_i64..50, 0..12), 2..5),
            one in proptest::collection::vec(any::<usize>(), 0..40),
            other in proptest::collection::vec(any::<usize>(), 0..40),
        ) {
            // Every topic ends with the same last mark; keys are made distinct across topics, marks are not.
            let lanes = i64::try_from(topics.len()).unwrap();
            let marked: Vec<Vec<i64>> = (0..lanes)
                .zip(&topics)
                .map(|(lane, topic)| topic.iter().map(|at| at * lanes + lane).chain([1_000]).collect())
                .collect();
            let expected = folded(&marked, &one, EmptyLane::HoldsUntilMark);
            prop_assert_eq!(&folded(&marked, &other, EmptyLane::HoldsUntilMark), &expected);
            prop_assert_eq!(expected.len(), marked.iter().map(Vec::len).sum::<usize>(), "the last marks come through");
        }
    }
}
