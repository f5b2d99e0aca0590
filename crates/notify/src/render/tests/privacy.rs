//! No message of any (level, audience, channel) says a name, address or id that its reader may not know.

use std::collections::BTreeSet;

use bellwether_model::{Audience, Level, RuleId};
use bellwether_wire::ids::{HashKey, pseudonym};
use bellwether_wire::{Event, pb};
use proptest::prelude::*;

use crate::channel::{ChannelKind, Delivery, Envelope, webhook};
use crate::delivery::DeliveryId;
use crate::directory::Directory;
use crate::redaction::{Medium, Readership, Showing, showing, step_for, view};
use crate::render::render;
use crate::testing::{org, steps};

/// Everything that leaves for a target: the text of the message and the body of a webhook.
fn everything_sent(step: &pb::StepFired, readership: &Readership, directory: &Directory) -> String {
    let message = render(&view(step, org::now(), readership, directory).unwrap());
    let shown = step_for(step, org::now(), readership, directory).unwrap().into_inner();
    let delivery = Delivery {
        id: DeliveryId { step: step.step.clone(), channel: ChannelKind::Webhook, target: "t".into() },
        attempt: 1,
        at: org::now(),
        message,
        step: shown,
        envelope: Envelope { id: steps::event(step.clone()).id, time: org::now(), traceparent: None },
        address: None,
    };
    let body = String::from_utf8(webhook::body::of(&delivery)).unwrap();
    format!("{}\n{body}", delivery.message.to_text())
}

/// What tells a person apart. Parts of a name count too, so that a first name alone is found.
#[derive(Debug, Clone)]
struct Handles {
    person: String,
    all: Vec<String>,
}

fn handles(person: &str, name: &str, email: &str, external_id: &str) -> Handles {
    let mut all: Vec<String> = [person, name, email, external_id].map(str::to_lowercase).to_vec();
    all.extend(name.split(' ').map(str::to_lowercase));
    all.push(email.split('@').next().unwrap_or_default().to_lowercase());
    Handles { person: person.to_owned(), all }
}

/// Who may be named in a message: the individual, to those entitled; nobody else, nowhere.
fn check(step: &pb::StepFired, individual: &str, people: &[Handles], directory: &Directory) {
    // Most readers are sent the same; what was looked through once is not looked through again.
    let mut checked = BTreeSet::new();
    for medium in Medium::ALL {
        let roles = Audience::ALL.iter().map(|audience| vec![*audience]);
        for audiences in roles.chain([vec![], Audience::ALL.to_vec()]) {
            let level = Level::new(u8::try_from(step.level).unwrap()).unwrap();
            let named = showing(level, &audiences, medium) == Showing::Named;
            let about_themselves = audiences == [Audience::KeyResultOwner] && !medium.peers_can_read();
            let readership = Readership { audiences, medium, person: None };
            let sent = everything_sent(step, &readership, directory).to_lowercase();
            if !checked.insert((sent.clone(), named, about_themselves)) {
                continue;
            }
            for person in people {
                if named && person.person == individual {
                    continue;
                }
                // A first name that the individual shares with others is the individual's too, also where it spans the
                // individual's names written as one word.
                let in_own = |own: &String, handle: &str| {
                    own.contains(handle) || own.replace([' ', '.'], "").contains(handle)
                };
                let may_be_said = |handle: &&String| {
                    !named
                        || !people
                            .iter()
                            .any(|it| it.person == individual && it.all.iter().any(|own| in_own(own, handle)))
                };
                for handle in person.all.iter().filter(may_be_said) {
                    assert!(!sent.contains(handle), "{handle} in {} for {readership:?}:\n{sent}", step.rule);
                }
                assert!(
                    !sent.contains(&pseudonym(&HashKey::ZERO, &person.person)),
                    "pseudonym of {}",
                    person.person
                );
            }
            if !named && !about_themselves {
                assert!(!sent.contains("asia/tokyo"), "the zone of one person, for {readership:?}");
            }
        }
    }
}

#[test]
fn the_sample_organisation_leaks_nobody() {
    let directory = org::directory();
    let people: Vec<Handles> = org::PEOPLE.iter().map(|it| handles(it.0, it.1, it.2, it.3)).collect();
    for rule in RuleId::ALL {
        let individual = match rule {
            RuleId::MissedCheckIn | RuleId::OwnerAbsence => "p-eli",
            _ => "p-ana",
        };
        for level in 1..=5 {
            check(&steps::step(*rule, level), individual, &people, &directory);
        }
    }
}

/// Figures that tell a person, by digits that occur nowhere else.
#[test]
fn no_figure_about_one_person_reaches_somebody_not_entitled_to_names() {
    const SENTINEL: &str = "918273";
    let directory = org::directory();
    let personal = [
        RuleId::VelocityDropPageLoad,
        RuleId::VelocityDropForecast,
        RuleId::VelocityDropConcentration,
        RuleId::MissedCheckIn,
        RuleId::OwnerAbsence,
    ];
    for rule in personal {
        for level in 1..=5 {
            let mut step = steps::step(rule, level);
            let explain = step.explain.as_mut().unwrap();
            for input in &mut explain.inputs {
                if !matches!(input.name.as_str(), "population" | "ratio") {
                    (input.value, input.display) = (SENTINEL.into(), SENTINEL.into());
                }
            }
            explain.arithmetic = format!("{SENTINEL} > 4");
            explain.clears_when = format!("below {SENTINEL}");
            explain.notes = vec![format!("was {SENTINEL}")];
            let mut told = 0;
            for medium in Medium::ALL {
                for audience in Audience::ALL {
                    let at = Level::new(u8::try_from(level).unwrap()).unwrap();
                    let named = showing(at, &[*audience], medium) == Showing::Named;
                    let owner = !rule.is_page_rule() && *audience == Audience::KeyResultOwner;
                    let entitled = named || (owner && !medium.peers_can_read());
                    let readership = Readership { audiences: vec![*audience], medium, person: None };
                    let sent = everything_sent(&step, &readership, &directory);
                    assert_eq!(sent.contains(SENTINEL), entitled, "{rule} L{level} {readership:?}:\n{sent}");
                    told += u32::from(entitled);
                }
            }
            assert_eq!(told > 0, matches!(level, 1 | 3) || !rule.is_page_rule());
        }
    }
}

/// Syllables that occur in no word of our own, so that whatever is found is a leak.
const SYLLABLES: &[&str] = &["qix", "zuv", "jyk", "xóq", "vuz", "kyj", "wiq", "zzo", "qua", "jéx"];

fn token() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(SYLLABLES), 2..4).prop_map(|parts| parts.concat())
}

fn name() -> impl Strategy<Value = String> {
    (token(), token(), any::<bool>()).prop_map(|(first, last, upper)| {
        let name = format!("{first} {last}");
        if upper { name.to_uppercase() } else { name }
    })
}

/// How people write a person into a title.
fn mention(person: &(String, String, String), way: usize) -> String {
    let (name, email, external_id) = person;
    let mut words = name.split(' ');
    let (first, last) = (words.next().unwrap(), words.next().unwrap());
    match way {
        0 => format!("{name}'s"),
        1 => format!("@{first}"),
        2 => format!("({last}, {first})"),
        3 => email.clone(),
        4 => format!("[~{external_id}]"),
        5 => format!("{first}_{last}"),
        6 => format!("{first}\u{200b}{last} and {first}\n{last}"),
        _ => name.to_uppercase(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_organisation_leaks_anybody(
        names in prop::collection::btree_set(name(), 3..8),
        ids in prop::collection::vec("[A-Z]{2}[0-9]{5}[A-Z]", 8),
        ways in prop::collection::vec((0..8_usize, 0..8_usize), 12),
        rule in prop::sample::select(RuleId::ALL),
        level in 1..6_u32,
    ) {
        let people: Vec<(String, String, String)> = names
            .into_iter()
            .zip(ids)
            .map(|(name, id)| {
                let email = format!("{}@corp.test", name.to_lowercase().replace(' ', "."));
                (name, email, format!("ext-{id}"))
            })
            .collect();
        let mut ways = ways.into_iter().cycle();
        let mut typed = |what: &str| {
            let (who, way) = ways.next().unwrap();
            format!("{what} {} now", mention(&people[who % people.len()], way))
        };
        let mut directory = Directory::new(HashKey::ZERO);
        let mut record = |payload: bellwether_wire::Payload| {
            directory.apply(&Event::new("test", "x", org::recorded(), payload));
        };
        for (place, (name, email, external_id)) in people.iter().enumerate() {
            let person = format!("p-{external_id}");
            record(pb::PersonRecorded {
                person: person.clone(),
                name: name.clone(),
                email: email.clone(),
                title: typed("lead for"),
                zone: "Asia/Tokyo".into(),
                ..Default::default()
            }.into());
            record(pb::IdentityRecorded {
                external_id: external_id.clone(),
                person: person.clone(),
                ..Default::default()
            }.into());
            let squad = if place % 2 == 0 { "payments" } else { "search" };
            record(pb::MembershipRecorded { person: person.clone(), squad: squad.into(), ..Default::default() }.into());
            record(pb::CoverageRecorded { system: "billing".into(), person, ..Default::default() }.into());
        }
        for squad in ["payments", "search"] {
            record(pb::SquadRecorded {
                squad: squad.into(), name: typed("squad of"), parent: "product".into(), ..Default::default()
            }.into());
        }
        let first = format!("p-{}", people[0].2);
        for key_result in ["kr-load", "kr-spread", "kr-commit", "kr-nps"] {
            record(pb::KeyResultRecorded {
                key_result: key_result.into(),
                title: typed("free"),
                unit: typed("per"),
                owner: first.clone(),
                ..Default::default()
            }.into());
        }
        record(pb::SystemRecorded {
            system: "billing".into(), name: typed("api of"), squad: "payments".into(), production: true, ..Default::default()
        }.into());
        record(pb::CustomerCommitmentRecorded {
            customer_commitment: "cc-1".into(), title: typed("promise by"), ..Default::default()
        }.into());
        record(pb::LoadAssessed {
            squad: "payments".into(),
            eligible: 6,
            top_sources: vec![pb::PageSource { source: typed("cron of"), pages: 7 }],
            ..Default::default()
        }.into());
        for key_result in ["kr-load", "kr-spread", "kr-commit", "kr-nps"] {
            record(pb::KeyResultAssessed {
                key_result: key_result.into(), reason: typed("said by"), ..Default::default()
            }.into());
        }
        let mut step = steps::step(rule, level);
        if step.subject.as_ref().unwrap().kind() == pb::SubjectKind::Engineer {
            step.subject.as_mut().unwrap().id = pseudonym(&HashKey::ZERO, &first);
        }
        let explain = step.explain.as_mut().unwrap();
        explain.notes = vec![typed("handed over by")];
        explain.arithmetic = typed("1 + 1 by");
        explain.clears_when = typed("done by");
        explain.inputs[0].name = typed("pages of");
        explain.inputs[0].display = typed("9 of");
        step.recipients = people.iter().map(|it| pseudonym(&HashKey::ZERO, &format!("p-{}", it.2))).collect();
        let handles: Vec<Handles> = people
            .iter()
            .map(|(name, email, id)| handles(&format!("p-{id}"), name, email, id))
            .collect();
        check(&step, &first, &handles, &directory);
    }
}
