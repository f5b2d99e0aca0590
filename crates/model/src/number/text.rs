//! Decimal text to scaled integers and back.

/// Reads plain decimal text as a whole number of `10^-scale`, half to even beyond that; `None` for anything else,
/// exponents included, and for what does not fit.
pub(super) fn read_scaled(text: &str, scale: usize) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && fraction.is_empty()) || digits.ends_with('.') {
        return None;
    }
    if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kept = fraction.bytes().chain(std::iter::repeat(b'0')).take(scale);
    let mut value: i128 = 0;
    for byte in whole.bytes().chain(kept) {
        value = value.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
    }
    value += i128::from(rounds_up(fraction.as_bytes().get(scale..).unwrap_or_default(), value % 2 == 1));
    i64::try_from(if negative { -value } else { value }).ok()
}

/// True when the digits that are cut off round the last kept one up: above a half, or a half after an odd digit.
fn rounds_up(cut: &[u8], odd: bool) -> bool {
    match cut.split_first() {
        None => false,
        Some((first, rest)) => match first.cmp(&b'5') {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => odd || rest.iter().any(|digit| *digit != b'0'),
        },
    }
}

/// Writes a whole number of `10^-scale` as decimal text without trailing zeros.
pub(super) fn write_scaled(value: i128, scale: usize) -> String {
    let mut digits = Digits::of(value.unsigned_abs(), scale + 1);
    digits.trim(scale);
    digits.text(value < 0)
}

/// Writes a whole number of `10^-scale` as decimal text with all its places; no sign where it shows as zero.
pub(super) fn write_fixed(negative: bool, value: u128, scale: usize) -> String {
    let mut digits = Digits::of(value, scale + 1);
    digits.places = scale;
    digits.text(negative && value != 0)
}

/// The decimal digits of a number, last place last; so many of them stand behind the point.
struct Digits {
    /// As many as 128 bits can have, and as many zeros before them as a scale may ask for.
    bytes: [u8; Self::MOST],
    first: usize,
    end: usize,
    places: usize,
}

impl Digits {
    const MOST: usize = 64;

    /// At least so many digits.
    fn of(value: u128, least: usize) -> Self {
        let mut bytes = [b'0'; Self::MOST];
        let mut first = Self::MOST;
        let mut wide = value;
        // Division of 64 bits is several times as fast as of 128.
        let mut rest = loop {
            match u64::try_from(wide) {
                Ok(rest) => break rest,
                Err(_) => {
                    first -= 1;
                    bytes[first] += (wide % 10) as u8;
                    wide /= 10;
                }
            }
        };
        while rest > 0 {
            first -= 1;
            bytes[first] += (rest % 10) as u8;
            rest /= 10;
        }
        Self { bytes, first: first.min(Self::MOST - least), end: Self::MOST, places: 0 }
    }

    /// Drops zeros behind the point, of so many places.
    fn trim(&mut self, places: usize) {
        let point = self.end - places;
        while self.end > point && self.bytes[self.end - 1] == b'0' {
            self.end -= 1;
        }
        self.places = self.end - point;
    }

    fn text(&self, negative: bool) -> String {
        let mut text = String::with_capacity(self.end - self.first + 2);
        if negative {
            text.push('-');
        }
        let (whole, fraction) =
            self.bytes[self.first..self.end].split_at(self.end - self.first - self.places);
        text.extend(whole.iter().map(|digit| char::from(*digit)));
        if !fraction.is_empty() {
            text.push('.');
            text.extend(fraction.iter().map(|digit| char::from(*digit)));
        }
        text
    }
}
