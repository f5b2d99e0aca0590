//! One incident: its notifications per responder, joined into pages (R30).
//!
//! A notification joins the page before it when it is at most 60 s after the chain's last one and nothing in between
//! made it a new interruption. The page is at the first notification. Once the notification log speaks for an
//! incident, its proxies are silent. Notifications may come in any order: pages are cut anew each time.

use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_model::PersonId;
use bellwether_model::{EventTime, Millis};
use serde::{Deserialize, Serialize};

/// An incident nothing was heard of for so long is over: later notifications would be late beyond the horizon.
pub(crate) const SILENT_FOR: Millis = Millis::days(40);

/// An event's identity, shared.
pub(crate) type EventKey = (Arc<str>, Arc<str>);

/// One notification that interrupts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Notification {
    /// When.
    pub at: EventTime,
    /// True when it is a proxy for a notification log.
    pub proxy: bool,
    /// Service.
    pub service: Arc<str>,
    /// System, where the source tells.
    pub system: Arc<str>,
    /// The event that told of it.
    pub event: EventKey,
}

/// A notification and whom it interrupted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Told {
    person: PersonId,
    notification: Notification,
    /// True while it counts as the page of its chain.
    is_page: bool,
}

/// What is known of an incident.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Incident {
    /// By person, then by instant, then by event.
    told: Vec<Told>,
    breaks: BTreeSet<EventTime>,
    has_log: bool,
    last_heard: Option<EventTime>,
}

/// What changed among the pages of a person.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Recount {
    /// Instants at which there is no page any more.
    pub removed: Vec<EventTime>,
    /// New pages, each by its first notification.
    pub added: Vec<Notification>,
}

impl Incident {
    /// Adds a notification; returns whose pages may have changed, in order.
    pub(crate) fn notify(&mut self, person: PersonId, notification: Notification) -> Vec<PersonId> {
        self.heard(notification.at);
        let log_begins = !notification.proxy && !self.has_log;
        self.has_log |= !notification.proxy;
        let told = Told { person: person.clone(), notification, is_page: false };
        let place = self.told.partition_point(|known| order(known) <= order(&told));
        // Most incidents are one notification, not the four that a list begins with.
        if self.told.is_empty() {
            self.told.reserve_exact(1);
        }
        self.told.insert(place, told);
        if log_begins && self.told.len() > 1 { self.people(|_| true) } else { vec![person] }
    }

    /// Notes what makes the next notification a new page; returns whose pages may have changed, in order.
    pub(crate) fn break_chain(&mut self, at: EventTime) -> Vec<PersonId> {
        self.heard(at);
        self.breaks.insert(at);
        self.people(|told| told.notification.at >= at)
    }

    /// Joins the notifications of a person into pages anew; those `chain` apart at most are one page.
    pub(crate) fn recount(&mut self, person: &PersonId, chain: Millis) -> Recount {
        let mut recount = Recount::default();
        let mut last: Option<EventTime> = None;
        let first = self.told.partition_point(|told| told.person < *person);
        for told in &mut self.told[first..] {
            if told.person != *person {
                break;
            }
            let at = told.notification.at;
            let silenced = told.notification.proxy && self.has_log;
            let joins =
                last.is_some_and(|last| at.since(last) <= chain && !broken_between(&self.breaks, last, at));
            let is_page = !silenced && !joins;
            if !silenced {
                last = Some(at);
            }
            match (told.is_page, is_page) {
                (true, false) => recount.removed.push(at),
                (false, true) => recount.added.push(told.notification.clone()),
                (true, true) | (false, false) => {}
            }
            told.is_page = is_page;
        }
        recount
    }

    /// When it was last heard of.
    pub(crate) fn last_heard(&self) -> Option<EventTime> {
        self.last_heard
    }

    /// Those told of it by a notification that satisfies a predicate, in order.
    fn people(&self, pred: impl Fn(&Told) -> bool) -> Vec<PersonId> {
        let mut people: Vec<PersonId> =
            self.told.iter().filter(|told| pred(told)).map(|told| told.person.clone()).collect();
        people.dedup();
        people
    }

    fn heard(&mut self, at: EventTime) {
        self.last_heard = Some(self.last_heard.map_or(at, |last| last.max(at)));
    }
}

fn order(told: &Told) -> (&PersonId, EventTime, &EventKey) {
    (&told.person, told.notification.at, &told.notification.event)
}

/// After `last`, up to and including `at`: an escalation and the notification it causes share an instant.
fn broken_between(breaks: &BTreeSet<EventTime>, last: EventTime, at: EventTime) -> bool {
    last < at && breaks.range(last.plus(Millis::from_ms(1))..=at).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> EventTime {
        EventTime::from_ms(seconds * 1000)
    }

    fn note(seconds: i64, proxy: bool) -> Notification {
        let event = (Arc::from("pagerduty://acme"), Arc::from(format!("e{seconds}{proxy}").as_str()));
        Notification { at: at(seconds), proxy, service: "s".into(), system: "".into(), event }
    }

    /// Seconds at which ann is paged, given notifications and breaks in any order.
    fn check(notifications: &[(i64, bool)], breaks: &[i64], expected: &[i64]) {
        let ann = PersonId::from("ann");
        for order in [0, 1] {
            let mut incident = Incident::default();
            let mut list = notifications.to_vec();
            if order == 1 {
                list.reverse();
            }
            for (seconds, proxy) in list {
                incident.notify(ann.clone(), note(seconds, proxy));
            }
            for seconds in breaks {
                incident.break_chain(at(*seconds));
            }
            let recount = incident.recount(&ann, Millis::seconds(60));
            assert_eq!(recount.removed, [], "counted for the first time");
            let pages: Vec<i64> = recount.added.iter().map(|page| page.at.ms() / 1000).collect();
            assert_eq!(pages, expected, "order {order}");
        }
    }

    #[test]
    fn r30_sixty_seconds_after_the_last_one_still_joins() {
        check(&[(0, false), (60, false)], &[], &[0]);
        check(&[(0, false), (61, false)], &[], &[0, 61]);
    }

    #[test]
    fn r30_the_chain_is_measured_from_its_last_notification() {
        check(&[(0, false), (50, false), (100, false)], &[], &[0]);
    }

    #[test]
    fn r30_an_unacknowledged_between_makes_a_second_page() {
        check(&[(0, false), (30, false)], &[20], &[0, 30]);
        check(&[(0, false), (30, false)], &[0], &[0]);
        check(&[(0, false), (30, false)], &[30], &[0, 30]);
    }

    #[test]
    fn r30_the_notification_log_silences_the_proxies_of_the_incident() {
        check(&[(0, true), (300, false)], &[], &[300]);
        check(&[(0, true), (300, true)], &[], &[0, 300]);
    }

    #[test]
    fn a_recount_says_only_what_changed() {
        let ann = PersonId::from("ann");
        let mut incident = Incident::default();
        let told = |incident: &mut Incident, seconds| {
            incident.notify(ann.clone(), note(seconds, false));
            let recount = incident.recount(&ann, Millis::seconds(60));
            let added: Vec<i64> = recount.added.iter().map(|page| page.at.ms() / 1000).collect();
            let removed: Vec<i64> = recount.removed.iter().map(|at| at.ms() / 1000).collect();
            (removed, added)
        };
        assert_eq!(told(&mut incident, 100), (vec![], vec![100]));
        assert_eq!(told(&mut incident, 130), (vec![], vec![]));
        assert_eq!(told(&mut incident, 50), (vec![100], vec![50]));
    }
}
