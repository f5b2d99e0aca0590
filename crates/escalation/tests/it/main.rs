//! The escalator from outside: readings, the state table, and laws.

mod support;

mod commands;
mod laws;
mod policies;
mod r70_clock;
mod r71_late;
mod r72_guards;
mod r73_repeats;
mod r74_resolve;
mod r75_people;
mod r76_hours;
mod state;
mod table;
