//! A message: what a step says, in parts that every channel can lay out its own way.
//!
//! It holds only what its reader may see. Text from people in it is on one line and free of control characters.

use serde::Serialize;

/// Width at which text for terminals and mail is wrapped.
const TEXT_WIDTH: usize = 100;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Message {
    /// One line that says what happened, for a subject or a notification.
    pub title: String,
    /// One or two sentences: what, where, since when.
    pub summary: String,
    /// The rest, in order.
    pub sections: Vec<Section>,
    /// Where it comes from and what it answers to.
    pub footer: String,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// What it is about.
    pub heading: String,
    /// Its lines.
    pub lines: Vec<String>,
}

impl Message {
    /// Adds a section; one without lines is left out.
    pub(crate) fn section(&mut self, heading: &str, lines: Vec<String>) {
        if !lines.is_empty() {
            self.sections.push(Section { heading: heading.to_owned(), lines });
        }
    }

    /// The message as plain text, ending with a line feed.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        push_wrapped(&mut text, "", &self.title);
        push_wrapped(&mut text, "", &self.summary);
        for section in &self.sections {
            text.push('\n');
            push_wrapped(&mut text, "", &section.heading);
            for line in &section.lines {
                push_wrapped(&mut text, "- ", line);
            }
        }
        if !self.footer.is_empty() {
            text.push('\n');
            push_wrapped(&mut text, "", &self.footer);
        }
        text
    }
}

/// Adds a paragraph under a bullet, broken between words.
fn push_wrapped(text: &mut String, bullet: &str, paragraph: &str) {
    let indent = " ".repeat(bullet.len());
    let mut line = bullet.to_owned();
    for word in paragraph.split_whitespace() {
        let begins = line.chars().count() == bullet.len();
        if !begins && line.chars().count() + 1 + word.chars().count() > TEXT_WIDTH {
            text.push_str(&line);
            text.push('\n');
            line.clone_from(&indent);
            line.push_str(word);
            continue;
        }
        if !begins {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.trim().is_empty() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_between_words_and_indented_under_its_bullet() {
        let mut message =
            Message { title: "Title".into(), summary: "word ".repeat(30), ..Message::default() };
        message.section("Heading", vec!["long ".repeat(25)]);
        message.section("Empty", vec![]);
        message.footer = "end".into();
        insta::assert_snapshot!(message.to_text());
    }
}
