//! The pure folds of routing and of squads: ledgers, windows, rules.
