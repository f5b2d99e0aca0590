//! The table of thresholds: one entry declares key, typed field, default and meaning together.

use super::form::{Clock, Count, Days, Form, Hours, HoursList, Minutes, Number, PageWindow, Seconds};
use super::{Provenance, ThresholdInfo};
use crate::{Millis, MinuteOfDay, Ratio};

/// Declares the thresholds: `field: Type as Form = "key", "default", "unit", Provenance, "meaning";`.
macro_rules! thresholds {
    ($(
        $field:ident: $type:ty as $form:ident =
            $key:literal, $default:literal, $unit:literal, $provenance:ident, $meaning:literal;
    )+) => {
        /// The exact values of all thresholds, by name.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct ThresholdValues {
            $(
                #[doc = concat!("`", $key, "`: ", $meaning)]
                pub $field: $type,
            )+
        }

        /// What is known of each threshold.
        pub(super) const INFO: &[ThresholdInfo] = &[ $( ThresholdInfo {
            key: $key,
            default: $default,
            unit: $unit,
            provenance: Provenance::$provenance,
            expected: <$form as Form>::EXPECTED,
            meaning: $meaning,
        }, )+ ];

        impl Default for ThresholdValues {
            fn default() -> Self {
                Self { $( $field: $form::read($default).expect("a test reads every default of the table"), )+ }
            }
        }

        impl ThresholdValues {
            /// Shows the value of a key.
            pub(super) fn show(&self, key: &str) -> Option<String> {
                match key {
                    $( $key => Some($form::show(&self.$field)), )+
                    _ => None,
                }
            }

            /// Takes the value of a key; false for what the key does not take.
            pub(super) fn take(&mut self, key: &str, text: &str) -> bool {
                match key {
                    $( $key => $form::read(text).map(|value| self.$field = value).is_some(), )+
                    _ => false,
                }
            }
        }
    };
}

thresholds! {
    page_load_pages_per_week: Ratio as Number = "page-load.pages-per-week", "4", "pages/week", Threshold,
        "An engineer's rolling mean above this fires velocity-drop.page-load.";
    page_load_window_days: u32 as PageWindow = "page-load.window-days", "28", "days", Threshold,
        "Local days of the rolling window of pages, today included; shown, and not to be changed.";
    concentration_ratio: Ratio as Number = "concentration.ratio", "2.5", "x", Threshold,
        "Top engineer over squad median above this fires velocity-drop.concentration.";
    concentration_target: Ratio as Number = "concentration.target", "1.5", "x", Threshold,
        "Top over median up to this meets O2.1; it is the status of the key result, not the trigger.";
    concentration_minimum_top_pages: u32 as Count = "concentration.minimum-top-pages", "4", "pages", Ours,
        "Below this many pages in the window the top engineer concentrates nothing.";
    concentration_minimum_population: u32 as Count = "concentration.minimum-population", "3", "people", Ours,
        "A median of fewer eligible people is no data.";
    forecast_horizon_days: u32 as Days = "forecast.horizon-days", "14", "days", Threshold,
        "How far ahead velocity-drop.forecast looks for the page-load threshold to break.";
    forecast_rate_days: u32 as Days = "forecast.rate-days", "7", "days", Ours,
        "Local days whose pages are the present rate, today included.";
    pace_floor: Ratio as Number = "pace.floor", "0.5", "", Threshold,
        "Pace below this at or after mid-cycle fires velocity-drop.pace; exactly this does not.";
    pace_minimum_periods: u32 as Count = "pace.minimum-periods", "2", "periods", Ours,
        "Ended periods that a hold-level key result needs before its pace is judged.";
    check_in_close: MinuteOfDay as Clock = "check-in.close", "17:00", "owner's time", Threshold,
        "When an update window closes on the last business day of the owner's week.";
    check_in_first_window_days: u32 as Count = "check-in.first-window-business-days", "3", "business days", Ours,
        "Least business days from the effective day to the first closing day, that day included.";
    check_in_escalate_after: Millis as Hours = "check-in.escalate-after-hours", "48", "h", Threshold,
        "How long after a missed close a check-in still missing escalates.";
    check_in_late: Millis as Hours = "check-in.late-hours", "48", "h", Ours,
        "How long after a missed close a check-in is late: it clears the trigger and counts for no window.";
    dependency_blocker: Millis as Hours = "dependency.blocker-hours", "48", "h", Threshold,
        "How long a dependency's blocker may be open before dependency-breach fires.";
    source_slack: Millis as Minutes = "source.slack-minutes", "15", "min", Ours,
        "How far short of a due instant a source may be complete without holding a rule.";
    page_chain: Millis as Seconds = "page.chain-seconds", "60", "s", Ours,
        "Notifications of one incident and responder at most this far apart are one page.";
    carry_over: Millis as Seconds = "carry-over.seconds", "60", "s", Ours,
        "Moves of unfinished tickets this near to a sprint's close are the tracker's carry-over.";
    credit_size_above: Ratio as Number = "credit.size-above-points", "2", "points", Threshold,
        "Tickets above this need a size at activation to earn commit credit.";
    sprint_grace: Millis as Hours = "sprint.grace-hours", "0", "h", Ours,
        "How long after a sprint's close a production deployment still ships its tickets.";
    interrupt_points_per_day: Ratio as Number = "interrupt.points-per-day", "1", "points/person-day", Ours,
        "Converts capacity declared in person-days to points.";
    sleep_from: MinuteOfDay as Clock = "sleep.from", "22:00", "responder's time", Ours,
        "When sleep hours begin.";
    sleep_until: MinuteOfDay as Clock = "sleep.until", "08:00", "responder's time", Ours,
        "When sleep hours end.";
    backfill_after: Millis as Hours = "backfill.after-hours", "24", "h", Ours,
        "Imported facts that decide a trigger about an instant further back than this page nobody.";
    clear_after_hours: Millis as Hours = "clear-after-hours", "168", "h", Threshold,
        "How long the condition of a window rule must not have held before its trigger clears.";
    ack: Millis as Hours = "ack.hours", "24", "h", Threshold,
        "How long an acknowledgement pauses repeats.";
    escalation_step: Millis as Hours = "escalation.step-hours", "48", "h", Threshold,
        "How long after the level below a level is due.";
    escalation_l4_week: u32 as Count = "escalation.l4-week", "8", "weeks", Threshold,
        "Full weeks of the quarter before which the CTO brief is not due.";
    escalation_l4_pages_per_week: Ratio as Number = "escalation.l4-pages-per-week", "6", "pages/week", Threshold,
        "Present load that the CTO brief about pages needs.";
    escalation_l5_days: u32 as Days = "escalation.l5-days", "21", "days", Threshold,
        "Days before the end of the quarter from which the intervention is due.";
    escalation_l5_engineers: u32 as Count = "escalation.l5-engineers", "2", "engineers", Threshold,
        "Engineers of the function for whom a page rule must still fire at the intervention.";
    escalation_repeat: Vec<Millis> as HoursList = "escalation.repeat-hours", "24,48,72", "h", Ours,
        "When a step that nobody acknowledged is sent again.";
    escalation_same_subject: Millis as Minutes = "escalation.same-subject-minutes", "60", "min", Ours,
        "Steps of one level to one person about one subject within this time are one message.";
}
