//! Markdown with fenced blocks, some of which are policies, traces and results.

use crate::judge::Case;
use portcullis_json::{self as json, Limits, Object, Value};
use std::fmt;

/// A page as a list of pieces that, written one after the other, are the page.
pub(crate) struct Page {
    pieces: Vec<Piece>,
}

enum Piece {
    /// A line that belongs to no fenced block.
    Prose(String),
    Fence(Fence),
}

struct Fence {
    /// What stands behind the opening backticks.
    kind: String,
    body: String,
    line: usize,
}

/// Something on a page that is not so.
#[derive(Debug)]
pub(crate) struct Problem {
    line: usize,
    message: String,
    pub(crate) is_mended_by_rewriting: bool,
}

const FENCE: &str = "```";

// === impl Page ===

impl Page {
    pub(crate) fn read(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let Some(kind) = line.strip_prefix(FENCE) else {
                pieces.push(Piece::Prose(line.to_owned()));
                continue;
            };
            let body = lines.by_ref().map(|(_, line)| line);
            let body = body.take_while(|line| *line != FENCE);
            pieces.push(Piece::Fence(Fence {
                kind: kind.to_owned(),
                body: body.flat_map(|line| [line, "\n"]).collect(),
                line: index + 1,
            }));
        }
        Self { pieces }
    }

    /// The page with every result as it comes out, and what was written otherwise.
    pub(crate) fn answered(self) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut case = Case::default();
        let mut pieces = Vec::new();
        for piece in self.pieces {
            pieces.push(match piece {
                Piece::Prose(line) => Piece::Prose(line),
                Piece::Fence(fence) => Piece::Fence(fence.answered(&mut case, &mut problems)),
            });
        }
        problems.extend(unsaid(&case));
        (Self { pieces }, problems)
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Prose(line) => writeln!(f, "{line}")?,
                Piece::Fence(Fence { kind, body, .. }) => {
                    write!(f, "{FENCE}{kind}\n{body}{FENCE}\n")?;
                }
            }
        }
        Ok(())
    }
}

// === impl Fence ===

impl Fence {
    fn answered(self, case: &mut Case, problems: &mut Vec<Problem>) -> Self {
        let line = self.line;
        let result = match self.kind.as_str() {
            "policy" => {
                problems.extend(unsaid(case));
                case.take_policy(&self.body, line);
                return self;
            }
            "parameters" | "trace" => {
                match json::parse(&self.body, &Limits::lenient()) {
                    Ok(Value::Object(parameters)) => {
                        case.parameters = Object::clone(&parameters);
                    }
                    Ok(Value::Array(trace)) => case.trace = trace.to_vec(),
                    Ok(_) => problems.push(problem(line, "neither a list nor an object")),
                    Err(error) => problems.push(problem(line, &error.to_string())),
                }
                return self;
            }
            "findings" | "load-error" | "run-error" => case.whole(),
            "steps" => Ok(case.stepwise()),
            "warnings" => case.warnings(),
            _ => return self,
        };
        let (kind, body) = match result {
            Ok(result) => result,
            Err(message) => {
                problems.push(problem(line, &message));
                return self;
            }
        };
        if (kind, &body) != (self.kind.as_str(), &self.body) {
            problems.push(Problem {
                is_mended_by_rewriting: true,
                ..problem(line, &format!("{kind} are\n{body}and not\n{}", self.body))
            });
        }
        Self {
            kind: kind.to_owned(),
            body,
            line,
        }
    }
}

/// What a page does not say of a policy and has to.
fn unsaid(case: &Case) -> Option<Problem> {
    case.unsaid()
        .map(|message| problem(case.policy_line, message))
}

fn problem(line: usize, message: &str) -> Problem {
    Problem {
        line,
        message: message.to_owned(),
        is_mended_by_rewriting: false,
    }
}

// === impl Problem ===

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}
