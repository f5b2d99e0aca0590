//! Which tickets are interrupt work, as data (R27).
//!
//! What it is not: the measure. It only sets a ticket's flag and says which rule did.

/// Marks interrupt work by label, type or priority; compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterruptRules {
    /// Labels.
    pub labels: Vec<String>,
    /// Type names.
    pub types: Vec<String>,
    /// Priority names.
    pub priorities: Vec<String>,
}

impl Default for InterruptRules {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        Self {
            labels: words(&["interrupt", "unplanned", "incident"]),
            types: Vec::new(),
            priorities: Vec::new(),
        }
    }
}

impl InterruptRules {
    /// Which rule makes it interrupt work, such as `label incident`; `None` when none does.
    pub fn reason(&self, labels: &[String], type_name: &str, priority: &str) -> Option<String> {
        let among = |list: &[String], word: &str| {
            !word.is_empty() && list.iter().any(|entry| entry.to_lowercase() == word.to_lowercase())
        };
        if let Some(label) = labels.iter().find(|label| among(&self.labels, label)) {
            return Some(format!("label {label}"));
        }
        if among(&self.types, type_name) {
            return Some(format!("type {type_name}"));
        }
        among(&self.priorities, priority).then(|| format!("priority {priority}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_a_type_or_a_priority_makes_interrupt_work_and_says_so() {
        let rules = InterruptRules { types: vec!["Bug".to_owned()], ..InterruptRules::default() };
        let labels = |list: &[&str]| list.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            rules.reason(&labels(&["ui", "Incident"]), "Story", "").as_deref(),
            Some("label Incident")
        );
        assert_eq!(rules.reason(&labels(&["ui"]), "bug", "").as_deref(), Some("type bug"));
        assert_eq!(rules.reason(&labels(&["ui"]), "Story", "High"), None);
    }
}
