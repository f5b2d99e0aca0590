//! Which escalation policy a trigger runs under.
//!
//! Of the policies that match, the most specific wins. Precedence, first difference decides:
//! 1. one that names the key result before one that names none;
//! 2. one that names the squad, then its parent, then its function, before one for all org units;
//! 3. one that names the rule, then the longest family (`velocity-drop.*`), before one for all rules;
//! 4. the one recorded last, then the smaller id.
//!
//! So whoever writes a policy for one squad decides for that squad, whatever the organisation says about a rule. Where
//! none matches, the built-in chain of the rule holds. What a policy does is not known here.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::EventTime;

/// Name of the built-in chains as a policy.
pub const BUILT_IN_POLICY: &str = "default";

/// Version of the built-in chains; it grows when one of them changes.
pub const BUILT_IN_POLICY_VERSION: &str = "built-in/1";

/// What a policy is for.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyScope {
    /// Rules; a trailing `*` matches a family. Empty: all.
    pub rules: Vec<String>,
    /// Key results. Empty: all.
    pub key_results: Vec<String>,
    /// Squads, parents or functions. Empty: all.
    pub org_units: Vec<String>,
}

/// What a policy is chosen for.
#[derive(Debug, Clone, Copy)]
pub struct PolicyCase<'a> {
    /// Rule, as the trigger names it.
    pub rule: &'a str,
    /// Key result; empty for none.
    pub key_result: &'a str,
    /// Squads concerned.
    pub squads: &'a [String],
    /// Their parents.
    pub parents: &'a [&'a str],
    /// Their functions, that of the trigger among them.
    pub functions: &'a [&'a str],
}

/// One version of a policy, as a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyCandidate<'a> {
    /// Id of the policy.
    pub id: &'a str,
    /// When the version was recorded.
    pub recorded: EventTime,
    /// What it is for.
    pub scope: &'a PolicyScope,
}

/// How closely a policy fits: key result, org unit, rule. Greater is closer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fit(bool, u8, usize);

impl PolicyCase<'_> {
    /// The candidate that decides; `None` where none fits.
    pub fn choose<'a>(
        &self,
        candidates: impl IntoIterator<Item = PolicyCandidate<'a>>,
    ) -> Option<PolicyCandidate<'a>> {
        let fitting = candidates.into_iter().filter_map(|candidate| {
            let fit = self.fit(candidate.scope)?;
            Some(((fit, candidate.recorded, Reverse(candidate.id)), candidate))
        });
        fitting.max_by_key(|(rank, _)| *rank).map(|(_, candidate)| candidate)
    }

    fn fit(&self, scope: &PolicyScope) -> Option<Fit> {
        let names_key_result = match scope.key_results.as_slice() {
            [] => false,
            named if named.iter().any(|named| named == self.key_result) => true,
            _ => return None,
        };
        let org_unit = if scope.org_units.is_empty() {
            0
        } else {
            scope.org_units.iter().filter_map(|unit| self.org_unit_rank(unit)).max()?
        };
        let rule = if scope.rules.is_empty() {
            0
        } else {
            scope.rules.iter().filter_map(|pattern| rule_rank(pattern, self.rule)).max()?
        };
        Some(Fit(names_key_result, org_unit, rule))
    }

    fn org_unit_rank(&self, unit: &str) -> Option<u8> {
        if self.squads.iter().any(|squad| squad == unit) {
            return Some(3);
        }
        if self.parents.contains(&unit) {
            return Some(2);
        }
        self.functions.contains(&unit).then_some(1)
    }
}

/// The length of what a pattern fixes of the rule's name, and one more when it fixes all of it.
fn rule_rank(pattern: &str, rule: &str) -> Option<usize> {
    match pattern.strip_suffix('*') {
        Some(family) => rule.starts_with(family).then(|| family.len() + 1),
        None => (pattern == rule).then(|| rule.len() + 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A scope whose name says what it names: `k` the key result, `s`, `p`, `f` squad, parent, function, `r` the rule,
    /// `w` its family, `o` another key result.
    fn scope(name: &str) -> PolicyScope {
        let mut scope = PolicyScope::default();
        for letter in name.chars() {
            match letter {
                'k' => scope.key_results.push("kr".to_owned()),
                'o' => scope.key_results.push("other".to_owned()),
                's' => scope.org_units.push("payments".to_owned()),
                'p' => scope.org_units.push("commerce".to_owned()),
                'f' => scope.org_units.push("product".to_owned()),
                'r' => scope.rules.push("velocity-drop.pace".to_owned()),
                'w' => scope.rules.push("velocity-drop.*".to_owned()),
                _ => {}
            }
        }
        scope
    }

    #[track_caller]
    fn check(recorded: &[(i64, &str)], chosen: Option<&str>) {
        let scopes: Vec<PolicyScope> = recorded.iter().map(|(_, name)| scope(name)).collect();
        let candidates = recorded.iter().zip(&scopes).map(|((at, id), scope)| PolicyCandidate {
            id,
            recorded: EventTime::from_ms(*at),
            scope,
        });
        let squads = ["payments".to_owned()];
        let case = PolicyCase {
            rule: "velocity-drop.pace",
            key_result: "kr",
            squads: &squads,
            parents: &["commerce"],
            functions: &["product"],
        };
        assert_eq!(case.choose(candidates).map(|candidate| candidate.id), chosen);
    }

    #[test]
    fn the_most_specific_policy_decides_then_the_one_recorded_last_then_the_smaller_id() {
        check(&[(0, "k"), (9, "sr")], Some("k"));
        check(&[(0, "s"), (9, "p"), (9, "f")], Some("s"));
        check(&[(0, "f"), (9, "r")], Some("f"));
        check(&[(0, "r"), (9, "w"), (9, "a")], Some("r"));
        check(&[(0, "w"), (9, "a")], Some("w"));
        check(&[(1, "za"), (2, "ab")], Some("ab"));
        check(&[(1, "za"), (1, "ab")], Some("ab"));
        check(&[(1, "ab"), (1, "za")], Some("ab"));
    }

    #[test]
    fn a_policy_for_something_else_does_not_fit() {
        check(&[(0, "o"), (0, "or")], None);
        check(&[], None);
    }
}
