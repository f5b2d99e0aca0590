//! What the escalator reads out of an explain block: the names that rules and escalator must agree on.
//!
//! The trigger events have no fields for what only a guard looks at, so it travels as explain inputs. A rule that
//! carries one of these writes the exact value; when the value changes it amends its instance, and the escalator looks
//! at its guards again.

use bellwether_model::Ratio;
use bellwether_wire::{instant, pb};

/// Pages per week of the engineer at present, on page-load and concentration: what the guard of L4 looks at (R72). It is
/// said again when the condition turns false or comes back, and whenever it crosses the guard's line.
pub const PAGES_PER_WEEK: &str = "pages-per-week";

/// Update windows missed in a row, on missed-check-in: from two on, the instance makes its VP level due at once (R51).
/// An amendment says the same by its own field.
pub const WINDOWS_MISSED_IN_A_ROW: &str = "windows-missed-in-a-row";

/// Present, with any value, while the condition of a window rule does not hold but its instance has not cleared yet: a
/// resolution then needs no evidence (R74). Absent again when the condition comes back.
pub const CONDITION_FALSE_SINCE: &str = "condition-false-since";

/// Windows in a row that make the VP level due at once.
const SECOND_WINDOW: Ratio = Ratio::int(2);

/// The exact value of an input; `None` when it is absent or no number.
pub fn ratio(explain: Option<&pb::Explain>, name: &str) -> Option<Ratio> {
    input(explain, name).and_then(|input| Ratio::parse(&input.value).ok())
}

/// True when the block says that a second window in a row was missed.
pub fn is_second_window(explain: Option<&pb::Explain>) -> bool {
    ratio(explain, WINDOWS_MISSED_IN_A_ROW).is_some_and(|windows| windows >= SECOND_WINDOW)
}

/// True when the block says that the condition does not hold at present.
pub fn is_condition_false(explain: Option<&pb::Explain>) -> bool {
    input(explain, CONDITION_FALSE_SINCE).is_some()
}

/// An input that is of the present: while the condition is false, only one that was said since. Writers of before said
/// that a condition turned false without its numbers, and states of before keep those that fired it beside that.
pub fn present<'a>(explain: Option<&'a pb::Explain>, name: &str) -> Option<&'a pb::ExplainInput> {
    let found = input(explain, name)?;
    let Some(false_since) = input(explain, CONDITION_FALSE_SINCE) else { return Some(found) };
    let at = |input: &pb::ExplainInput| instant::optional(input.at.as_ref());
    (at(found)? >= at(false_since)?).then_some(found)
}

fn input<'a>(explain: Option<&'a pb::Explain>, name: &str) -> Option<&'a pb::ExplainInput> {
    explain?.inputs.iter().find(|input| input.name == name)
}
