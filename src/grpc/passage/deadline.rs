//! The deadline that a client gives: `grpc-timeout`, at most eight digits and a unit.

use std::time::Duration;

use tonic::codegen::http::HeaderMap;

/// How long the client waits; none: it does not say, or not in a way that means something.
pub(super) fn of(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount.saturating_mul(3600))),
        "M" => Some(Duration::from_secs(amount.saturating_mul(60))),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<Duration>) {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", text.parse().unwrap());
        assert_eq!(of(&headers), expect, "{text}");
    }

    #[test]
    fn a_deadline_is_eight_digits_and_a_unit() {
        check("1S", Some(Duration::from_secs(1)));
        check("99999999H", Some(Duration::from_secs(359_999_996_400)));
        check("2M", Some(Duration::from_secs(120)));
        check("250m", Some(Duration::from_millis(250)));
        check("7u", Some(Duration::from_micros(7)));
        check("0n", Some(Duration::ZERO));
        for wrong in ["", "S", "1", "1s", "+1S", "-1S", "1.5S", "123456789S", " 1S"] {
            check(wrong, None);
        }
        assert_eq!(of(&HeaderMap::new()), None);
    }
}
