//! What it costs, by the user's own parameters, with the formula beside each figure.
//!
//! Nothing is assumed: without its parameters a line has no figure and says which are missing. Where a line can be read
//! in two ways - by the year and by the quarter, as recomputed and as published - both are told.

use std::collections::BTreeMap;

use bellwether_model::{Decimal, Ratio};
use serde::Serialize;

/// Parameter: currency of the amounts.
pub(crate) const CURRENCY: &str = "currency";

/// Quarters of a year.
const QUARTERS: i64 = 4;

/// How a figure is made of parameters: all multiplied, then divided.
struct Model {
    line: &'static str,
    factors: &'static [&'static str],
    divisor: i64,
    /// Figure somebody published for the line, told beside what the parameters give.
    published: &'static str,
}

/// The lines.
const MODELS: [Model; 6] = [
    Model {
        line: "on-call attrition",
        factors: &["leavers-per-year", "replacement-cost-per-engineer"],
        divisor: 1,
        published: "published-on-call-attrition",
    },
    Model {
        line: "reallocated platform capacity",
        factors: &["platform-engineers", "engineer-year-cost", "reallocated-share"],
        divisor: 1,
        published: "published-reallocated-capacity",
    },
    Model {
        line: "incidents from deferred work",
        factors: &["deferred-work-incidents-per-year", "cost-per-incident"],
        divisor: 1,
        published: "published-deferred-work",
    },
    Model {
        line: "sprint re-plans",
        factors: &["squads", "replans-per-squad-per-year", "hours-per-replan", "engineer-hour-cost"],
        divisor: 1,
        published: "published-replans",
    },
    Model {
        line: "slow builds",
        factors: &["engineers", "build-wait-minutes-per-day", "working-days-per-year", "engineer-hour-cost"],
        // Minutes of an hour.
        divisor: 60,
        published: "published-slow-builds",
    },
    Model {
        line: "toil",
        factors: &["toil-hours-per-week", "working-weeks-per-year", "engineer-hour-cost"],
        divisor: 1,
        published: "published-toil",
    },
];

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct CostLine {
    /// What it is for.
    pub line: &'static str,
    /// A year of it.
    pub per_year: Option<String>,
    /// A quarter of it.
    pub per_quarter: Option<String>,
    /// What was published instead, where it differs.
    pub published: Option<String>,
    /// How it is computed, with the numbers in it; or which parameters are missing.
    pub formula: String,
}

/// Why a parameter cannot be; `None` when it can.
pub(crate) fn refused(key: &str, value: &str) -> Option<&'static str> {
    if key == CURRENCY {
        return None;
    }
    let is_known = MODELS.iter().any(|model| model.factors.contains(&key) || model.published == key);
    if !is_known {
        return Some("there is no such parameter");
    }
    match Decimal::parse(value) {
        Ok(number) if number.millionths() >= 0 => None,
        Ok(_) | Err(_) => Some("a parameter is a number, and not below 0"),
    }
}

/// Every parameter.
pub(crate) fn parameters() -> String {
    let mut known: Vec<&str> =
        MODELS.iter().flat_map(|model| model.factors.iter().chain([&model.published])).copied().collect();
    known.push(CURRENCY);
    known.sort_unstable();
    known.dedup();
    known.join(", ")
}

/// The lines; none when there are no parameters at all.
pub(super) fn lines(parameters: &BTreeMap<String, String>) -> Vec<CostLine> {
    if parameters.is_empty() {
        return Vec::new();
    }
    let value = |key: &str| Some(Ratio::from(Decimal::parse(parameters.get(key)?).ok()?));
    let currency = parameters.get(CURRENCY).map_or("", String::as_str);
    let shown = |amount: Ratio| format!("{} {currency}", grouped(amount)).trim_end().to_owned();
    let line = |model: &Model| {
        let missing: Vec<&str> =
            model.factors.iter().filter(|factor| value(factor).is_none()).copied().collect();
        let product = model
            .factors
            .iter()
            .try_fold(Ratio::int(1), |product, factor| product.checked_mul(value(factor)?));
        let year = product.and_then(|product| product.checked_div(Ratio::int(model.divisor)));
        let published = value(model.published).filter(|published| Some(*published) != year);
        let formula = if missing.is_empty() {
            let mut parts: Vec<String> = model
                .factors
                .iter()
                .filter_map(|factor| Some(format!("{} ({factor})", value(factor)?.exact())))
                .collect();
            if model.divisor != 1 {
                let last = parts.pop().unwrap_or_default();
                parts.push(format!("{last} / {}", model.divisor));
            }
            let amount = year.map_or_else(|| "too large".to_owned(), shown);
            format!("{} = {amount} a year", parts.join(" x "))
        } else {
            format!("not computed, missing: {}", missing.join(", "))
        };
        CostLine {
            line: model.line,
            per_year: year.map(shown),
            per_quarter: year.and_then(|year| year.checked_div(Ratio::int(QUARTERS))).map(shown),
            published: published.map(shown),
            formula,
        }
    };
    MODELS.iter().map(line).collect()
}

/// An amount without fractions, its thousands apart.
fn grouped(amount: Ratio) -> String {
    let digits = amount.round_half_even(0);
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that is shipped.
    fn example() -> BTreeMap<String, String> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/cost-model.toml");
        let text = std::fs::read_to_string(path).expect("the example");
        let file: toml::Table = toml::from_str(&text).expect("TOML");
        let table = file["cost-model"].as_table().expect("a table");
        table.iter().map(|(key, value)| (key.clone(), crate::config::plain(value))).collect()
    }

    #[test]
    fn the_shipped_example_reproduces_the_reference_scenario() {
        let told = lines(&example());
        let figures: Vec<_> = told
            .iter()
            .map(|line| (line.per_year.as_deref(), line.per_quarter.as_deref(), line.published.as_deref()))
            .collect();
        assert_eq!(
            figures,
            [
                (Some("960,000 USD"), Some("240,000 USD"), None),
                (Some("216,000 USD"), Some("54,000 USD"), None),
                (Some("540,000 USD"), Some("135,000 USD"), None),
                (Some("57,600 USD"), Some("14,400 USD"), None),
                (Some("432,000 USD"), Some("108,000 USD"), Some("130,000 USD")),
                (Some("187,500 USD"), Some("46,875 USD"), None),
            ]
        );
        assert_eq!(
            told[4].formula,
            "120 (engineers) x 9 (build-wait-minutes-per-day) x 240 (working-days-per-year) x 100 \
             (engineer-hour-cost) / 60 = 432,000 USD a year"
        );
    }

    #[test]
    fn a_line_without_its_parameters_has_no_figure_and_says_which_are_missing() {
        assert!(lines(&BTreeMap::new()).is_empty());
        let told = lines(&BTreeMap::from([("squads".to_owned(), "12".to_owned())]));
        assert_eq!(told[3].per_year, None);
        assert_eq!(
            told[3].formula,
            "not computed, missing: replans-per-squad-per-year, hours-per-replan, engineer-hour-cost"
        );
    }

    #[test]
    fn a_parameter_that_cannot_be_is_refused() {
        assert_eq!(refused("squads", "12"), None);
        assert!(refused("squads", "-1").is_some() && refused("squads", "many").is_some());
        assert!(refused("sqads", "12").is_some());
    }
}
