use super::*;
use proptest::strategy::{Strategy, ValueTree};
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;

#[track_caller]
fn check(text: &str, expected: &[(&str, &str)]) {
    let found = find(text);
    let found: Vec<_> = found
        .iter()
        .map(|one| (one.kind, text.get(one.span.clone()).unwrap()))
        .collect();
    assert_eq!(found, expected, "{text}");
}

/// Random letters, so that no credential stands in this file.
fn random(alphabet: &str, length: usize) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut state = 88_172_645_463_325_252_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        letters[usize::try_from(state % letters.len() as u64).unwrap()]
    };
    std::iter::repeat_with(next).take(length).collect()
}

const ALPHANUMERIC: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[test]
fn a_credential_is_found_where_it_stands() {
    let body = |length| random(ALPHANUMERIC, length);
    let upper = |length| body(length).to_ascii_uppercase();
    let lower = |length| body(length).to_ascii_lowercase();
    let hex = |length| random("0123456789abcdef", length);
    for (kind, token) in [
        ("GITHUB_TOKEN", format!("ghp_{}", body(36))),
        (
            "GITHUB_TOKEN",
            format!("ghs_1234_eyJ{}.{}.{}", body(20), body(60), body(43)),
        ),
        (
            "GITLAB_TOKEN",
            format!("glpat-{}.01.{}", body(27), lower(9)),
        ),
        (
            "GITLAB_TOKEN",
            format!("glrt-t1_{}.01.{}", body(27), lower(9)),
        ),
        ("BREVO_KEY", format!("xsmtpsib-{}-{}", hex(64), body(16))),
        ("CLOUDFLARE_TOKEN", format!("cfut_{}{}", body(40), hex(8))),
        ("DATADOG_KEY", format!("ddapp_{}", body(34))),
        (
            "FEISHU_WEBHOOK",
            format!(
                "https://open.feishu.cn/open-apis/bot/v2/hook/{}-{}-{}-{}-{}",
                hex(8),
                hex(4),
                hex(4),
                hex(4),
                hex(12)
            ),
        ),
        (
            "INFISICAL_TOKEN",
            format!("st.{}.{}.{}", hex(24), hex(32), hex(32)),
        ),
        ("STRIPE_KEY", format!("sk_live_{}", body(24))),
        ("STRIPE_KEY", format!("rk_prod_{}", body(24))),
        ("FLY_TOKEN", format!("fm2_{}", body(120))),
        ("HONEYCOMB_KEY", format!("hcbmk_{}", lower(58))),
        (
            "DYNATRACE_TOKEN",
            format!("dt0s16.{}.{}", upper(24), upper(64)),
        ),
        ("TELNYX_KEY", format!("KEY0{}_{}", upper(32), body(22))),
        ("FACEBOOK_TOKEN", format!("123456789012345|{}", body(27))),
        ("FACEBOOK_TOKEN", format!("123456789012345%7C{}", body(27))),
        ("NPM_TOKEN", format!("npm_{}", body(36))),
        ("ANTHROPIC_KEY", format!("sk-ant-api03-{}", body(80))),
        ("GOOGLE_API_KEY", format!("AIza{}", body(35))),
        (
            "AWS_ACCESS_KEY",
            format!("AKIA{}", random("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)),
        ),
    ] {
        check(&format!("see {token} here"), &[(kind, &token)]);
    }
}

#[test]
fn a_value_is_found_in_every_form_of_its_name() {
    let value = random(ALPHANUMERIC, 32);
    for text in [
        format!("api_key: str = \"{value}\""),
        format!("const apiKey: string = '{value}';"),
        format!("let api_key: &'static str = \"{value}\";"),
        format!("app.secret_key = b\"{value}\""),
        format!("**API Key:** `{value}`"),
        format!("the api key is {value}"),
        format!("- name: AUTH_TOKEN\n  value: \"{value}\""),
        format!("Set-Cookie: JSESSIONID={value}; HttpOnly"),
    ] {
        let found = find(&text);
        let values: Vec<_> = found
            .iter()
            .filter_map(|one| text.get(one.span.clone()))
            .collect();
        assert_eq!(values, [value.as_str()], "{text}");
    }
    let password = "Zq!7mTr0ub4";
    for text in [
        format!("- name: DB_PASSWORD\n  value: \"{password}\""),
        format!("[mysql]\npass={password}"),
        format!("dbPass: '{password}'"),
        format!("{{\"pass\": \"{password}\"}}"),
        format!("**Password:** {password}"),
        format!("The admin password is {password}"),
        format!("Password\t{password}"),
        format!("requirepass {password}"),
        format!("Пароль: {password}"),
        format!("密码：{password}，"),
        format!("パスワード: {password}"),
        format!("Mot de passe : {password}"),
        format!("La contraseña es {password}"),
        format!("docker login -u ann -p {password}"),
        format!("redis-cli -h db -a {password}"),
        format!("openssl rsa -passin pass:{password}"),
    ] {
        check(&text, &[("GENERIC_PASSWORD", password)]);
    }
    check(
        "PGPASSWORD=kd82jSk2 psql",
        &[("GENERIC_PASSWORD", "kd82jSk2")],
    );
}

#[test]
fn what_is_said_of_a_value_is_none() {
    let hex = random("0123456789abcdef", 40);
    let sealed = format!("AgB{}", random(ALPHANUMERIC, 200));
    for text in [
        "the password is required to be reset every 90days".to_owned(),
        "password is base64-encoded".to_owned(),
        "--- PASS: TestParseV2Config (0.00s)".to_owned(),
        "ok 1 - pass: Test_A1b2".to_owned(),
        "<pass>Test22Foo#1</pass>".to_owned(),
        "docker login registry; docker run -p 8080:8080/tcp nginx".to_owned(),
        "bypass: Vec::with_capacity(12)".to_owned(),
        "let token: Token = tokens.next_token2()".to_owned(),
        format!("private_repo_sha: {hex}"),
        format!("authorized_commit={hex}"),
        format!("token_hash: {hex}"),
        format!("encryptedData:\n  password: {sealed}"),
        "Authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...".to_owned(),
        "token: fake-token-for-testing-123456".to_owned(),
        format!("STRIPE=sk_{}_4eC39HqLyjWDarjtT1zdp7dc", "test"),
    ] {
        check(&text, &[]);
    }
}

#[test]
fn a_key_of_aws_is_told_by_the_key_id_before_it() {
    let id = format!("AKIA{}", random("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16));
    let secret = random(ALPHANUMERIC, 40);
    for between in ["\", \"", ","] {
        check(
            &format!("(\"{id}{between}{secret}\")"),
            &[("AWS_ACCESS_KEY", &id), ("AWS_SECRET_ACCESS_KEY", &secret)],
        );
    }
    let clerk = format!("sk_live_{secret}");
    check(
        &format!("CLERK_SECRET_KEY={clerk}"),
        &[("STRIPE_KEY", &clerk)],
    );
}

#[test]
fn a_value_in_a_url_is_found_by_its_name() {
    let value = random(ALPHANUMERIC, 32);
    for name in ["appid", "app_id", "APP_ID", "hapikey"] {
        let url = format!("https://a.example/v1?{name}={value}&q=1");
        check(&url, &[("GENERIC_SECRET", &value)]);
    }
}

#[test]
fn a_password_in_a_url_is_found_without_its_url() {
    let password = "H^x&PYCC7Hvt";
    check(
        &format!("mysql://ann:{password}@10.0.0.1/db"),
        &[("URL_CREDENTIAL", password)],
    );
    check("postgres://user:password@localhost/db", &[]);
    check("http://localhost:8080/@x", &[]);
}

#[test]
fn what_stands_for_a_credential_is_none() {
    for text in [
        "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
        "api_key = \"YOUR_API_KEY_GOES_HERE_123\"",
        "token = await self.get_access_token(client_id)",
        "primary_key = 'course_dog_id'",
        "integrity sha512-OFeMDdRM7OfDv1sp/SvwKNhyFFLrLuAEhfUAQSCx6pUPiMmgAj6mK2OkM",
        "password: str = Field(...)",
    ] {
        check(text, &[]);
    }
}

#[test]
fn the_reference_comes_first_and_nothing_twice() {
    let token = format!("ghp_{}", random(ALPHANUMERIC, 36));
    let text = format!("mysql://ann:s3cr3t+Pw@db {token}");
    let kinds: Vec<_> = all(&text).iter().map(|one| one.kind).collect();
    assert_eq!(kinds, ["GITHUB_TOKEN", "URL_CREDENTIAL"]);
}

#[test]
fn every_rule_compiles_and_has_a_name_of_its_own() {
    let ids: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), RULES.len());
    for rule in &RULES {
        assert!(rule.spans("", Part::Whole).is_empty(), "{}", rule.id);
        assert!(!rule.keywords.is_empty());
    }
}

/// Rules whose keywords may stand beside what they match.
const KEYWORD_BESIDE: [&str; 12] = [
    "aws-secret-access-key",
    "azure-storage-key",
    "telegram-token",
    "figma-token",
    "jwk-private-key",
    "npm-registry-token",
    "truenas-key",
    "command-option",
    "login-command",
    "authorization-header",
    "assigned-secret",
    "named-vendor-key",
];

#[test]
fn a_private_key_is_its_body_whatever_stands_around_it() {
    const DASHES: &str = "-----";
    let row = random(ALPHANUMERIC, 64);
    let begin = format!("{DASHES}BEGIN RSA PRIVATE KEY{DASHES}");
    let end = format!("{DASHES}END RSA PRIVATE KEY{DASHES}");
    let headers = "Proc-Type: 4,ENCRYPTED\nComment: example of <someone>\n";
    let rows = format!("{row}\n{row}\n{}=", random(ALPHANUMERIC, 20));
    for key in [
        format!("{begin}\n{rows}\n{end}"),
        format!("{begin}\n{headers}\n{rows}\n{end}"),
        format!("{begin}\\n{row}\\n{row}\\n{end}"),
    ] {
        check(&key, &[("PRIVATE_KEY", &key)]);
        let key = &key;
        check(&format!("key:\n{key}\nand so on"), &[("PRIVATE_KEY", key)]);
    }
    // Of files that were read in part.
    for key in [
        format!("{begin}\n{row}\n{row}"),
        format!("{begin}\n{row}\n{}", random(ALPHANUMERIC, 7)),
        format!("{begin}\n{headers}\n{row}"),
        format!("{begin}\\n{row}"),
    ] {
        check(&key, &[("PRIVATE_KEY", &key)]);
        check(&format!("{key}\nand so on, for long"), &[]);
    }
    for none in [
        format!("{begin}\nexample0example0example0\n{end}"),
        format!("{begin}\n{}\n{end}", "your_key_here ".repeat(5)),
        format!(
            "if text.startswith('{begin}'): raise {}",
            "notaprivatekey".repeat(4)
        ),
        format!("a file that begins with {begin}"),
    ] {
        check(&none, &[]);
    }
}

/// Some texts that the pattern matches, but for its boundaries, which nobody makes texts with.
fn matched(rule: &Rule, runner: &mut TestRunner) -> Vec<String> {
    let boundaries = [(r"\b", ""), (r"\z", ""), ("(?:^|", "(?:"), ("|$)", ")")];
    let without = |source: String, (from, to): (&str, &str)| source.replace(from, to);
    let source = boundaries.into_iter().fold(rule.source.to_owned(), without);
    let texts = string_regex(&source).unwrap();
    let mut made: Vec<String> = (0..200)
        .map(|_| texts.new_tree(runner).unwrap().current())
        // The two other letters that are an `s` or a `k` in another case are made Latin before.
        .map(|text| text.replace('\u{17f}', "s").replace('\u{212a}', "k"))
        .collect();
    made.retain(|text| rule.pattern.is_match(text));
    made
}

#[test]
fn what_a_rule_matches_has_a_keyword() {
    let mut runner = TestRunner::deterministic();
    let is_without = |rule: &&Rule| {
        let has_keyword = |text: &String| {
            let lower = text.to_ascii_lowercase();
            rule.keywords.iter().any(|word| lower.contains(word))
        };
        !matched(rule, &mut runner).iter().all(has_keyword)
    };
    let without: Vec<&str> = RULES
        .iter()
        .filter(is_without)
        .map(|rule| rule.id)
        .collect();
    assert_eq!(without, KEYWORD_BESIDE);
}

#[test]
fn hostile_inputs_are_bounded() {
    for piece in [
        "a",
        "key=",
        "://a:b@",
        "password=aB3$aB3$ ",
        "-----BEGIN PRIVATE KEY-----",
    ] {
        let text = piece.repeat(300_000 / piece.len());
        assert!(find(&text).len() <= MATCHES_MAX);
    }
}
