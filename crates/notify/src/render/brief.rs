//! What the upper three levels say: the brief to the VP, the page to the CTO, the options of the war room.

use bellwether_model::Millis;

use super::story::Story;
use super::words;
use crate::message::Message;
use crate::redaction::StepView;
use crate::text;

/// Time in which the decision of a war room is locked.
const DECISION_WITHIN: Millis = Millis::hours(48);

/// L3: who, how much, what hangs on them, what to do.
pub(super) fn vp(view: &StepView, story: &dyn Story, message: &mut Message) {
    message.section("Who", who(view));
    message.section("Numbers", words::figures(view));
    message.section("Threshold", words::thresholds(view));
    message.section("Key result", words::standing_of_key_result(view));
    for (heading, lines) in story.brief(view) {
        message.section(heading, lines);
    }
    message.section("How it came about", words::reasons(view));
    message.section("Suggested actions", story.actions(view));
}

/// L4, on one page: what fails, why, what to do.
pub(super) fn cto(view: &StepView, story: &dyn Story, message: &mut Message) {
    message.section("What fails", story.failure(view));
    message.section("Who", who(view));
    message.section("Why", story.causes(view));
    message.section("What to do", story.actions(view));
    message.section("What it costs", story.costs(view));
    message.section("Decision required", vec![story.decision(view)]);
}

/// L5: options with their costs, and until when to choose.
pub(super) fn intervention(view: &StepView, story: &dyn Story, message: &mut Message) {
    message.section("Where it stands", story.failure(view));
    message.section("Who", who(view));
    let options = story.options(view);
    let lettered = options.into_iter().zip('A'..='Z').map(|(option, letter)| format!("{letter}. {option}"));
    message.section("Options", lettered.collect());
    let until = text::moment(view.fired_at.plus(DECISION_WITHIN), view.zone);
    let lock = format!("Choose one and lock the decision by {until}, 48 h from now.");
    message.section("Decision", vec![story.decision(view), lock]);
}

/// The person the step is about, where there is one the reader may know anything of.
fn who(view: &StepView) -> Vec<String> {
    words::standing(view).map(|it| format!("{}: {it}.", words::who_first(view))).into_iter().collect()
}
