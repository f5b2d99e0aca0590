//! Texts that come again and again - squads, sprints, sources, services - share one allocation.
//!
//! Only memory depends on it: a text that is not known is a new one. What repeats seldom does not belong here; the bound
//! keeps the rest from growing.

use std::sync::Arc;

use crate::id_map::IdSet;

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

#[cfg(test)]
mod tests {
    use super::*;

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
