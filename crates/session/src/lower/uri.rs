//! One resource, many spellings.

/// LIMIT: how often a URI is decoded. What is encoded more often is nothing that a server decodes.
const DECODINGS_MAX: usize = 4;

/// What a server that decodes and tidies a URI reads; `None` if that is what is written.
///
/// Policies compare text. Where `file:///a/%2e%2e/b` and `file:///b` are one file, they must see
/// both.
pub(super) fn plain_spelling(uri: &str) -> Option<String> {
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
    let plain = format!("{scheme}{authority}{}", plain_path(path));
    (plain != uri).then_some(plain)
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

/// `None` if there is nothing to decode, or it is no text.
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
    String::from_utf8(bytes).ok().filter(|_| is_decoded)
}

#[cfg(test)]
mod tests {
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
        assert_eq!(plain_spelling("file:///%ff"), None, "no text");
    }
}
