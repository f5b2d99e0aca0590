//! Settings: who receives steps where, and how long deliveries are tried.

use bellwether_model::{Audience, Level, Millis, PersonId, SquadId};
use serde::{Deserialize, Serialize};

use crate::channel::ChannelKind;
use crate::delivery::RetryOptions;
use crate::redaction::Medium;

/// Settings of all deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Bounds of the attempts of one delivery.
    pub retry: RetryOptions,
    /// A step that nobody tried to deliver within this time after it fired is abandoned: the next level has gone out.
    pub step_age_max: Millis,
    /// Most deliveries that wait for one target. At some 4 KiB each, 10,000 are 40 MiB; more than that is a target
    /// that has been down for a quarter.
    pub pending_max: usize,
    /// How long a stop waits for attempts under way.
    pub drain_within: Millis,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            retry: RetryOptions::default(),
            step_age_max: Millis::hours(48),
            pending_max: 10_000,
            drain_within: Millis::seconds(5),
        }
    }
}

impl Options {
    /// How far back steps must be submitted again after a start, so that every delivery still in retry goes on.
    pub fn horizon(&self) -> Millis {
        self.step_age_max + self.retry.total
    }
}

/// Where steps go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Target {
    /// Its name: stable, because it is part of the idempotency key.
    pub name: String,
    /// Kind of its channel.
    pub channel: ChannelKind,
    /// Who reads it.
    pub reader: Reader,
    /// True when others than the reader can see it: then it is redacted for everybody.
    #[serde(default)]
    pub shared: bool,
    /// Levels it receives; empty for all.
    #[serde(default)]
    pub levels: Vec<Level>,
    /// Functions it receives steps of; empty for all.
    #[serde(default)]
    pub functions: Vec<String>,
}

/// Who reads a target: `"anybody"`, `{ role = { audience = "cto" } }`, `{ person = "p-17" }`, `"each-recipient"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Reader {
    /// Anybody: it receives every step, redacted the most.
    Anybody,
    /// Whoever holds a role: it receives the steps addressed to that role.
    Role {
        /// The role.
        audience: Audience,
        /// Squads whose steps it receives; empty for all.
        #[serde(default)]
        squads: Vec<SquadId>,
    },
    /// One person: it receives the steps of which they are a recipient.
    Person(PersonId),
    /// Every recipient of a step at their own address; for channels that address persons.
    EachRecipient,
}

/// Longest name of a target.
const NAME_MAX: usize = 64;

/// A target that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The name is not usable.
    #[error("target name `{name}` must be 1 to 64 lower-case letters, digits or hyphens")]
    Name {
        /// What was given.
        name: String,
    },
    /// One private endpoint would learn the names of the engineers of every squad.
    #[error(
        "target `{name}` is read by squad managers and not shared: name their `squads`, or set `shared = true`"
    )]
    EverySquad {
        /// The target.
        name: String,
    },
    /// The channel has one address and cannot reach each recipient.
    #[error("target `{name}` cannot reach each recipient over {channel}: set another `reader`")]
    NoAddresses {
        /// The target.
        name: String,
        /// Its channel.
        channel: ChannelKind,
    },
    /// The channel that was given is of another kind.
    #[error("target `{name}` is configured for {configured} and was given a channel for {given}")]
    Channel {
        /// The target.
        name: String,
        /// What its settings say.
        configured: ChannelKind,
        /// What was given.
        given: ChannelKind,
    },
    /// Two targets have the same channel and name.
    #[error("two targets of {channel} are named `{name}`: the name is part of the idempotency key")]
    Twice {
        /// The name.
        name: String,
        /// Their channel.
        channel: ChannelKind,
    },
}

impl Target {
    /// A terminal that shows every step, redacted for anybody.
    pub fn terminal(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            channel: ChannelKind::Terminal,
            reader: Reader::Anybody,
            shared: true,
            levels: Vec::new(),
            functions: Vec::new(),
        }
    }

    /// Where its messages are read.
    pub fn medium(&self) -> Medium {
        let private = match self.reader {
            Reader::Anybody => false,
            Reader::Role { .. } | Reader::Person(_) | Reader::EachRecipient => !self.shared,
        };
        Medium::of(self.channel, private)
    }

    /// Looks for settings that cannot be meant.
    ///
    /// # Errors
    /// When the name is unusable, or the reader does not fit the channel or the table of what may be shown.
    pub fn check(&self) -> Result<(), TargetError> {
        let name = self.name.clone();
        let usable = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(usable) {
            return Err(TargetError::Name { name });
        }
        let private = !self.medium().peers_can_read();
        match &self.reader {
            Reader::Role { audience: Audience::SquadEm, squads } if private && squads.is_empty() => {
                Err(TargetError::EverySquad { name })
            }
            Reader::EachRecipient => match self.channel {
                ChannelKind::Chat | ChannelKind::Email => Ok(()),
                ChannelKind::Webhook | ChannelKind::Terminal => {
                    Err(TargetError::NoAddresses { name, channel: self.channel })
                }
            },
            Reader::Anybody | Reader::Role { .. } | Reader::Person(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(channel: ChannelKind, reader: Reader) -> Target {
        Target { channel, reader, shared: false, ..Target::terminal("ops") }
    }

    #[test]
    fn a_terminal_is_never_private() {
        let reader = Reader::Role { audience: Audience::VpEngineering, squads: vec![] };
        assert_eq!(target(ChannelKind::Terminal, reader.clone()).medium(), Medium::Terminal);
        assert_eq!(target(ChannelKind::Webhook, reader.clone()).medium(), Medium::PrivateWebhook);
        assert_eq!(
            Target { shared: true, ..target(ChannelKind::Webhook, reader) }.medium(),
            Medium::SharedWebhook
        );
        assert_eq!(target(ChannelKind::Webhook, Reader::Anybody).medium(), Medium::SharedWebhook);
    }

    #[test]
    fn a_private_target_of_squad_managers_names_its_squads() {
        let reader = |squads: &[&str]| Reader::Role {
            audience: Audience::SquadEm,
            squads: squads.iter().map(|squad| SquadId::from(*squad)).collect(),
        };
        let error = target(ChannelKind::Webhook, reader(&[])).check().unwrap_err();
        assert_eq!(error, TargetError::EverySquad { name: "ops".into() });
        target(ChannelKind::Webhook, reader(&["payments"])).check().unwrap();
        Target { shared: true, ..target(ChannelKind::Webhook, reader(&[])) }.check().unwrap();
    }

    #[test]
    fn only_channels_that_address_persons_reach_each_recipient() {
        assert!(target(ChannelKind::Webhook, Reader::EachRecipient).check().is_err());
        target(ChannelKind::Email, Reader::EachRecipient).check().unwrap();
    }

    #[test]
    fn readers_are_written_as_documented() {
        let read = |text: &str| serde_json::from_str::<Reader>(text).unwrap();
        assert_eq!(read(r#""anybody""#), Reader::Anybody);
        assert_eq!(read(r#""each-recipient""#), Reader::EachRecipient);
        assert_eq!(read(r#"{"person": "p-17"}"#), Reader::Person(PersonId::from("p-17")));
        let cto = Reader::Role { audience: Audience::Cto, squads: vec![] };
        assert_eq!(read(r#"{"role": {"audience": "cto"}}"#), cto);
        assert!(serde_json::from_str::<Reader>(r#"{"role": {"audience": "cto", "squad": "x"}}"#).is_err());
    }

    #[test]
    fn names_are_plain() {
        for name in ["", "Ops", "a/b", &"x".repeat(65)] {
            assert!(Target::terminal(name).check().is_err(), "{name}");
        }
    }
}
