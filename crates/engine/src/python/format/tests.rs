use super::*;
use crate::python::oracle::{self, unhex};

fn argument(field: &str) -> Argument {
    let (kind, rest) = field.split_at(1);
    match kind {
        "n" => Argument::None,
        "b" => Argument::Bool(rest == "1"),
        "i" => Argument::Integer(Integer::parse(rest).unwrap()),
        "f" => Argument::Float(f64::from_bits(u64::from_str_radix(rest, 16).unwrap())),
        _ => Argument::Text(unhex(rest)),
    }
}

/// The `repr` of the dictionary the oracle passes.
fn dictionary(value: &Argument) -> Argument {
    let repr = format!("{{'k': {}}}", value.repr());
    Argument::Other {
        text: repr.clone(),
        repr,
    }
}

#[test]
fn random_formatting_agrees_with_python() {
    let script = include_str!("oracle.py");
    let count = std::option_env!("PORTCULLIS_FORMAT_CASES").unwrap_or("4000");
    for fields in oracle::answers(script, "1", count) {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let template = unhex(fields[1]);
        let values: Vec<Argument> = fields[3..].iter().map(|field| argument(field)).collect();
        let named = [(String::from("k"), values.last().unwrap().clone())];
        let entries = [(String::from("k"), values[0].clone())];
        let actual = match fields[0] {
            "format" => format(&template, &values, &named),
            "tuple" => printf(&template, PrintfArguments::Tuple(&values)),
            "single" => printf(&template, PrintfArguments::Single(&values[0])),
            _ => {
                let whole = dictionary(&values[0]);
                printf(
                    &template,
                    PrintfArguments::Mapping {
                        whole: &whole,
                        entries: &entries,
                    },
                )
            }
        };
        let expected = Some(fields[2])
            .filter(|result| *result != "error")
            .map(unhex);
        assert_eq!(
            actual.clone().ok(),
            expected,
            "{template:?} with {values:?}: {actual:?}"
        );
    }
}

#[test]
fn reaching_into_an_argument_is_refused() {
    for template in ["{0.__class__}", "{0[0]}", "{.x}", "{k.a!r}", "{[}]}"] {
        let result = format(
            template,
            &[Argument::None],
            &[(String::from("k"), Argument::None)],
        );
        assert!(
            matches!(result, Err(FormatError::FieldAccess(_))),
            "{template}: {result:?}"
        );
    }
}

#[test]
fn huge_widths_are_refused() {
    let one = [Argument::Integer(Integer::from(1))];
    for template in [
        "{:999999999}",
        "{:.999999999f}",
        "{:99999999999999999999999}",
    ] {
        assert_eq!(
            format(template, &one, &[]),
            Err(FormatError::TooWide),
            "{template}"
        );
    }
    for template in ["%999999999d", "%.999999999f"] {
        let result = printf(template, PrintfArguments::Tuple(&one));
        assert_eq!(result, Err(FormatError::TooWide), "{template}");
    }
    let star = [
        Argument::Integer(Integer::from(1 << 40)),
        Argument::Integer(Integer::from(1)),
    ];
    assert_eq!(
        printf("%*d", PrintfArguments::Tuple(&star)),
        Err(FormatError::TooWide)
    );
}

#[test]
fn huge_results_are_refused() {
    let long = [Argument::Text("x".repeat(1 << 20))];
    assert_eq!(
        format(&"{0}".repeat(17), &long, &[]),
        Err(FormatError::TooLong)
    );
    assert!(format(&"{0}".repeat(16), &long, &[]).is_ok());
}

#[test]
fn too_few_and_too_many_arguments_are_told_apart() {
    let two = [Argument::Bool(true), Argument::None];
    let tuple = PrintfArguments::Tuple(&two);
    assert_eq!(printf("%s", tuple), Err(FormatError::TooManyArguments));
    assert_eq!(printf("%s%s%s", tuple), Err(FormatError::TooFewArguments));
    assert_eq!(printf("%s %r", tuple), Ok(String::from("True None")));
    let missing = FormatError::MissingArgument(String::from("2"));
    assert_eq!(format("{2}", &two, &[]), Err(missing));
}
