//! Text for people: one line, no control characters, counts that agree with their noun, instants in a zone.

use bellwether_model::{EventTime, Zone};

/// Longest text from outside on one line, in characters: a title longer than this is no title.
const TYPED_MAX: usize = 160;

/// Text that somebody typed, made safe to print: one line, bounded, without characters that steer a terminal or turn
/// the direction of what follows.
pub(crate) fn tidy(typed: &str) -> String {
    let mut line = String::new();
    let mut length = 0;
    let mut gap = false;
    for character in typed.chars() {
        if character.is_whitespace() || character.is_control() {
            gap = true;
            continue;
        }
        if is_steering(character) {
            continue;
        }
        if length >= TYPED_MAX {
            line.push('…');
            break;
        }
        if gap && !line.is_empty() {
            line.push(' ');
            length += 1;
        }
        gap = false;
        line.push(character);
        length += 1;
    }
    line
}

/// Invisible characters that change how others are shown: marks of direction, joiners of tags, the byte-order mark.
fn is_steering(character: char) -> bool {
    matches!(character,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}')
}

/// `1 page`, `2 pages`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Day and time of an instant in a zone: `2026-03-02 17:00 Europe/Berlin`.
pub(crate) fn moment(at: EventTime, zone: Zone) -> String {
    let minute = zone.local_minute(at);
    format!("{} {:02}:{:02} {}", zone.local_day(at), minute / 60, minute % 60, zone.name())
}

/// The day of an instant in a zone: `2026-03-02`.
pub(crate) fn day(at: EventTime, zone: Zone) -> String {
    zone.local_day(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_text_is_one_bounded_line_that_steers_nothing() {
        assert_eq!(tidy("  a\tb\r\n c  "), "a b c");
        assert_eq!(tidy("red \u{1b}[31malert"), "red [31malert");
        assert_eq!(tidy("\u{202e}txt.exe\u{200b}"), "txt.exe");
        assert_eq!(tidy(&"x".repeat(500)).chars().count(), 161);
    }

    #[test]
    fn lists_and_counts_read_as_english() {
        let items: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
        assert_eq!(list(&items), "a, b and c");
        assert_eq!(list(&items[..2]), "a and b");
        assert_eq!(count(1, "page", "pages"), "1 page");
        assert_eq!(count(0, "page", "pages"), "0 pages");
    }
}
