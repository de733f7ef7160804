//! What looks like a credential and is none.

/// Shannon entropy for each byte, in hundredths of a bit.
///
/// Computed on integers, so that it is the same on any machine.
pub(super) fn entropy_centibits(text: &str) -> u32 {
    let mut counts = [0_u64; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = text.len() as u64;
    if total == 0 {
        return 0;
    }
    let weighted: u64 = counts
        .into_iter()
        .filter(|count| *count > 0)
        .map(|count| count * log2_centibits(count))
        .sum();
    let entropy = log2_centibits(total).saturating_sub(weighted / total);
    u32::try_from(entropy).unwrap_or(u32::MAX)
}

/// The entropy that a random text of this length has at least: a short one of all different bytes
/// has little.
pub(super) fn entropy_of_length(text: &str) -> u32 {
    const REPEATS_CENTIBITS: u64 = 60;
    let most = log2_centibits(text.len() as u64);
    u32::try_from(most.saturating_sub(REPEATS_CENTIBITS)).unwrap_or(u32::MAX)
}

/// The binary logarithm in hundredths, by repeated squaring.
fn log2_centibits(number: u64) -> u64 {
    let Some(whole) = number.checked_ilog2() else {
        return 0;
    };
    // The number between 1 and 2, with 30 bits behind the point.
    let mut rest = (u128::from(number) << 30) >> whole;
    let mut fraction = 0_u64;
    for _ in 0..14 {
        rest = (rest * rest) >> 30;
        fraction <<= 1;
        if rest >= 2 << 30 {
            rest >>= 1;
            fraction |= 1;
        }
    }
    u64::from(whole) * 100 + ((fraction * 100) >> 14)
}

/// Words that stand in examples where a credential would.
const PLACEHOLDERS: [&str; 26] = [
    "example",
    "placeholder",
    "changeme",
    "change_me",
    "replace",
    "your_",
    "your-",
    "yourapi",
    "yourtoken",
    "yoursecret",
    "my_secret",
    "dummy",
    "redacted",
    "xxxx",
    "****",
    "...",
    "fake",
    "notareal",
    "test_token",
    "test-token",
    "insert",
    "<",
    "${",
    "{{",
    "%s",
    "todo",
];

/// Names of values that anyone may know.
const PUBLIC: [&str; 27] = [
    "page_token",
    "pagetoken",
    "page-token",
    "next_token",
    "nexttoken",
    "continuation",
    "cursor",
    "public_key",
    "publickey",
    "public key",
    "public-key",
    "publishable",
    "csrf",
    "authenticity",
    "apiversion",
    "api_version",
    "secretname",
    "sitekey",
    "site_key",
    "_hash",
    "-hash",
    "passwordhash",
    "password hash",
    "commit",
    "revision",
    "sha:",
    "sha=",
];

/// Keys that a manual or an emulator publishes: the same for everyone.
const PUBLISHED: [&str; 8] = [
    // The storage of Azurite, and the emulator of Cosmos DB.
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==",
    "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
    // The first account of Hardhat and Anvil.
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    // The pair with which reCAPTCHA is tested.
    "6LeIxAcTAAAAAJcZVRqyHh71UMIEGNQ_MXjiZKhI",
    "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe",
    // `username:password` and `Aladdin:open sesame`, from the specifications.
    "dXNlcm5hbWU6cGFzc3dvcmQ=",
    "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
];

/// How far a name reaches back.
const NAME_BYTES_MAX: usize = 40;

/// Whether the name of the value, which begins with or before `start`, is that of a public one.
pub(super) fn is_public(text: &str, start: usize, value: usize) -> bool {
    let from = text.floor_char_boundary(start.saturating_sub(NAME_BYTES_MAX));
    let before = text.get(from..start).unwrap_or_default();
    let is_of_name = |it: char| it.is_alphanumeric() || matches!(it, '_' | '-' | '.');
    let head = before.len() - before.trim_end_matches(is_of_name).len();
    let name = text
        .get(start - head..value)
        .unwrap_or_default()
        .to_ascii_lowercase();
    PUBLIC.iter().any(|public| name.contains(public))
}

/// Whether the text says that it stands for a credential, or is too regular to be one.
pub(super) fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let body = || text.bytes().filter(u8::is_ascii_alphanumeric);
    let is_named = PLACEHOLDERS.iter().any(|word| lower.contains(word));
    let is_published = PUBLISHED.contains(&text.strip_prefix("0x").unwrap_or(text));
    // Sealed secrets of Kubernetes: encrypted, each key in RSA of 4096 bits.
    let is_sealed = text.len() >= 64 && text.starts_with("AgB");
    is_named || is_published || is_sealed || {
        let first = body().next();
        body().all(|byte| Some(byte) == first)
    }
}

/// A value that no one would call by a name: letters and digits in no order of words.
pub(super) fn looks_random(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let upper = text.bytes().filter(u8::is_ascii_uppercase).count();
    let lower = text.bytes().filter(u8::is_ascii_lowercase).count();
    let is_hex_of_hash = text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_long_mixed = text.len() >= 32 && upper >= 8 && lower >= 8;
    let is_mixed = is_long_mixed
        || digits >= 2 && upper + lower >= 3
        || upper >= 3 && lower >= 3 && digits >= 1;
    (is_mixed || is_hex_of_hash) && !is_identifier(text) && !is_code(text)
}

/// What people choose for a password: letters with digits or signs among them, and not code.
pub(super) fn looks_chosen(text: &str) -> bool {
    let count = |is: fn(&u8) -> bool| text.bytes().filter(is).count();
    let digits = count(u8::is_ascii_digit);
    let signs = count(|byte| b"!#%^*@~?".contains(byte));
    let kinds = [
        count(u8::is_ascii_lowercase),
        count(u8::is_ascii_uppercase),
        digits,
        count(|byte| b"!#%^&*@$+=~?".contains(byte)),
    ];
    let kinds = kinds.into_iter().filter(|count| *count > 0).count();
    let is_mixed = kinds >= 3 && (digits > 0 || signs >= 2) || kinds >= 2 && digits >= 2;
    let is_of_callee = |it: char| it.is_ascii_alphanumeric() || "_.:->".contains(it);
    let arguments = text.trim_start_matches(is_of_callee);
    let is_call = arguments.len() < text.len() && arguments.starts_with('(');
    is_mixed && !is_identifier(text) && !is_call
}

/// A password that is not one of the words that documents put in its place.
pub(super) fn is_unusual_password(password: &str) -> bool {
    const USUAL: [&str; 16] = [
        "password",
        "passwd",
        "pass",
        "pwd",
        "secret",
        "user",
        "username",
        "token",
        "postgres",
        "root",
        "admin",
        "guest",
        "test",
        "port",
        "mypassword",
        "mysecretpassword",
    ];
    let lower = password.to_ascii_lowercase();
    let is_port = password.bytes().all(|byte| byte.is_ascii_digit()) && password.len() <= 5;
    let is_variable = password.starts_with(['$', '%', '*', ':'])
        && !password.bytes().any(|it| it.is_ascii_digit());
    !USUAL.contains(&&*lower) && !is_port && !is_variable
}

/// Words joined by signs, paths, calls, versions and dates.
fn is_identifier(text: &str) -> bool {
    let mut parts = text.split(['_', '-', '.', '/', ':']);
    let is_word = |part: &str| {
        let letters = part.trim_end_matches(|it: char| it.is_ascii_digit());
        let is_capital = letters.chars().skip(1).all(|it| it.is_ascii_lowercase());
        let is_shout = letters.chars().all(|it| it.is_ascii_uppercase());
        part.len() - letters.len() <= 3 && (is_capital || is_shout)
    };
    let is_number = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b".-:/T Z+".contains(&byte));
    is_number || parts.all(is_word) || text.contains("://") || text.contains("()")
}

/// Names as code writes them, and options of commands: words of three letters or more on average,
/// parted by signs, numbers and capitals. Letters drawn at random change their case, or meet a
/// digit, sooner.
fn is_code(text: &str) -> bool {
    const SIGNS: [char; 8] = ['_', '-', '.', '/', ':', '=', '~', '+'];
    let has = |class: fn(&u8) -> bool| text.bytes().any(|byte| class(&byte));
    let is_mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    // Else nothing parts its words.
    if !is_mixed && !text.contains(SIGNS) {
        return false;
    }
    let parts: Option<Vec<Words>> = text.split(SIGNS).map(Words::of).collect();
    let is_of_words = parts.is_some_and(|parts| {
        let sum = |count: fn(&Words) -> usize| parts.iter().map(count).sum::<usize>();
        let words = sum(|part| part.count);
        sum(|part| part.letters) >= 3 * words && 2 * sum(|part| part.numbers) <= words
    });
    is_of_words || text.starts_with("--")
}

/// The words of a name without signs.
#[derive(Default)]
struct Words {
    count: usize,
    letters: usize,
    /// Those behind a single letter (`v2`, `b64`) left out.
    numbers: usize,
}

impl Words {
    /// `None` for what no name has: other characters, a long number, or several in letters of one
    /// case.
    fn of(part: &str) -> Option<Self> {
        const NUMBER_DIGITS_MAX: usize = 4;
        let has_lower = part.bytes().any(|byte| byte.is_ascii_lowercase());
        let has_upper = part.bytes().any(|byte| byte.is_ascii_uppercase());
        let mut found = Self::default();
        let (mut word, mut number) = (0, 0);
        for byte in part.bytes() {
            if byte.is_ascii_digit() {
                number += 1;
                found.numbers += usize::from(number == 1 && word != 1);
                word = 0;
            } else if byte.is_ascii_alphabetic() {
                if word == 0 || has_lower && byte.is_ascii_uppercase() {
                    found.count += 1;
                    word = 0;
                }
                found.letters += 1;
                word += 1;
                number = 0;
            } else {
                return None;
            }
            if number > NUMBER_DIGITS_MAX {
                return None;
            }
        }
        (has_lower && has_upper || found.numbers <= 1).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_that_of_the_bytes() {
        assert_eq!(entropy_centibits(""), 0);
        assert_eq!(entropy_centibits("aaaa"), 0);
        assert_eq!(entropy_centibits("abab"), 100);
        assert_eq!(entropy_centibits("abcdefgh"), 300);
        let three = entropy_centibits("abc");
        assert!((157..=159).contains(&three), "{three}");
    }

    #[test]
    fn names_are_not_random() {
        for name in [
            "get_access_token",
            "AuthService",
            "course_dog_id",
            "2024-05-01",
            "v2.9.0",
            "key123",
            "spanner_v1.SpannerAsyncClient",
            "googlePrivacyDlpV2CreateDlpJobRequest.riskJob.actions",
            "ContainerV1alpha1",
            "CloudassetV1p5beta1",
            "V1AccountApplicationDeauthorizedEvent",
            "base64.standard_b64decode",
            "rsa-2048-private-key.pk8",
            "/properties/UserSettings/RStudioServer/UserGroup2",
            "--start-time=2021-02-01T12",
        ] {
            assert!(!looks_random(name), "{name}");
        }
        for value in [
            "oM7UQ3S9iJGoiqM-PKJYVMll",
            "kq7vd2mfjx94hwpzc1",
            "Jq3XvnLkTb9dRmWz",
            "c2VjcmV0OnN0YW5kcy5oZXJl",
            "d41d8cd98f00b204e9800998ecf8427e",
        ] {
            assert!(looks_random(value), "{value}");
        }
        assert!(is_placeholder("AKIAIOSFODNN7EXAMPLE"));
        assert!(is_placeholder("0000-0000"));
    }

    #[test]
    fn calls_are_not_chosen() {
        for call in [
            "_messages.StringField(3)",
            "Cell::new(10)",
            "utils.toWebSafeBase64(x12)",
            "this->hash2(v)",
        ] {
            assert!(!looks_chosen(call), "{call}");
        }
        assert!(looks_chosen("L0nd0n!(Bridge"));
    }
}
