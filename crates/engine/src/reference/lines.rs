//! What page rules compare with, worked out once from the thresholds in force.

use bellwether_model::{Ratio, Thresholds};

/// Lines in pages of the window, and how they are written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PageLines {
    /// Most pages in the window that are still within the threshold of page load; `None` for one out of range.
    pub limit: Option<Ratio>,
    /// The rate at which the guard of L4 holds.
    pub l4: Ratio,
    /// What a running instance watches when its rate is at that line or above.
    pub at_least: String,
    /// The same when its rate is below.
    pub below: String,
}

/// Those of the default thresholds, until those in force are known.
impl Default for PageLines {
    fn default() -> Self {
        Self::of(&Thresholds::default())
    }
}

impl PageLines {
    /// The lines of thresholds.
    pub(crate) fn of(thresholds: &Thresholds) -> Self {
        let l4 = thresholds.escalation_l4_pages_per_week;
        let line = l4.exact();
        Self {
            limit: thresholds.page_load_limit(),
            l4,
            at_least: format!("at least {line} pages a week"),
            below: format!("below {line} pages a week"),
        }
    }
}
