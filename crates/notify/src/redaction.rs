//! Who may see what: one table of (level, audience, channel), applied before anything is rendered.
//!
//! What it is: the table, as data; the view of a step that the renderer gets; and the step as a machine may get it. What
//! it is not: rendering. A [`Redacted`] value can be made here and nowhere else, and it holds no name, figure or text
//! beyond its grant, so that a renderer cannot show what its reader may not see.
//!
//! Invariants:
//! - What no row of [`TABLE`] grants is hidden. In a medium that peers can read no row applies.
//! - A figure about fewer than [`GROUP_MIN`] people goes to those who are entitled to names, and to a person about
//!   themselves; to nobody else.
//! - Text that people typed is scrubbed of every known person but the one the reader may know.

pub mod cost;
pub mod view;

mod build;
mod event;
mod figures;
mod reach;

use std::ops::Deref;

use bellwether_model::{Audience, Level};

use crate::channel::ChannelKind;
pub use view::StepView;

/// Fewest people that a figure may be about when its reader is not entitled to names.
pub const GROUP_MIN: usize = 5;

/// The channel of the table: what carries the message and who else can read it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Medium {
    /// A chat message to one person.
    DirectMessage,
    /// A chat room.
    ChatRoom,
    /// A mail to one person.
    Email,
    /// A webhook whose receiver shows it to its role alone.
    PrivateWebhook,
    /// Any other webhook.
    SharedWebhook,
    /// A terminal, or the log it is written to.
    Terminal,
}

impl Medium {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::DirectMessage,
        Self::ChatRoom,
        Self::Email,
        Self::PrivateWebhook,
        Self::SharedWebhook,
        Self::Terminal,
    ];

    /// The medium of a channel, given whether its target is kept to its reader.
    pub const fn of(channel: ChannelKind, private: bool) -> Self {
        match (channel, private) {
            (ChannelKind::Webhook, true) => Self::PrivateWebhook,
            (ChannelKind::Webhook, false) => Self::SharedWebhook,
            (ChannelKind::Terminal, _) => Self::Terminal,
            (ChannelKind::Chat, true) => Self::DirectMessage,
            (ChannelKind::Chat, false) => Self::ChatRoom,
            (ChannelKind::Email, true) => Self::Email,
            // A mail that is not to one person goes to a list, which is a room.
            (ChannelKind::Email, false) => Self::ChatRoom,
        }
    }

    /// True where people other than the addressee can read it.
    pub const fn peers_can_read(self) -> bool {
        match self {
            Self::DirectMessage | Self::Email | Self::PrivateWebhook => false,
            Self::ChatRoom | Self::SharedWebhook | Self::Terminal => true,
        }
    }
}

/// How the person a step is about may appear. Later is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Showing {
    /// Neither name nor anything that tells them apart.
    Hidden,
    /// Role and tenure, no name.
    RoleAndTenure,
    /// By name, with their figures: the reader is entitled to names.
    Named,
}

/// One row: these levels, read as this role, in a medium that peers cannot read.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Level.
    pub level: Level,
    /// Role in which it is read.
    pub audience: Audience,
    /// What may be shown.
    pub showing: Showing,
}

const fn row(level: Level, audience: Audience, showing: Showing) -> Row {
    Row { level, audience, showing }
}

/// The table. What it does not name is [`Showing::Hidden`].
///
/// L1: the name is hidden in anything peers can read, so the squad's own manager gets it in private. L2: redacted. L3:
/// the engineer is named to the VP. L4 and L5: role and tenure.
pub const TABLE: &[Row] = &[
    row(Level::L1, Audience::SquadEm, Showing::Named),
    row(Level::L3, Audience::VpEngineering, Showing::Named),
    row(Level::L4, Audience::Cto, Showing::RoleAndTenure),
    row(Level::L5, Audience::Cto, Showing::RoleAndTenure),
    row(Level::L5, Audience::VpEngineering, Showing::RoleAndTenure),
    row(Level::L5, Audience::Chro, Showing::RoleAndTenure),
    row(Level::L5, Audience::Cfo, Showing::RoleAndTenure),
];

/// What a reader may be shown: the most that any of the roles they are addressed in grants.
pub fn showing(level: Level, audiences: &[Audience], medium: Medium) -> Showing {
    if medium.peers_can_read() {
        return Showing::Hidden;
    }
    let granted = TABLE.iter().filter(|row| row.level == level && audiences.contains(&row.audience));
    granted.map(|row| row.showing).max().unwrap_or(Showing::Hidden)
}

/// Who reads a message, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readership {
    /// Roles of the step's audience in which it is read; none for anybody.
    pub audiences: Vec<Audience>,
    /// Where.
    pub medium: Medium,
    /// Person id of the reader, where the target is one person.
    pub person: Option<String>,
}

impl Readership {
    /// Anybody who can see the target.
    pub fn anybody(medium: Medium) -> Self {
        Self { audiences: Vec::new(), medium, person: None }
    }
}

/// A value from which everything its reader may not see has been taken. Only this module makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Redacted<T>(T);

impl<T> Deref for Redacted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Redacted<T> {
    /// The value without its proof, for whoever sends it on.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Why a step cannot be shown to anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Its level is not 1 to 5.
    #[error("the step has level {0}, expected 1 to 5")]
    Level(u32),
}

pub use build::view;
pub use event::step_for;

#[cfg(test)]
mod tests;
