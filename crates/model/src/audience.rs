//! Whom a level of an escalation addresses: roles, never persons.

use crate::text_enum::text_enum;

text_enum! {
    /// A role of an escalation chain. Who holds it is resolved when the step runs (R75).
    pub enum Audience ("audience") {
        /// Engineering manager of the subject's squad.
        SquadEm = "squad-em",
        /// Engineering managers of the squads with the same parent unit.
        AdjacentEms = "adjacent-ems",
        /// Lead of the platform function.
        PlatformLead = "platform-lead",
        /// VP of Engineering.
        VpEngineering = "vp-engineering",
        /// Chief technology officer.
        Cto = "cto",
        /// Chief people officer.
        Chro = "chro",
        /// Chief financial officer.
        Cfo = "cfo",
        /// Owner of the key result, or the interim owner.
        KeyResultOwner = "key-result-owner",
        /// Engineering managers of the provider and the consumer of a dependency.
        BothEms = "both-ems",
    }
}
