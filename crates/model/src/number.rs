//! Exact numbers: sprint points, key-result values and ratios.
//!
//! Comparisons decide on these and on nothing that rounds. A float may come in at the border and go out to a chart,
//! never in between. Rounding, where people read, is half to even (R13).

mod decimal;
mod points;
mod ratio;
mod text;

pub use decimal::Decimal;
pub use points::Points;
pub use ratio::Ratio;
