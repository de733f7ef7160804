//! One resource, many spellings.

use portcullis_json::{Object, Value};

/// LIMIT: how often a URI is decoded. What is encoded more often is nothing that a server decodes.
const DECODINGS_MAX: usize = 4;

/// The parameters as a server may read them that tidies the URIs in them; those that say something
/// else than is written.
pub(super) fn respelled(params: &Object) -> Vec<Object> {
    let spellings: [fn(&str) -> Option<String>; 3] = [plain_spelling, without_query, decoded_first];
    let mut found: Vec<Object> = Vec::new();
    for spelling in spellings {
        let respelled = with_uris(params, spelling).filter(|params| !found.contains(params));
        found.extend(respelled);
    }
    found
}

/// The parameters with all URIs that they name spelled otherwise; `None` if that changes none.
fn with_uris(params: &Object, spelling: fn(&str) -> Option<String>) -> Option<Object> {
    let mut changed = params.clone();
    let mut has_changed = false;
    let mut change = |holder: &mut Object, name: &str| {
        let spelled = holder.get(name).and_then(|value| respell(value, spelling));
        has_changed |= spelled.is_some();
        if let Some(spelled) = spelled {
            holder.insert(name, spelled);
        }
    };
    change(&mut changed, "uri");
    for (holder, name) in [("ref", "uri"), ("notifications", "resourceSubscriptions")] {
        if let Some(Value::Object(inner)) = params.get(holder) {
            let mut inner = (**inner).clone();
            change(&mut inner, name);
            changed.insert(holder, inner);
        }
    }
    has_changed.then_some(changed)
}

/// A URI or a list of them; `None` if none changes.
fn respell(value: &Value, spelling: fn(&str) -> Option<String>) -> Option<Value> {
    match value {
        Value::String(uri) => spelling(uri).map(Value::from),
        Value::Array(items) => {
            let spelled: Vec<_> = items.iter().map(|item| respell(item, spelling)).collect();
            if spelled.iter().all(Option::is_none) {
                return None;
            }
            let items = items.iter().zip(spelled);
            let items = items.map(|(item, spelled)| spelled.unwrap_or_else(|| item.clone()));
            Some(items.collect::<Vec<_>>().into())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// What a server that decodes and tidies a URI reads; `None` if that is what is written.
///
/// Policies compare text. Where `file:///a/%2e%2e/b` and `file:///b` are one file, they must see
/// both.
fn plain_spelling(uri: &str) -> Option<String> {
    let (path, rest) = split_query(uri);
    let plain = format!("{}{}", tidied(path), decode_all(rest));
    (plain != uri).then_some(plain)
}

/// The same for a server that does not look behind the path.
fn without_query(uri: &str) -> Option<String> {
    let (path, rest) = split_query(uri);
    (!rest.is_empty()).then(|| tidied(path))
}

/// The same for a server that decodes before it looks for the end of the path, and does not look at
/// the parameters of its segments.
fn decoded_first(uri: &str) -> Option<String> {
    let decoded = decode_all(uri);
    let (path, _) = split_query(&decoded);
    let segments = path
        .split('/')
        .map(|segment| match segment.split_once(';') {
            Some((name, _)) => name,
            None => segment,
        });
    let plain = tidied(&segments.collect::<Vec<_>>().join("/"));
    (plain != uri).then_some(plain)
}

/// Before and from the query or the fragment on.
fn split_query(uri: &str) -> (&str, &str) {
    let end = uri.find(['?', '#']).unwrap_or(uri.len());
    uri.split_at_checked(end).unwrap_or((uri, ""))
}

fn tidied(uri: &str) -> String {
    let decoded = decode_all(uri).replace('\\', "/");
    let (scheme, rest) = match decoded.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase() + ":", rest),
        _ => (String::new(), decoded.as_str()),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
            (format!("//{}", authority.to_lowercase()), path)
        }
        None => (String::new(), rest),
    };
    format!("{scheme}{authority}{}", plain_path(path))
}

fn plain_path(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments = path.split('/');
    for segment in segments.clone().map(plain_segment) {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    let is_open = matches!(
        segments.map(plain_segment).next_back(),
        Some("" | "." | "..")
    );
    let begin = if path.starts_with('/') { "/" } else { "" };
    let end = if is_open && !kept.is_empty() { "/" } else { "" };
    format!("{begin}{}{end}", kept.join("/"))
}

/// Some servers take `..;a` for `..`, and some files are found with dots or blanks behind the name.
fn plain_segment(segment: &str) -> &str {
    let name = segment.split(';').next().unwrap_or_default();
    if matches!(name, "." | "..") {
        return name;
    }
    segment.trim_end_matches(['.', ' '])
}

pub(crate) fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn decode_all(uri: &str) -> String {
    let mut text = uri.to_owned();
    for _ in 0..DECODINGS_MAX {
        match decode(&text) {
            Some(decoded) => text = decoded,
            None => break,
        }
    }
    text
}

/// `None` if there is nothing to decode.
fn decode(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    let mut is_decoded = false;
    for part in parts {
        let code = part
            .get(..2)
            .filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        if let Some((byte, rest)) = code.zip(part.get(2..)) {
            is_decoded = true;
            bytes.push(byte);
            bytes.extend_from_slice(rest.as_bytes());
        } else {
            bytes.push(b'%');
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    is_decoded.then(|| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use portcullis_json::{Limits, parse};

    use super::*;

    #[test]
    fn what_a_server_may_read_is_spelled_out() {
        let check = |uri: &str, plain: &str| {
            assert_eq!(plain_spelling(uri).as_deref(), Some(plain), "{uri}");
        };
        check("file:///a/../../etc/passwd", "file:///etc/passwd");
        check("file:///a/%2e%2e/etc/passwd", "file:///etc/passwd");
        check("file:///a/%252e%252E%252fetc/passwd", "file:///etc/passwd");
        check("file:///a/..;x/etc/./passwd", "file:///etc/passwd");
        check("file:///a\\..\\etc//passwd", "file:///etc/passwd");
        check("FILE:///etc/passwd", "file:///etc/passwd");
        check("file:///etc/passwd.", "file:///etc/passwd");
        check("file:///etc/passwd%20", "file:///etc/passwd");
        check("\\\\Host\\share\\x", "//host/share/x");
        check("file://HOST/share/", "file://host/share/");
        check("file:///my%20file", "file:///my file");
        check("a/../b", "b");
        check("file:///%65tc/passwd#%ff", "file:///etc/passwd#\u{fffd}");
        check(
            "file:///%65tc/passwd?/../../../safe",
            "file:///etc/passwd?/../../../safe",
        );
        check("file:///%ff", "file:///\u{fffd}");
    }

    #[test]
    fn what_stands_behind_the_path_may_be_left_out() {
        let check = |uri: &str, plain: Option<&str>| {
            assert_eq!(without_query(uri).as_deref(), plain, "{uri}");
        };
        check(
            "file:///%65tc/passwd#/../../safe",
            Some("file:///etc/passwd"),
        );
        check("https://a.example/b;c?d=1", Some("https://a.example/b;c"));
        check("file:///etc/passwd", None);
    }

    #[test]
    fn a_path_may_end_where_its_decoded_form_does() {
        let check = |uri: &str, plain: Option<&str>| {
            assert_eq!(decoded_first(uri).as_deref(), plain, "{uri}");
        };
        check("file:///etc/p%61sswd%23x", Some("file:///etc/passwd"));
        check(
            "file:///etc/p%61sswd%3f/../../safe",
            Some("file:///etc/passwd"),
        );
        check("file:///etc;a/passwd;b", Some("file:///etc/passwd"));
        check("file:///etc/passwd", None);
    }

    #[test]
    fn uris_are_spelled_otherwise_wherever_they_are_named() {
        let params = r#"{"uri":"a/../b","ref":{"type":"ref/resource","uri":"c/%64"},"notifications":{"resourceSubscriptions":["e","f?g",1]}}"#;
        let params = parse(params, &Limits::strict()).unwrap();
        let respelled = respelled(params.as_object().unwrap()).into_iter();
        let respelled: Vec<_> = respelled.map(|one| Value::from(one).to_string()).collect();
        assert_eq!(
            respelled,
            [
                r#"{"uri":"b","ref":{"type":"ref/resource","uri":"c/d"},"notifications":{"resourceSubscriptions":["e","f?g",1]}}"#,
                r#"{"uri":"a/../b","ref":{"type":"ref/resource","uri":"c/%64"},"notifications":{"resourceSubscriptions":["e","f",1]}}"#,
                r#"{"uri":"b","ref":{"type":"ref/resource","uri":"c/d"},"notifications":{"resourceSubscriptions":["e","f",1]}}"#,
            ]
        );
    }

    #[test]
    fn plain_spellings_are_left_alone() {
        for uri in [
            "file:///etc/passwd",
            "file:///etc/",
            "file://host/share",
            "test://static/resource/1",
            "memo://insights",
            "note:1;2",
            "https://a.example/b;c?d=%zz",
            "",
        ] {
            assert_eq!(plain_spelling(uri), None, "{uri}");
        }
    }
}
