//! Keys of tickets in what people write: titles, branches, descriptions.

/// Keys such as `SHOP-12` in a text, each once, in the order of the text.
pub(super) fn of_text(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || "-_".contains(letter)));
    for word in words {
        // `PAY-12-and-PAY-13`, `PAY-12_fix`: each number ends a key.
        let parts: Vec<&str> = word.split('-').collect();
        for pair in parts.windows(2) {
            let [project, rest] = pair else { continue };
            let digits = rest.split('_').next().unwrap_or_default();
            let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
            // `FIX_PAY-12` may be of a project with an underscore, or not: a key that is no ticket's does no harm.
            let last = project.rsplit('_').next().unwrap_or(project);
            for project in if last == *project { vec![last] } else { vec![*project, last] } {
                let key = format!("{project}-{digits}");
                if is_number && is_project(project) && !found.contains(&key) {
                    found.push(key);
                }
            }
        }
    }
    found
}

/// Keys in the name of a branch or a tag, where many write them in lower case.
pub(super) fn of_ref(name: &str) -> Vec<String> {
    of_text(&name.to_ascii_uppercase())
}

fn is_project(word: &str) -> bool {
    word.len() > 1
        && word.starts_with(|letter: char| letter.is_ascii_uppercase())
        && word.bytes().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_where_people_put_them() {
        for (text, keys) in [
            ("PAY-12: refunds (and PAY-13)", vec!["PAY-12", "PAY-13"]),
            ("[SHOP_EU-7] x, SHOP_EU-7 again", vec!["SHOP_EU-7", "EU-7"]),
            ("Merge branch 'PAY-12-fix' into main", vec!["PAY-12"]),
            ("pay-12 is no key in a sentence, nor is x-ray or T-1", vec![]),
        ] {
            assert_eq!(of_text(text), keys, "{text}");
        }
        assert_eq!(of_ref("feature/pay-12_refunds"), ["PAY-12"]);
        assert_eq!(of_ref("fix_pay-12"), ["FIX_PAY-12", "PAY-12"]);
        assert_eq!(of_ref("bob/pay-12-and-pay-13"), ["PAY-12", "PAY-13"]);
    }
}
