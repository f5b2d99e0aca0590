//! Texts that come again and again - squads, sprints, sources, services - share one allocation.
//!
//! Only memory depends on it: a text that is not known is a new one. What repeats seldom does not belong here; the bound
//! keeps the rest from growing. Where texts are kept by the million and compared again and again they go by number
//! ([`Numbered`]): numbers are given as texts come, order nothing and are never written.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::id_map::{IdMap, IdSet};

/// Texts kept; an organisation has fewer squads, sprints and services under way.
const MOST: usize = 65_536;

/// Texts seen lately.
#[derive(Debug, Default, Clone)]
pub(crate) struct Texts(IdSet<Arc<str>>);

impl Texts {
    /// The one copy of a text.
    pub(crate) fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        if self.0.len() >= MOST {
            self.0.clear();
        }
        let new: Arc<str> = text.into();
        self.0.insert(new.clone());
        new
    }
}

/// The number of a text: equal for equal texts, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TextNo(NonZeroU32);

/// Texts by number, for an owner that knows which of them it still needs.
#[derive(Debug, Default, Clone)]
pub(crate) struct Numbered {
    numbers: IdMap<Arc<str>, TextNo>,
    /// By number; empty where a text was forgotten.
    texts: Vec<Arc<str>>,
    free: Vec<TextNo>,
}

impl Numbered {
    /// The number of a text that is known.
    pub(crate) fn find(&self, text: &str) -> Option<TextNo> {
        self.numbers.get(text).copied()
    }

    /// The number of a text, which gets one now at the latest.
    pub(crate) fn number(&mut self, text: &str) -> TextNo {
        if let Some(known) = self.find(text) {
            return known;
        }
        let new: Arc<str> = text.into();
        let number = match self.free.pop() {
            Some(number) => {
                self.texts[number.index()] = new.clone();
                number
            }
            None => {
                self.texts.push(new.clone());
                let count = u32::try_from(self.texts.len()).ok().and_then(NonZeroU32::new);
                TextNo(count.expect("fewer than four billion texts"))
            }
        };
        self.numbers.insert(new, number);
        number
    }

    /// The same for a text that may be empty, which means none.
    pub(crate) fn number_unless_empty(&mut self, text: &str) -> Option<TextNo> {
        (!text.is_empty()).then(|| self.number(text))
    }

    /// The text of a number.
    pub(crate) fn text(&self, number: TextNo) -> &Arc<str> {
        &self.texts[number.index()]
    }

    /// Forgets every text but those used; true when there was such a text: its number may become another's.
    pub(crate) fn keep_only(&mut self, used: impl Iterator<Item = TextNo>) -> bool {
        let mut is_used = vec![false; self.texts.len()];
        for number in used {
            is_used[number.index()] = true;
        }
        let Self { numbers, texts, free } = self;
        let before = numbers.len();
        numbers.retain(|_, number| {
            let stays = is_used[number.index()];
            if !stays {
                texts[number.index()] = Arc::default();
            }
            stays
        });
        if numbers.len() < before {
            // In order of number, so that numbers are the same in every run.
            let all = (1..).map_while(NonZeroU32::new).take(texts.len()).map(TextNo);
            *free = all.filter(|number| !is_used[number.index()]).collect();
        }
        numbers.len() < before
    }
}

impl TextNo {
    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_for_one_text_until_it_is_forgotten() {
        let mut texts = Numbered::default();
        let (a, b) = (texts.number("a"), texts.number("b"));
        assert_eq!((texts.number("a"), texts.find("c"), texts.number_unless_empty("")), (a, None, None));
        assert_eq!((&**texts.text(a), &**texts.text(b)), ("a", "b"));
        assert!(!texts.keep_only([a, b].into_iter()));
        assert!(texts.keep_only([b, b].into_iter()));
        assert_eq!(texts.find("a"), None);
        assert_eq!((texts.number("c"), texts.find("b")), (a, Some(b)));
        assert_ne!(texts.number("a"), a);
    }

    #[test]
    fn a_text_is_kept_once_and_their_number_is_bounded() {
        let mut texts = Texts::default();
        let first = texts.share("squad");
        assert!(Arc::ptr_eq(&first, &texts.share("squad")));
        for n in 0..MOST {
            texts.share(&n.to_string());
        }
        assert!(texts.0.len() <= MOST);
        assert_eq!(texts.share("squad"), first);
    }
}
