//! Whole numbers as clients write them.

/// The number that is written in digits alone: without a sign or leading zeros, so that each has one form. Rust's own parser takes
/// `+5` and `05`.
pub fn whole_number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::whole_number;

    #[test]
    fn a_number_has_one_form() {
        assert_eq!(whole_number("0"), Some(0));
        assert_eq!(whole_number("18446744073709551615"), Some(u64::MAX));
        for other in ["", "+5", "-1", "05", "00", " 5", "5 ", "5.0", "1e2", "\u{0665}", "18446744073709551616"] {
            assert_eq!(whole_number(other), None, "{other:?}");
        }
    }
}
