use super::*;
use crate::python::oracle;

#[derive(Debug, Clone)]
enum Operand {
    Integer(Integer),
    Float(f64),
}

fn operand(field: &str) -> Operand {
    match field.strip_prefix('f') {
        Some(bits) => Operand::Float(f64::from_bits(u64::from_str_radix(bits, 16).unwrap())),
        None => Operand::Integer(Integer::parse(field).unwrap()),
    }
}

fn show(result: Result<Number, NumberError>) -> String {
    match result {
        Ok(Number::Integer(integer)) => integer.to_string(),
        Ok(Number::Float(float)) if float.is_nan() => String::from("nan"),
        Ok(Number::Float(float)) => format!("f{:x}", float.to_bits()),
        Err(_) => String::from("error"),
    }
}

fn calculate(operation: &str, left: &Operand, right: &Operand) -> String {
    let truth = |holds: bool| u8::from(holds).to_string();
    match (left, right) {
        (Operand::Integer(a), Operand::Integer(b)) => match operation {
            "+" => show(a.add(b).map(Number::Integer)),
            "-" => show(a.add(&b.neg()).map(Number::Integer)),
            "*" => show(a.mul(b).map(Number::Integer)),
            "/" => show(a.true_div(b).map(Number::Float)),
            "%" => show(a.floor_mod(b).map(Number::Integer)),
            "**" => show(a.pow(b)),
            "<" => truth(a < b),
            _ => truth(a == b),
        },
        (Operand::Integer(a), Operand::Float(b)) => match operation {
            "<" => truth(a.compare_float(*b) == Some(Ordering::Less)),
            _ => truth(a.compare_float(*b) == Some(Ordering::Equal)),
        },
        (Operand::Float(a), Operand::Float(b)) => show(
            match operation {
                "+" => Ok(a + b),
                "-" => Ok(a - b),
                "*" => Ok(a * b),
                "/" if *b == 0.0 => Err(NumberError::DivisionByZero),
                "/" => Ok(a / b),
                "%" => float_mod(*a, *b),
                _ => float_pow(*a, *b),
            }
            .map(Number::Float),
        ),
        (Operand::Float(_), Operand::Integer(_)) => panic!("the oracle does not ask this"),
    }
}

#[test]
fn random_calculations_agree_with_python() {
    let count = std::option_env!("PORTCULLIS_NUMBER_CASES").unwrap_or("4000");
    let script = include_str!("oracle.py");
    for fields in oracle::answers(script, "1", count) {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let left = operand(fields[1]);
        let actual = match (&left, fields[0]) {
            (Operand::Float(float), "repr") => float_repr(*float),
            _ => calculate(fields[0], &left, &operand(fields[2])),
        };
        let expected = match fields[3].strip_prefix('f') {
            Some(_) if matches!(operand(fields[3]), Operand::Float(f) if f.is_nan()) => "nan",
            _ => fields[3],
        };
        assert_eq!(actual, expected, "{fields:?}");
    }
}

#[test]
fn floats_are_written_as_python_writes_them() {
    for (float, expected) in [
        (100.0, "100.0"),
        (1e16, "1e+16"),
        (9_999_999_999_999_998.0, "9999999999999998.0"),
        (1e-4, "0.0001"),
        (1e-5, "1e-05"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1.5e300, "1.5e+300"),
        (-0.0, "-0.0"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
    ] {
        assert_eq!(float_repr(float), expected);
    }
}

#[test]
fn results_beyond_the_limit_are_refused() {
    let two = Integer::from(2);
    let huge = Integer::parse(&"9".repeat(DIGITS_MAX)).unwrap();
    let exponent = Integer::from(1 << 40);
    assert_eq!(two.pow(&exponent), Err(NumberError::TooLarge));
    assert_eq!(huge.pow(&Integer::from(5)), Err(NumberError::TooLarge));
    assert_eq!(
        Integer::parse(&"9".repeat(DIGITS_MAX + 1)),
        Err(NumberError::TooLarge)
    );
    let mut product = Ok(huge.clone());
    for _ in 0..5 {
        product = product.and_then(|product| product.mul(&huge));
    }
    assert_eq!(product, Err(NumberError::TooLarge));
}

#[test]
fn powers_of_one_take_any_exponent() {
    let odd = Integer::parse(&format!("{}1", "9".repeat(50))).unwrap();
    assert_eq!(
        Integer::from(-1).pow(&odd),
        Ok(Number::Integer(Integer::from(-1)))
    );
    assert_eq!(
        Integer::from(0).pow(&odd),
        Ok(Number::Integer(Integer::from(0)))
    );
}

#[test]
fn equal_integers_are_equal_however_they_were_reached() {
    let big = Integer::from(i64::MAX).add(&Integer::from(1)).unwrap();
    assert_eq!(big.sub(&Integer::from(1)).unwrap(), Integer::from(i64::MAX));
    assert_eq!(Integer::from(i64::MIN).neg(), big);
    assert_eq!(big.to_i64(), None);
}

#[test]
fn text_that_is_no_integer_is_refused() {
    for text in ["", "-", "+-1", "1_000", " 1", "0x10", "١"] {
        assert_eq!(
            Integer::parse(text),
            Err(NumberError::NotAnInteger),
            "{text:?}"
        );
    }
    assert_eq!(Integer::parse("007"), Ok(Integer::from(7)));
    assert_eq!(Integer::parse("+7"), Ok(Integer::from(7)));
}
