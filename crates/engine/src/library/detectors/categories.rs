//! What detectors can be asked to look for, by name.

/// The kinds of the built-in `pii`, and those that Presidio's analyzer knows as it comes.
pub(crate) const PII: &[&str] = &[
    "AGE",
    "AU_ABN",
    "AU_ACN",
    "AU_MEDICARE",
    "AU_TFN",
    "CREDIT_CARD",
    "CRYPTO",
    "DATE_OF_BIRTH",
    "DATE_TIME",
    "EMAIL_ADDRESS",
    "ES_NIE",
    "ES_NIF",
    "FI_PERSONAL_IDENTITY_CODE",
    "IBAN_CODE",
    "ID",
    "IN_AADHAAR",
    "IN_PAN",
    "IN_PASSPORT",
    "IN_VEHICLE_REGISTRATION",
    "IN_VOTER",
    "IP_ADDRESS",
    "IT_DRIVER_LICENSE",
    "IT_FISCAL_CODE",
    "IT_IDENTITY_CARD",
    "IT_PASSPORT",
    "IT_VAT_CODE",
    "KR_RRN",
    "LOCATION",
    "MAC_ADDRESS",
    "MEDICAL_LICENSE",
    "NRP",
    "ORGANIZATION",
    "PERSON",
    "PHONE_NUMBER",
    "PL_PESEL",
    "SG_NRIC_FIN",
    "SG_UEN",
    "TH_TNIN",
    "UK_NHS",
    "UK_NINO",
    "URL",
    "US_BANK_NUMBER",
    "US_DRIVER_LICENSE",
    "US_ITIN",
    "US_PASSPORT",
    "US_SSN",
];

/// The general categories of Unicode.
pub(crate) const UNICODE: &[&str] = &[
    "Cc", "Cf", "Cn", "Co", "Cs", "Ll", "Lm", "Lo", "Lt", "Lu", "Mc", "Me", "Mn", "Nd", "Nl", "No",
    "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So", "Zl", "Zp", "Zs",
];

/// The one that was most likely meant: but for its case, by a misspelling, or by a part of its name.
pub(crate) fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let of = |is_meant: &dyn Fn(&str) -> bool| known.iter().copied().find(|it| is_meant(it));
    let upper = name.to_ascii_uppercase();
    let part = format!("{upper}_");
    of(&|it| it.eq_ignore_ascii_case(name))
        .or_else(|| portcullis_syntax::nearest(name, known.iter().copied()))
        .or_else(|| portcullis_syntax::nearest(&upper, known.iter().copied()))
        .or_else(|| of(&|it| it.starts_with(&part)))
        .or_else(|| of(&|it| it.split('_').any(|word| word == upper)))
}
