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
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}
