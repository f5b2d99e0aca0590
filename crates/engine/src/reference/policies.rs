//! Which escalation policy is in force for a trigger.
//!
//! Only what a policy is for is kept; what it does is the escalator's.

use bellwether_model::{
    BUILT_IN_POLICY, BUILT_IN_POLICY_VERSION, EventTime, PolicyCandidate, PolicyCase, SquadId,
};

use super::Reference;

/// A version of an escalation policy, as a trigger names it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct PolicyVersion {
    /// Id of the policy; empty when it is not known here.
    pub policy: String,
    /// Its version; empty when it is not known here.
    pub version: String,
}

impl Reference {
    /// The policy in force for a rule, a key result (empty for none) and the squads of a function at an instant.
    ///
    /// Empty after a restore of what was written before policies were kept.
    pub(crate) fn policy_for(
        &self,
        rule: &str,
        key_result: &str,
        squads: &[String],
        function: &str,
        at: EventTime,
    ) -> PolicyVersion {
        let Some(policies) = &self.policies else { return PolicyVersion::default() };
        let of = squads.iter().filter_map(|squad| self.squad(&SquadId::from(squad.as_str()), at));
        let (parents, mut functions): (Vec<&str>, Vec<&str>) =
            of.map(|squad| (squad.parent.as_str(), squad.function.as_str())).unzip();
        functions.push(function);
        let case = PolicyCase { rule, key_result, squads, parents: &parents, functions: &functions };
        let candidates = policies.iter().filter_map(|(id, versions)| {
            let version = versions.version_at(at)?;
            Some(PolicyCandidate { id, recorded: version.recorded, scope: &version.value })
        });
        case.choose(candidates).map_or_else(
            || PolicyVersion {
                policy: BUILT_IN_POLICY.to_owned(),
                version: BUILT_IN_POLICY_VERSION.to_owned(),
            },
            |chosen| PolicyVersion { policy: chosen.id.to_owned(), version: chosen.recorded.to_rfc3339() },
        )
    }
}
