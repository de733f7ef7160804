//! What a text must hold before a rule can find anything in it, told without trying the rule.
//!
//! Nearly every credential is a long run, of which prose has hardly any. So most rules are tried on
//! the long runs alone, the others on the whole text, and neither unless a keyword calls for them.

use super::keywords::Keywords;
use super::rules::RULES;
use crate::runs::LongRuns;
use crate::view::View;
use std::collections::BTreeSet;
use std::mem;
use std::ops::Range;
use std::sync::LazyLock;

/// Where the matches of a rule can lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Inside one run, and a keyword with them.
    Run,
    /// Anywhere in a text that has a run.
    BesideRun,
    /// Anywhere.
    Text,
}

/// Where a rule that is called for is to be tried.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'r> {
    Runs(&'r [Range<usize>]),
    Whole,
}

/// The long runs of a text.
#[derive(Debug, Default)]
pub(super) struct Runs {
    all: Vec<Range<usize>>,
    /// Whether one of them may be the value of a rule that also looks at what stands beside it.
    has_value: bool,
}

/// How many different bytes there are at least in what has the least entropy that a rule asks for,
/// and in each prefix of a form with check digits.
const DIFFERENT_MIN: usize = 4;

/// Values that have neither a digit nor one of these signs are accepted from this length on.
const PLAIN_VALUE_MIN: usize = 32;
const VALUE_SIGNS: &[u8] = b"!#%^*@~?";

/// A run of fewer bytes is too short for most rules.
const USUAL_MIN: usize = 24;

/// Rules of which a match lies inside one run, and may be shorter than [`USUAL_MIN`].
const IN_SHORT_RUN: [&str; 6] = [
    "alibaba-key",
    "stripe-key",
    "aiven-password",
    "aws-access-key-id",
    "flutterwave-secret",
    "slack-token",
];

/// Rules of which a match need not have a run in it.
const IN_TEXT: [&str; 11] = [
    "private-key",
    "netrc-password",
    "url-credential",
    "connection-string",
    "curl-user",
    "command-option",
    "login-command",
    "login-option",
    "wordpress-salt",
    "seed-phrase",
    "assigned-password",
];

/// Rules of which a match has a run in it, but also other characters, or its keyword elsewhere.
const BESIDE_RUN: [&str; 27] = [
    "airtable-token",
    "assigned-secret",
    "authorization-header",
    "aws-secret-access-key",
    "aws-session-token",
    "azure-client-secret",
    "azure-marked-key",
    "azure-storage-key",
    "figma-token",
    "google-service-account",
    "heroku-token",
    "jwk-private-key",
    "known-service-key",
    "kubernetes-bootstrap-token",
    "named-vendor-key",
    "npm-registry-token",
    "okta-token",
    "password-hash",
    "putty-private-key",
    "quoted-secret",
    "session-cookie",
    "telegram-token",
    "telnyx-key",
    "thingsboard-secret",
    "truenas-key",
    "url-parameter",
    "wireguard-key",
];

/// Of rules that are tried on the whole text, keywords that call for them in a long run alone: what
/// a rule matches with such a keyword, and none of its others, is a run. In prose they are parts of
/// words (`path`).
const IN_RUN_ALONE: [(&str, &str); 1] = [("airtable-token", "pat")];

static REACHES: LazyLock<Vec<Reach>> = LazyLock::new(|| {
    let reach = |id: &str| {
        if IN_TEXT.contains(&id) {
            Reach::Text
        } else if BESIDE_RUN.contains(&id) {
            Reach::BesideRun
        } else {
            Reach::Run
        }
    };
    RULES.iter().map(|rule| reach(rule.id)).collect()
});

static OF_RUNS: LazyLock<Keywords> = LazyLock::new(|| {
    keywords(|id, reach, word| reach == Reach::Run || IN_RUN_ALONE.contains(&(id, word)))
});
static OF_SHORT_RUNS: LazyLock<Keywords> =
    LazyLock::new(|| keywords(|id, _, _| IN_SHORT_RUN.contains(&id)));
static OF_TEXT: LazyLock<Keywords> = LazyLock::new(|| keywords(|_, reach, _| reach == Reach::Text));
static OF_ALL_BUT_RUNS: LazyLock<Keywords> = LazyLock::new(|| {
    keywords(|id, reach, word| reach != Reach::Run && !IN_RUN_ALONE.contains(&(id, word)))
});

/// The rules that a text calls for, in their order, and where to try each.
pub(super) fn called<'r>(text: &str, runs: &'r Runs) -> Vec<(usize, Part<'r>)> {
    let mut called = BTreeSet::new();
    runs.keywords_beside().add_called(text, &mut called);
    for run in &runs.all {
        let part = text.get(run.clone()).unwrap_or_default();
        keywords_in(run).add_called(part, &mut called);
    }
    runs.parts(called)
}

/// The same for a text and for its view.
///
/// All that is apart from the changes is looked at once. A keyword that has no byte of a change
/// stands in both texts. A run that no change is in or beside has the same bytes in both, and the
/// same beside it, so it is a run of both.
pub(super) fn called_in_both<'r>(
    text: &str,
    runs: &'r Runs,
    view: &View,
    seen: &'r Runs,
) -> [Vec<(usize, Part<'r>)>; 2] {
    let (written, read) = (view.changed_in_original(), view.changed());
    let mut called = BTreeSet::new();
    let mut called_in_view = BTreeSet::new();
    if runs.has_value == seen.has_value {
        let keywords = runs.keywords_beside();
        keywords.add_called_apart(text, written, &mut called, &mut called_in_view);
        keywords.add_called_at(&view.text, read, &mut called_in_view);
    } else {
        runs.keywords_beside().add_called(text, &mut called);
        let keywords = seen.keywords_beside();
        keywords.add_called(&view.text, &mut called_in_view);
    }
    let mut called_in_both = BTreeSet::new();
    for run in &runs.all {
        let part = text.get(run.clone()).unwrap_or_default();
        let called = if written.is_at(run) {
            &mut called
        } else {
            &mut called_in_both
        };
        keywords_in(run).add_called(part, called);
    }
    for run in seen.all.iter().filter(|run| read.is_at(run)) {
        let part = view.text.get(run.clone()).unwrap_or_default();
        keywords_in(run).add_called(part, &mut called_in_view);
    }
    called.extend(&called_in_both);
    called_in_view.extend(called_in_both);
    [runs.parts(called), seen.parts(called_in_view)]
}

/// Those that call for a rule if they stand in the run.
fn keywords_in(run: &Range<usize>) -> &'static Keywords {
    if run.len() < USUAL_MIN {
        &OF_SHORT_RUNS
    } else {
        &OF_RUNS
    }
}

/// Those that are wanted for the name or the reach of their rule, or for themselves.
fn keywords(is_wanted: fn(&str, Reach, &str) -> bool) -> Keywords {
    Keywords::of(|number, word| {
        let rule = RULES.get(number).zip(REACHES.get(number));
        rule.is_some_and(|(rule, reach)| is_wanted(rule.id, *reach, word))
    })
}

// === impl Runs ===

impl Runs {
    /// The runs of a text, those left out that are too uniform for a credential.
    pub(super) fn of(long: &LongRuns<'_>) -> Self {
        let mut runs = Self::default();
        for run in &long.runs {
            let part = long.text.get(run.clone()).unwrap_or_default();
            if is_varied(part) {
                runs.has_value |= may_be_value(part);
                runs.all.push(run.clone());
            }
        }
        runs
    }

    /// Those that call for a rule wherever they stand in the text.
    fn keywords_beside(&self) -> &'static Keywords {
        if self.has_value {
            &OF_ALL_BUT_RUNS
        } else {
            &OF_TEXT
        }
    }

    /// Where each of the rules is to be tried.
    fn parts(&self, called: BTreeSet<usize>) -> Vec<(usize, Part<'_>)> {
        let part = |number: usize| match REACHES.get(number) {
            Some(Reach::Run) => Part::Runs(&self.all),
            Some(Reach::BesideRun | Reach::Text) | None => Part::Whole,
        };
        called
            .into_iter()
            .map(|number| (number, part(number)))
            .collect()
    }
}

/// Whether a rule that also looks at what stands beside a run may accept this one.
fn may_be_value(run: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_digit() || VALUE_SIGNS.contains(&byte);
    run.len() >= PLAIN_VALUE_MIN || run.bytes().any(is_sign)
}

/// Whether the text has enough different bytes for a credential.
fn is_varied(text: &str) -> bool {
    let mut seen = [false; 128];
    let mut different = 0;
    for byte in text.bytes() {
        let Some(seen) = seen.get_mut(usize::from(byte)) else {
            return true;
        };
        different += usize::from(!mem::replace(seen, true));
        if different == DIFFERENT_MIN {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests;
