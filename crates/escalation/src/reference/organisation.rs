//! The organisation: its zone, its quarters and who holds which role.

use bellwether_model::{FiscalCalendar, LocalDay, Zone};
use bellwether_wire::pb;

/// What is known of the organisation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Organisation {
    /// Zone of its days.
    pub(crate) zone: Zone,
    /// Its quarters.
    pub(crate) fiscal: FiscalCalendar,
    roles: Vec<pb::RoleHolder>,
}

impl Organisation {
    /// Reads the event; `None` when a zone or a day in it cannot be read.
    pub(crate) fn read(message: &pb::OrganisationRecorded) -> Option<Self> {
        let zone = match message.zone.as_str() {
            "" => Zone::UTC,
            name => Zone::parse(name).ok()?,
        };
        let configured = message
            .quarters
            .iter()
            .map(|quarter| Some((quarter.quarter.as_str(), LocalDay::parse(&quarter.starts_on).ok()?)))
            .collect::<Option<Vec<_>>>()?;
        let fiscal_start = match (message.fiscal_start.as_str(), configured.first()) {
            ("", Some((_, first))) => *first,
            (text, _) => LocalDay::parse(text).ok()?,
        };
        let fiscal = FiscalCalendar::new(zone, fiscal_start, configured).ok()?;
        Some(Self { zone, fiscal, roles: message.roles.clone() })
    }

    /// Holders of a role for a function: those who serve it, else those who serve all.
    pub(crate) fn holders(&self, role: pb::Role, function: &str) -> Vec<&str> {
        let serving = |serves: &str| -> Vec<&str> {
            self.roles
                .iter()
                .filter(|holder| {
                    holder.role() == role && holder.function == serves && !holder.person.is_empty()
                })
                .map(|holder| holder.person.as_str())
                .collect()
        };
        let own = serving(function);
        if own.is_empty() { serving("") } else { own }
    }
}
