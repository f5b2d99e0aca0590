//! Ids, values, time and calendars of Bellwether.
