//! Which addresses a client may be given to open.

use std::borrow::Cow;

use crate::lower::is_scheme;

/// SPEC: MCP 2025-11-25, Icons: an address over HTTPS or one that holds the picture itself. HTTP is
/// what servers have on this machine. Without a scheme it cannot leave the client's own.
pub(super) fn suits_icon(url: &str) -> bool {
    let url = without_blanks(url);
    match scheme(&url).as_deref() {
        None | Some("http" | "https") => true,
        Some("data") => starts_with(&url, "data:image/"),
        Some(_) => false,
    }
}

pub(super) fn suits_website(url: &str) -> bool {
    let url = without_blanks(url);
    matches!(scheme(&url).as_deref(), None | Some("http" | "https"))
}

/// Whether opening the address runs what stands in it. Other schemes are a server's to choose.
pub(super) fn opens_script(url: &str) -> bool {
    let url = without_blanks(url);
    match scheme(&url).as_deref() {
        Some("javascript" | "vbscript") => true,
        Some("data") => {
            let head = url.split(',').next().unwrap_or_default();
            let head = head.to_ascii_lowercase();
            ["html", "xml", "xsl"]
                .iter()
                .any(|kind| head.contains(kind))
        }
        _ => false,
    }
}

/// As browsers read it. SPEC: WHATWG URL, basic URL parser: control characters and blanks before
/// it, and tabs and line breaks within, are passed over.
fn without_blanks(url: &str) -> Cow<'_, str> {
    // Programs take more off than browsers do.
    let is_blank = |it: char| it <= ' ' || it.is_whitespace() || it == '\u{feff}';
    let url = url.trim_start_matches(is_blank);
    if url.contains(['\t', '\n', '\r']) {
        Cow::Owned(url.replace(['\t', '\n', '\r'], ""))
    } else {
        Cow::Borrowed(url)
    }
}

fn scheme(url: &str) -> Option<String> {
    let (scheme, _) = url.split_once(':')?;
    is_scheme(scheme).then(|| scheme.to_ascii_lowercase())
}

fn starts_with(url: &str, beginning: &str) -> bool {
    let head = url.get(..beginning.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icons_are_of_the_web_or_pictures() {
        for url in [
            "https://a.example/i.png",
            "HTTP://127.0.0.1:80/i",
            "data:image/png;base64,AA==",
            "DATA:Image/svg+xml,<svg/>",
            "/i.png",
            "//a.example/i:1",
            "",
        ] {
            assert!(suits_icon(url), "{url}");
        }
        for url in [
            "javascript:alert(1)",
            " \u{1}java\tscript:alert(1)",
            "\u{a0}javascript:alert(1)",
            "\u{feff}javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "vbscript:x",
            "data:text/html,<script>",
            "data:,x",
            "data:image",
            "file:///etc/passwd",
            "ftp://a.example/i.png",
            "vscode://x/y",
        ] {
            assert!(!suits_icon(url), "{url:?}");
        }
    }

    #[test]
    fn websites_are_of_the_web() {
        for url in ["https://a.example", "a.example/x"] {
            assert!(suits_website(url), "{url}");
        }
        for url in ["data:image/png;base64,AA==", "\njavascript:x", "file:///"] {
            assert!(!suits_website(url), "{url:?}");
        }
    }

    #[test]
    fn links_may_have_any_scheme_that_runs_nothing() {
        for url in [
            "file:///project/src/main.rs",
            "https://a.example/javascript:x",
            "git://x",
            "ui://widget/html",
            "data:text/plain,html",
            "data:image/png;base64,AA==",
            "javascript",
        ] {
            assert!(!opens_script(url), "{url}");
        }
        for url in [
            "javascript:alert(1)",
            "\u{b}JAVA\r\nSCRIPT:alert(1)",
            "vbscript:x",
            "data:text/html,<script>",
            "DATA:Text/HTML;base64,AA==",
            "data:image/svg+xml,<svg/>",
            "data:application/xhtml+xml,x",
            "data:text/xsl,x",
            "\u{a0}\u{feff}javascript:x",
        ] {
            assert!(opens_script(url), "{url:?}");
        }
    }
}
