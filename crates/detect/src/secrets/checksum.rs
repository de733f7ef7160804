//! Check digits of credentials.

/// GitHub's and npm's: the last six letters are the CRC-32 of what stands before, in base 62.
///
/// A right one proves a token. A wrong one proves nothing: tokens made for tests have none.
pub(super) fn has_crc32_suffix(token: &str) -> bool {
    let Some((_, body)) = token.split_once('_') else {
        return false;
    };
    let Some((body, check)) = body
        .len()
        .checked_sub(6)
        .and_then(|at| body.split_at_checked(at))
    else {
        return false;
    };
    let value = check.bytes().try_fold(0_u64, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'Z' => digit - b'A' + 10,
            b'a'..=b'z' => digit - b'a' + 36,
            _ => return None,
        };
        Some(value * 62 + u64::from(digit))
    });
    value == Some(u64::from(crc32(body.as_bytes())))
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = sum & 1;
            sum >>= 1;
            if carry == 1 {
                sum ^= 0xedb8_8320;
            }
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_suffix_is_checked() {
        // 0xcbf43926 with digits, capitals and small letters.
        assert!(has_crc32_suffix("ghp_1234567893jZRME"));
        assert!(!has_crc32_suffix("ghp_123456789000000"));
        assert!(!has_crc32_suffix("ghp"));
        assert!(!has_crc32_suffix("ghp_12é45"));
    }
}
