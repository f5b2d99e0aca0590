//! Takes known names, addresses and ids of people out of text that somebody typed.
//!
//! Titles of key results, sprints, systems and the like are typed by people and name people. A text is cut into words
//! (runs of letters and digits, case and accents folded) and looked up against every word sequence that identifies a
//! known person: the full name, each part of it, the parts run together, the e-mail address and its local part, outside
//! ids and the person id. What is not a known person's cannot be found; nothing here guesses.
//!
//! Deliberate limits: a name of one letter, a particle such as `van`, and an id of fewer than six digits alone are not
//! looked for, because they would empty titles of their numbers and words; a part of two letters counts only as
//! written in the name.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// What stands where something was taken out.
pub const TAKEN_OUT: &str = "[name]";

/// Parts of names that are words of their own in titles.
const PARTICLES: &[&str] = &[
    "al", "af", "av", "bin", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "e",
    "el", "ibn", "la", "le", "of", "ten", "ter", "the", "van", "von", "y", "zu", "zum",
];

/// Fewest digits of an id that is looked for though it has no letter.
const DIGITS_MIN: usize = 6;

/// What identifies a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handle<'a> {
    /// A full name.
    Name(&'a str),
    /// An e-mail address.
    Email(&'a str),
    /// An id, ours or another system's.
    Id(&'a str),
}

/// A word sequence that identifies people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Needle {
    /// Folded words.
    words: Vec<String>,
    /// For a single short word: as it must be written.
    exactly: Option<String>,
}

/// Every known way to name a person.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scrubber {
    /// By first word, then the needle, whom it names.
    needles: BTreeMap<String, BTreeMap<Needle, BTreeSet<String>>>,
    /// Needles in scripts without spaces, which are looked for inside of words.
    inside: BTreeMap<String, BTreeSet<String>>,
}

impl Scrubber {
    /// Learns that a handle names a person.
    pub(crate) fn learn(&mut self, person: &str, handle: Handle<'_>) {
        match handle {
            Handle::Name(name) => {
                let parts = words(name);
                let run_together: String = parts.iter().map(|word| word.folded.as_str()).collect();
                self.add(person, &parts, None);
                if parts.len() > 1 {
                    self.add_text(person, &run_together);
                    for part in &parts {
                        self.add_part(person, part);
                    }
                    if let ([first, ..], [.., last]) = (&parts[..], &parts[..]) {
                        self.add_text(person, &format!("{}{}", first.folded, last.folded));
                    }
                }
            }
            Handle::Email(email) => {
                self.add(person, &words(email), None);
                if let Some((local, _)) = email.split_once('@') {
                    self.add(person, &words(local), None);
                }
            }
            Handle::Id(id) => self.add(person, &words(id), None),
        }
    }

    /// Forgets a person.
    pub(crate) fn forget(&mut self, person: &str) {
        for needles in self.needles.values_mut() {
            for people in needles.values_mut() {
                people.remove(person);
            }
            needles.retain(|_, people| !people.is_empty());
        }
        self.needles.retain(|_, needles| !needles.is_empty());
        for people in self.inside.values_mut() {
            people.remove(person);
        }
        self.inside.retain(|_, people| !people.is_empty());
    }

    /// The text without the handles of anybody but `allowed`.
    pub(crate) fn scrub(&self, text: &str, allowed: Option<&str>) -> String {
        let found = words(text);
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        let mut place = 0;
        while place < found.len() {
            let taken = self.longest_at(&found[place..], allowed);
            if taken == 0 {
                place += 1;
                continue;
            }
            out.push_str(&text[copied..found[place].from]);
            out.push_str(TAKEN_OUT);
            copied = found[place + taken - 1].to;
            place += taken;
        }
        out.push_str(&text[copied..]);
        self.scrub_inside(out, allowed)
    }

    /// How many of the words, from the first, name somebody else than `allowed`.
    fn longest_at(&self, found: &[Word<'_>], allowed: Option<&str>) -> usize {
        let Some(needles) = found.first().and_then(|word| self.needles.get(&word.folded)) else { return 0 };
        needles
            .iter()
            .filter(|(_, people)| forbidden(people, allowed))
            .filter(|(needle, _)| needle.is_prefix_of(found))
            .map(|(needle, _)| needle.words.len())
            .max()
            .unwrap_or(0)
    }

    fn scrub_inside(&self, mut text: String, allowed: Option<&str>) -> String {
        for (needle, people) in self.inside.iter().rev() {
            if forbidden(people, allowed) && text.contains(needle.as_str()) {
                text = text.replace(needle.as_str(), TAKEN_OUT);
            }
        }
        text
    }

    fn add_part(&mut self, person: &str, part: &Word<'_>) {
        let particle = part.raw.chars().all(char::is_lowercase) && PARTICLES.contains(&part.folded.as_str());
        if particle {
            return;
        }
        let short = part.folded.chars().count() == 2;
        self.add(person, std::slice::from_ref(part), short.then(|| part.raw.to_owned()));
    }

    fn add_text(&mut self, person: &str, text: &str) {
        self.add(person, &words(text), None);
    }

    fn add(&mut self, person: &str, sequence: &[Word<'_>], exactly: Option<String>) {
        let folded: Vec<String> = sequence.iter().map(|word| word.folded.clone()).collect();
        let letters: usize = folded.iter().flat_map(|word| word.chars()).filter(|c| !c.is_numeric()).count();
        let characters: usize = folded.iter().map(|word| word.chars().count()).sum();
        if let [only] = sequence
            && only.raw.chars().any(is_unspaced)
        {
            let people = self.inside.entry(only.raw.to_owned()).or_default();
            people.insert(person.to_owned());
            return;
        }
        let exactly = exactly.or_else(|| match sequence {
            [only] if characters == 2 => Some(only.raw.to_owned()),
            _ => None,
        });
        if characters < 2 || (letters == 0 && characters < DIGITS_MIN) {
            return;
        }
        let Some(first) = folded.first().cloned() else { return };
        let needle = Needle { words: folded, exactly };
        self.needles.entry(first).or_default().entry(needle).or_default().insert(person.to_owned());
    }
}

impl Needle {
    fn is_prefix_of(&self, found: &[Word<'_>]) -> bool {
        let matches = self.words.len() <= found.len()
            && self.words.iter().zip(found).all(|(needle, word)| *needle == word.folded);
        matches && self.exactly.as_deref().is_none_or(|exactly| found[0].raw == exactly)
    }
}

/// True when somebody else than `allowed` is meant: a name that two people share is allowed for one of them.
fn forbidden(people: &BTreeSet<String>, allowed: Option<&str>) -> bool {
    allowed.is_none_or(|person| !people.contains(person))
}

/// A run of letters and digits.
#[derive(Debug, Clone)]
struct Word<'a> {
    raw: &'a str,
    folded: String,
    from: usize,
    to: usize,
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let mut from = None;
    for (place, character) in text.char_indices() {
        let inside = character.is_alphanumeric() || is_combining_mark(character);
        match (inside, from) {
            (true, None) => from = Some(place),
            (false, Some(start)) => {
                found.push(word(text, start, place));
                from = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    if let Some(start) = from {
        found.push(word(text, start, text.len()));
    }
    found
}

fn word(text: &str, from: usize, to: usize) -> Word<'_> {
    let raw = &text[from..to];
    Word { raw, folded: fold(raw), from, to }
}

/// Lower case, without accents: `José` and `JOSE` are one.
fn fold(raw: &str) -> String {
    if raw.is_ascii() {
        return raw.to_ascii_lowercase();
    }
    raw.nfkd().filter(|character| !is_combining_mark(*character)).flat_map(char::to_lowercase).collect()
}

/// True for scripts that write words without spaces between them.
fn is_unspaced(character: char) -> bool {
    matches!(character,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn scrubber() -> Scrubber {
        let mut scrubber = Scrubber::default();
        for (person, name, email, id) in [
            ("p-ana", "Ana Souza", "ana.souza@acme.test", "557058:0f3a-77"),
            ("p-jose", "José van der Berg", "jvdb@acme.test", "PZ3K9QX"),
            ("p-bo", "Bo Li", "b.li@acme.test", "90210417"),
            ("p-tanaka", "田中太郎", "tanaka@acme.test", "42"),
        ] {
            scrubber.learn(person, Handle::Id(person));
            scrubber.learn(person, Handle::Name(name));
            scrubber.learn(person, Handle::Email(email));
            scrubber.learn(person, Handle::Id(id));
        }
        scrubber
    }

    #[rstest]
    #[case("Ana Souza's migration", "[name]'s migration")]
    #[case("move ANA off the rota", "move [name] off the rota")]
    #[case("ask souza/ana_souza/AnaSouza", "ask [name]/[name]/[name]")]
    #[case("mail ana.souza@acme.test.", "mail [name].")]
    #[case("@ana.souza please", "@[name] please")]
    #[case("Jose and José and JOSE\u{301}", "[name] and [name] and [name]")]
    #[case("the van der Berg fix", "the van der [name] fix")]
    #[case("José van der Berg", "[name]")]
    #[case("account 557058:0F3A-77 in Jira", "account [name] in Jira")]
    #[case("user PZ3K9QX", "user [name]")]
    #[case("p-ana", "[name]")]
    #[case("Bo leads; bo knows; BO too", "[name] leads; bo knows; BO too")]
    #[case("id 90210417, not 902104170", "id [name], not 902104170")]
    #[case("田中太郎の移行", "[name]の移行")]
    fn a_known_person_is_taken_out(#[case] typed: &str, #[case] expected: &str) {
        assert_eq!(scrubber().scrub(typed, None), expected);
    }

    #[rstest]
    #[case("reach 42 NPS from 17")]
    #[case("anagram of banana")]
    #[case("van and der")]
    #[case("")]
    fn other_text_stays(#[case] typed: &str) {
        assert_eq!(scrubber().scrub(typed, None), typed);
    }

    #[test]
    fn the_person_a_reader_may_know_stays_and_nobody_else() {
        let text = "Ana Souza hands over to Bo Li";
        assert_eq!(scrubber().scrub(text, Some("p-ana")), "Ana Souza hands over to [name]");
    }

    #[test]
    fn a_forgotten_person_leaves_nothing_behind() {
        let mut scrubber = scrubber();
        for person in ["p-ana", "p-jose", "p-bo", "p-tanaka"] {
            scrubber.forget(person);
        }
        assert!(scrubber.needles.is_empty() && scrubber.inside.is_empty());
    }
}
