use super::*;
use std::collections::BTreeSet;

#[track_caller]
fn check(text: &str, expected: &[(&str, &str)]) {
    let found = find(text);
    let found: Vec<_> = found
        .iter()
        .map(|found| (found.kind, text.get(found.span.clone()).unwrap()))
        .collect();
    assert_eq!(found, expected, "{text:?}");
}

#[test]
fn supported_kinds_are_those_that_are_found() {
    let text = "a@gmail.com 4111111111111111 DE89370400440532013000 10.0.0.1 +436601234567 \
                https://example.org 536-90-4399 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2\n\
                ip: 10.0.0.1\nborn 1944-09-10\n12345678Z\naadhaar 2341 2341 2346\n\
                96:f3:04:b3:bd:b7\npesel 44051401359\nnhs 943 476 5919\nAB 12 34 56 C\n\
                driver's license A56319335\npassport C03005988";
    let kinds: BTreeSet<_> = find(text).into_iter().map(|found| found.kind).collect();
    assert_eq!(kinds, BTreeSet::from(SUPPORTED));
}

#[test]
fn mail_addresses_need_a_known_domain() {
    check(
        "write to ann.lee@gmail.com or x_1@sub.example.org.",
        &[
            ("EMAIL_ADDRESS", "ann.lee@gmail.com"),
            ("EMAIL_ADDRESS", "x_1@sub.example.org"),
        ],
    );
    check(
        "mail=josé+x@bücher.de>",
        &[("EMAIL_ADDRESS", "josé+x@bücher.de")],
    );
    for text in [
        "no address at gmail dot com",
        "a@b",
        "camera@4.0.0",
        "a@b.nosuchdomain",
        "@a.com",
    ] {
        check(text, &[]);
    }
}

#[test]
fn card_numbers_need_their_check_digit() {
    for card in [
        "4111 1111 1111 1111",
        "5500005555555559",
        "3782-822463-10005",
        "30569309025904",
    ] {
        check(card, &[("CREDIT_CARD", card)]);
    }
    for text in [
        "4111 1111 1111 1112",
        "1111111111111117",
        "x4111111111111111",
        "0.5500005555555559",
    ] {
        check(text, &[]);
    }
}

#[test]
fn account_numbers_need_length_and_check_digits() {
    check(
        "iban DE89370400440532013000 ok",
        &[("IBAN_CODE", "DE89370400440532013000")],
    );
    check(
        "GB82 WEST 1234 5698 7654 32 2 days",
        &[("IBAN_CODE", "GB82 WEST 1234 5698 7654 32")],
    );
    for text in [
        "DE89370400440532013001",
        "DE8937040044053201300",
        "DE00 0000 0000 0000 0000 00",
    ] {
        check(text, &[]);
    }
}

#[test]
fn network_addresses_are_whole() {
    check("listening on 127.0.0.1:80 and 192.168.7.20", &[]);
    check("version 4.26.44.7", &[]);
    check("host 192.168.7.20", &[("IP_ADDRESS", "192.168.7.20")]);
    check(
        "client 127.0.0.1:80, fe80::1.",
        &[("IP_ADDRESS", "127.0.0.1"), ("IP_ADDRESS", "fe80::1")],
    );
    check(
        "203.0.113.5-203.0.113.9, 203.0.113.77-80",
        &[
            ("IP_ADDRESS", "203.0.113.5"),
            ("IP_ADDRESS", "203.0.113.9"),
            ("IP_ADDRESS", "203.0.113.77"),
        ],
    );
    let long = "2001:db8:85a3:8d3:1319:8a2e:370:7348";
    check(long, &[("IP_ADDRESS", long)]);
    for text in [
        "host 300.1.1.1",
        "v 1.2.3",
        "1.2.3.4.5",
        "12:34:56",
        "std::fd",
        "::",
        "a::b",
    ] {
        check(text, &[]);
    }
}

#[test]
fn web_addresses_need_a_scheme_and_a_known_domain() {
    check(
        "(https://example.org/a?b=c).",
        &[("URL", "https://example.org/a?b=c")],
    );
    check(
        "HTTP://EXAMPLE.ORG:80, http://localhost:80",
        &[("URL", "HTTP://EXAMPLE.ORG:80")],
    );
}

#[test]
fn wallets_need_their_checksum() {
    for wallet in [
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    ] {
        check(wallet, &[("CRYPTO", wallet)]);
        check(
            &(wallet
                .strip_suffix(char::is_alphanumeric)
                .unwrap()
                .to_owned()
                + "q"),
            &[],
        );
    }
}

#[test]
fn telephone_numbers_are_international_or_announced() {
    check(
        "call me at +43 660 1234567",
        &[("PHONE_NUMBER", "+43 660 1234567")],
    );
    check(
        "(505)498-8487x68 505-498-8487",
        &[
            ("PHONE_NUMBER", "(505)498-8487x68"),
            ("PHONE_NUMBER", "505-498-8487"),
        ],
    );
    check("Telefon 0660 1234567", &[("PHONE_NUMBER", "0660 1234567")]);
    check(
        "+82 2-215-5566 2024-03-01, +1-944-435-4352x04732\n079 4650 2145-Office",
        &[
            ("PHONE_NUMBER", "+82 2-215-5566"),
            ("PHONE_NUMBER", "+1-944-435-4352x04732"),
            ("PHONE_NUMBER", "079 4650 2145"),
        ],
    );
    check("id 0660 1234567, 2024-03-01 10:00:01", &[]);
}

#[test]
fn social_security_numbers_are_hyphenated_or_announced() {
    check("060-25-2440", &[("US_SSN", "060-25-2440")]);
    check("ssn: 688 87 6927", &[("US_SSN", "688 87 6927")]);
    check("ssn: 536904399", &[("US_SSN", "536904399")]);
    check("order 536904399", &[]);
    for text in [
        "688 87 6927",
        "000-25-2440",
        "666-25-2440",
        "912-25-2440",
        "060-00-2440",
    ] {
        check(text, &[]);
    }
}

#[test]
fn data_end_where_cjk_characters_begin() {
    check("IP是8.8.8.8。", &[("IP_ADDRESS", "8.8.8.8")]);
    check(
        "卡号4111111111111111请核对",
        &[("CREDIT_CARD", "4111111111111111")],
    );
    check("SSN是457-55-5462", &[("US_SSN", "457-55-5462")]);
    check(
        "我的邮箱是zhang@163.com。",
        &[("EMAIL_ADDRESS", "zhang@163.com")],
    );
    check(
        "이메일bob@acme.com입니다",
        &[("EMAIL_ADDRESS", "bob@acme.com")],
    );
    check("手机号13800138000", &[("PHONE_NUMBER", "13800138000")]);
}

#[test]
fn telephone_numbers_are_announced_in_many_words() {
    for (text, number) in [
        ("Mob: 98765 43210", "98765 43210"),
        ("my number is 4155552671", "4155552671"),
        ("Tél : 01 42 68 53 00", "01 42 68 53 00"),
        ("Handynummer: 0171 1234567", "0171 1234567"),
        ("тел: 8 916 123-45-67", "8 916 123-45-67"),
        ("电话：138 0013 8000", "138 0013 8000"),
        ("1-800-555-0199 toll free", "1-800-555-0199"),
        ("(415) 555 2671", "(415) 555 2671"),
        ("+1 (415) 555-2671 ext. 42", "+1 (415) 555-2671 ext. 42"),
    ] {
        check(text, &[("PHONE_NUMBER", number)]);
    }
    for text in [
        "recall 12345678",
        "smartphone 1080 2400",
        "headphone 12345678 SKU",
        "lat +180.000000",
        "+1441497364.649",
        "+12345-03-04",
    ] {
        check(text, &[]);
    }
}

#[test]
fn words_announce_as_they_are_commonly_written() {
    let found = |text: &str, kind: &str| find(text).iter().any(|one| one.kind == kind);
    for (text, kind) in [
        (r#"{"customerPhone": "06601234567"}"#, "PHONE_NUMBER"),
        ("userPhone: 06601234567", "PHONE_NUMBER"),
        ("ph: 07700 900123", "PHONE_NUMBER"),
        ("build server at 8.8.8.8", "IP_ADDRESS"),
        ("firmware uploaded from 203.0.113.9", "IP_ADDRESS"),
        ("| https://acme.com|bob@acme.com |", "EMAIL_ADDRESS"),
        (
            "[site](https://acme.com)[mail](mailto:bob@acme.com)",
            "EMAIL_ADDRESS",
        ),
        ("sip://bob@acme.com", "EMAIL_ADDRESS"),
        ("| birthday | 1985-03-14", "DATE_OF_BIRTH"),
        ("Birthday of Jane: 1985-03-14", "DATE_OF_BIRTH"),
    ] {
        assert!(found(text, kind), "{text}");
    }
    for (text, kind) in [
        ("graph: 100000", "PHONE_NUMBER"),
        ("in this paragraph. 12345678", "PHONE_NUMBER"),
        ("::ffff:127.0.0.1", "IP_ADDRESS"),
        ("::ffff:10.0.0.1", "IP_ADDRESS"),
        ("section 3.1.4.1", "IP_ADDRESS"),
        ("birthday party on 12/05/2030", "DATE_OF_BIRTH"),
        (
            "postgresql://app:Pa55word@db.example.com/x",
            "EMAIL_ADDRESS",
        ),
    ] {
        assert!(!found(text, kind), "{text}");
    }
}

#[test]
fn births_are_told_in_many_words_and_forms() {
    for (text, date) in [
        (
            "\"birthDate\":\"1985-03-14T00:00:00Z\"",
            "1985-03-14T00:00:00Z",
        ),
        ("Geburtsdatum: 14.03.1985", "14.03.1985"),
        ("né le 14/03/1985", "14/03/1985"),
        ("дата рождения: 14.03.1985", "14.03.1985"),
        ("生年月日：1985年3月14日", "1985年3月14日"),
        ("birthday: 14-Mar-1985", "14-Mar-1985"),
        ("DOB: 14th of March 1985", "14th of March 1985"),
    ] {
        check(text, &[("DATE_OF_BIRTH", date)]);
    }
    for text in [
        "airborne 01.02.2023",
        "newborn study 2020-01-02",
        "born from commit 2024-03-04",
        "birthday party on 12/05/2030",
    ] {
        check(text, &[]);
    }
}

#[test]
fn what_looks_like_an_address_is_none() {
    for text in [
        "postgresql://app:Pa55word@db.example.com/x",
        "ssh://git@github.com/acme/repo.git",
        "npm @scope/x@1.0.0-beta.dev",
        "RFC 5280 Section 4.1.2.4",
        "firmware 2.5.1.9",
        "netmask 255.255.255.0",
        "224.0.0.1",
    ] {
        check(text, &[]);
    }
    check(
        "::ffff:203.0.113.9",
        &[("IP_ADDRESS", "::ffff:203.0.113.9")],
    );
    check("DNI 12.345.678-Z", &[("ES_NIF", "12.345.678-Z")]);
}

#[test]
fn a_word_announces_numbers_on_its_line_only() {
    check("phone\n0660 1234567", &[]);
    check("phone 2002-06-23", &[]);
}

#[test]
fn what_is_asked_for_is_found_without_an_announcement() {
    let text = "call Laura Weber at 10.0.0.1 or a@gmail.com";
    let kinds = |wanted: &[&str]| -> Vec<&str> {
        asked(text, wanted)
            .into_iter()
            .map(|one| one.kind)
            .collect()
    };
    assert_eq!(kinds(&["IP_ADDRESS"]), ["IP_ADDRESS"]);
    assert_eq!(
        kinds(&["PERSON", "EMAIL_ADDRESS"]),
        ["PERSON", "EMAIL_ADDRESS"]
    );
    check(text, &[("EMAIL_ADDRESS", "a@gmail.com")]);
}
