use std::time::Duration;

/// LIMIT: a year, so that no sum of times overflows.
const DURATION_MAX: Duration = Duration::from_hours(365 * 24);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DurationError {
    #[error("expected a number and one of `ms`, `s`, `m`, `h`, such as `30s`")]
    Form,
    #[error("expected more than nothing and at most a year")]
    Range,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    #[error("the environment has no variable `{0}`")]
    Unset(String),
    #[error("`${{` has no `}}`")]
    Open,
}

/// `500ms`, `30s`, `15m` or `12h`.
pub(super) fn duration(text: &str) -> Result<Duration, DurationError> {
    let unit_start = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text
        .split_at_checked(unit_start)
        .ok_or(DurationError::Form)?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return Err(DurationError::Form),
    };
    if number.is_empty() {
        return Err(DurationError::Form);
    }
    let number: u64 = number.parse().map_err(|_| DurationError::Range)?;
    let milliseconds = number
        .checked_mul(milliseconds)
        .ok_or(DurationError::Range)?;
    let duration = Duration::from_millis(milliseconds);
    if duration.is_zero() || duration > DURATION_MAX {
        return Err(DurationError::Range);
    }
    Ok(duration)
}

/// Puts variables of the environment in place of `${NAME}`, and `${` in place of `$${`.
pub(in crate::config) fn expand(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, ExpandError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = behind;
            continue;
        }
        let (name, behind) = behind.split_once('}').ok_or(ExpandError::Open)?;
        let variable = environment(name).ok_or_else(|| ExpandError::Unset(name.to_owned()))?;
        expanded.push_str(before);
        expanded.push_str(&variable);
        rest = behind;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        let check = |text: &str, expected| {
            let read = duration(text).map(|duration| duration.as_millis());
            assert_eq!(read, expected, "{text}");
        };
        check("500ms", Ok(500));
        check("30s", Ok(30_000));
        check("15m", Ok(900_000));
        check("12h", Ok(43_200_000));
        check("8760h", Ok(31_536_000_000));
        for form in [
            "", "30", "s", "1d", "1 s", "1.5s", "-1s", "+1s", "1S", "1s ", "1m30s",
        ] {
            check(form, Err(DurationError::Form));
        }
        for range in [
            "0s",
            "8761h",
            "99999999999999999999s",
            "18446744073709551615h",
        ] {
            check(range, Err(DurationError::Range));
        }
    }

    #[test]
    fn variables_stand_for_their_values() {
        let environment = |name: &str| match name {
            "KEY" => Some("s3cret".to_owned()),
            "NESTED" => Some("${KEY}".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let check = |text: &str, expected: Result<&str, ExpandError>| {
            let expected = expected.map(str::to_owned);
            assert_eq!(expand(text, &environment), expected, "{text}");
        };
        check("plain $KEY $ {KEY}", Ok("plain $KEY $ {KEY}"));
        check("Bearer ${KEY}", Ok("Bearer s3cret"));
        check("${KEY}${EMPTY}-${KEY}", Ok("s3cret-s3cret"));
        check("${NESTED}", Ok("${KEY}"));
        check("$${KEY} $$", Ok("${KEY} $$"));
        check("${OTHER}", Err(ExpandError::Unset("OTHER".to_owned())));
        check("${}", Err(ExpandError::Unset(String::new())));
        check("${KEY", Err(ExpandError::Open));
    }
}
