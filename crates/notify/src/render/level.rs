//! What the first two levels say: the numbers to the squad's manager, and a redacted call for help to the neighbours.

use super::story::Story;
use super::words;
use crate::message::Message;
use crate::redaction::StepView;

/// L1: numbers, threshold broken, where it comes from, what helps.
pub(super) fn nudge(view: &StepView, story: &dyn Story, message: &mut Message) {
    message.section("Numbers", words::figures(view));
    message.section("Threshold", words::thresholds(view));
    message.section("Key result", words::standing_of_key_result(view));
    for (heading, lines) in story.context(view) {
        message.section(heading, lines);
    }
    message.section("How it came about", words::reasons(view));
    message.section("What helps", story.actions(view));
}

/// L2: what is asked of the neighbours. Nobody is told apart in it.
pub(super) fn peer_flag(view: &StepView, story: &dyn Story, message: &mut Message) {
    message.section("Threshold", words::thresholds(view));
    message.section("Numbers", words::figures(view));
    for (heading, lines) in story.help(view) {
        message.section(heading, lines);
    }
    message.section("How it came about", words::reasons(view));
}
