//! Costs of the customer's own model, with the formula beside each figure. Nothing is assumed: without the parameter
//! there is no figure.

use bellwether_model::Decimal;

use super::reach::Reach;
use super::view::{Cost, Seen, ThinSystem};

/// Parameter: what replacing an engineer costs.
pub const REPLACEMENT: &str = "replacement-cost-per-engineer";
/// Parameter: loaded cost of an engineer for a week.
pub const ENGINEER_WEEK: &str = "engineer-week-cost";
/// Parameter: weeks it takes to train one responder for one system.
pub const TRAINING_WEEKS: &str = "training-weeks-per-system";
/// Parameter: currency of the amounts.
pub const CURRENCY: &str = "currency";

const NO_REPLACEMENT: &str = "the cost model has no `replacement-cost-per-engineer`";
const NO_TRAINING: &str = "the cost model has no `engineer-week-cost` or no `training-weeks-per-system`";

/// What replacing the individual would cost.
pub(super) fn replacement(reach: &Reach<'_>) -> Seen<Cost> {
    match parameter(reach, REPLACEMENT) {
        Some(cost) => Seen::Shown(Cost {
            amount: amount(reach, cost),
            formula: format!("1 engineer x {} ({REPLACEMENT})", grouped(cost)),
        }),
        None => Seen::Unknown(NO_REPLACEMENT),
    }
}

/// What training one more responder for each thin system would cost.
pub(super) fn training(reach: &Reach<'_>, thin: &Seen<Vec<ThinSystem>>) -> Seen<Cost> {
    let (Some(week), Some(weeks)) = (parameter(reach, ENGINEER_WEEK), parameter(reach, TRAINING_WEEKS))
    else {
        return Seen::Unknown(NO_TRAINING);
    };
    let systems = match thin {
        Seen::Shown(systems) => systems.len(),
        Seen::Withheld => return Seen::Withheld,
        Seen::Unknown(why) => return Seen::Unknown(why),
    };
    let millionths = i128::try_from(systems)
        .unwrap_or(0)
        .saturating_mul(i128::from(weeks.millionths()))
        .saturating_mul(i128::from(week.millionths()));
    let total = millionths / 1_000_000;
    let total = Decimal::from_millionths(i64::try_from(total).unwrap_or(i64::MAX));
    Seen::Shown(Cost {
        amount: amount(reach, total),
        formula: format!(
            "{systems} systems x {} weeks ({TRAINING_WEEKS}) x {} ({ENGINEER_WEEK})",
            grouped(weeks),
            grouped(week)
        ),
    })
}

fn parameter(reach: &Reach<'_>, name: &str) -> Option<Decimal> {
    Decimal::parse(reach.directory.cost_parameter(name, reach.at)?).ok()
}

fn amount(reach: &Reach<'_>, value: Decimal) -> String {
    let currency = reach.directory.cost_parameter(CURRENCY, reach.at).unwrap_or_default();
    let amount = grouped(value);
    if currency.is_empty() { amount } else { format!("{amount} {}", reach.typed(currency)) }
}

/// A decimal with its thousands apart and no more than two places: `480,000`, `57,600.5`.
fn grouped(value: Decimal) -> String {
    let hundredths = value.millionths() / 10_000;
    let (whole, rest) = (hundredths.abs() / 100, hundredths.abs() % 100);
    let digits = whole.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if rest != 0 {
        text.push_str(format!(".{rest:02}").trim_end_matches('0'));
    }
    if hundredths < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_their_thousands_apart() {
        let shown = |text| grouped(Decimal::parse(text).unwrap());
        assert_eq!(shown("480000"), "480,000");
        assert_eq!(shown("57600.5"), "57,600.5");
        assert_eq!(shown("999"), "999");
        assert_eq!(shown("-1234567.891"), "-1,234,567.89");
    }
}
