//! The three sources, their words in URLs, URIs and metric labels, and the topic each speaks on.

use bellwether_wire::topics::Topic;

/// A source system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// Jira Cloud and Data Center.
    Jira,
    /// Linear.
    Linear,
    /// PagerDuty.
    PagerDuty,
}

impl Source {
    /// All sources.
    pub const ALL: [Source; 3] = [Source::Jira, Source::Linear, Source::PagerDuty];

    /// The word in URLs, URIs and labels.
    pub fn word(self) -> &'static str {
        match self {
            Source::Jira => "jira",
            Source::Linear => "linear",
            Source::PagerDuty => "pagerduty",
        }
    }

    /// Source URI of an account: site, workspace or subdomain.
    pub fn uri(self, account: &str) -> String {
        format!("{}://{account}", self.word())
    }

    /// The source a URI names.
    pub fn of_uri(uri: &str) -> Option<Source> {
        let (scheme, _) = uri.split_once("://")?;
        Source::ALL.into_iter().find(|source| source.word() == scheme)
    }

    /// The topic most of its events go to, and all that could not be mapped.
    pub fn topic(self) -> Topic {
        match self {
            Source::Jira | Source::Linear => Topic::Ticket,
            Source::PagerDuty => Topic::Page,
        }
    }
}
