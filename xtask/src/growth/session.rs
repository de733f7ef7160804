//! The sessions that are measured: fixed policies and a made-up conversation of any length.

use portcullis_engine::{Finding, Limits, Monitor, Policy, Step};
use portcullis_json::{self as json, Object};
use portcullis_session::LocalDetectors;
use portcullis_trace::{Event, wire};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Rules {
    /// Ten rules with one variable each.
    Simple,
    /// A flow of two steps whose first step happened once.
    Flow2,
    /// A flow of three steps whose first step happens every hundred events.
    Flow3,
    /// A `count` that searches every output, finds its word in each, and so holds ever after.
    Count,
}

/// A conversation that goes on and on, watched by a policy.
pub(crate) struct Session {
    monitor: Monitor,
    rules: Rules,
    length: usize,
}

/// What came of one turn.
#[derive(Clone, Copy, Default)]
pub(crate) struct Output {
    pub(crate) findings: usize,
    /// The places that the findings list, and how long it takes to go through them.
    pub(crate) ranges: usize,
    pub(crate) listing: Duration,
}

/// The events of a turn: a request, a call, its output, and an answer.
pub(crate) const TURN: usize = 4;

// === impl Rules ===

impl Rules {
    pub(crate) const ALL: [Rules; 4] = [Rules::Simple, Rules::Flow2, Rules::Flow3, Rules::Count];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Rules::Simple => "ten simple rules",
            Rules::Flow2 => "two-step flow",
            Rules::Flow3 => "three-step flow",
            Rules::Count => "count with a search",
        }
    }

    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Rules::Simple => "simple",
            Rules::Flow2 => "flow2",
            Rules::Flow3 => "flow3",
            Rules::Count => "count",
        }
    }

    /// Whether an event must cost the same at every length. The three-step flow has a finding for
    /// each of its first steps, and pays for each.
    pub(crate) fn is_flat(self) -> bool {
        self != Rules::Flow3
    }

    pub(crate) fn load(self) -> Result<Policy, String> {
        let source = match self {
            Rules::Simple => include_str!("../../../benches/policies/simple.inv"),
            Rules::Flow2 => include_str!("../../../benches/policies/flow2.inv"),
            Rules::Flow3 => include_str!("../../../benches/policies/flow3.inv"),
            Rules::Count => include_str!("../../../benches/policies/count.inv"),
        };
        let loaded = Policy::load(source);
        loaded
            .policy
            .ok_or_else(|| format!("the policy of `{}` does not load", self.title()))
    }

    /// The tool that a turn of the past calls.
    fn tool(self, turn: usize) -> &'static str {
        match self {
            Rules::Flow2 if turn == 0 => "fetch",
            Rules::Flow3 if turn.is_multiple_of(25) => "fetch",
            _ => "lookup",
        }
    }

    /// The tools that turns call before the measured ones.
    fn last_tool(self) -> Option<&'static str> {
        (self == Rules::Flow3).then_some("convert")
    }

    /// The tool that a measured turn calls: the one that completes the rule.
    fn measured_tool(self) -> &'static str {
        match self {
            Rules::Simple | Rules::Count => "lookup",
            Rules::Flow2 | Rules::Flow3 => "send",
        }
    }
}

// === impl Session ===

impl Session {
    /// A session with a past of `length` events.
    pub(crate) fn new(rules: Rules, policy: &Policy, length: usize) -> Result<Self, String> {
        let monitor = Monitor::new(policy.clone(), Object::new(), Limits::default());
        let mut session = Self {
            monitor,
            rules,
            length: 0,
        };
        while session.length < length {
            let turn = session.length / TURN;
            let is_last = session.length + TURN >= length;
            let tool = rules.last_tool().filter(|_| is_last && turn > 0);
            session.turn(tool.unwrap_or(rules.tool(turn)))?;
        }
        Ok(session)
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// One more turn, which completes the rule: how long its pushes took.
    pub(crate) fn measured_turn(&mut self) -> Result<Duration, String> {
        self.turn(self.rules.measured_tool()).map(|(time, _)| time)
    }

    /// One more turn, whose findings are gone through.
    pub(crate) fn listed_turn(&mut self) -> Result<Output, String> {
        let (_, found) = self.turn(self.rules.measured_tool())?;
        let start = Instant::now();
        let ranges = found.iter().map(|finding| finding.ranges.iter().count());
        Ok(Output {
            findings: found.len(),
            ranges: ranges.sum(),
            listing: start.elapsed(),
        })
    }

    /// How long the pushes of one more turn took, and its findings.
    fn turn(&mut self, tool: &str) -> Result<(Duration, Vec<Finding>), String> {
        let events = turn(self.length / TURN, tool)?;
        let mut found = Vec::new();
        let start = Instant::now();
        for event in &events {
            let event = std::slice::from_ref(event);
            match self.monitor.push(event, &LocalDetectors) {
                Step::Findings(findings) => {
                    found.extend(findings.into_iter().filter(Finding::is_new));
                }
                Step::Needs(calls) => {
                    return Err(format!("{} detector calls are not answered", calls.len()));
                }
                Step::Failed(failure) => return Err(failure.to_string()),
            }
            self.monitor.commit();
        }
        let elapsed = start.elapsed();
        self.length += events.len();
        Ok((elapsed, found))
    }
}

/// The events of a turn. No two turns have a text in common, so that no answer of a detector is
/// remembered from an earlier one.
fn turn(number: usize, tool: &str) -> Result<Vec<Event>, String> {
    let lorem = "lorem ipsum dolor sit amet, consectetur adipiscing elit. ";
    let elements = [
        format!(
            r#"{{"role": "user", "content": "Please go on with item {number}, and keep it short."}}"#
        ),
        format!(
            r#"{{"role": "assistant", "content": "Working on it.", "tool_calls": [{{"id": "c{number}",
            "type": "function", "function": {{"name": "{tool}", "arguments": {{
            "to": "user{number}@own.example", "path": "/data/{number}.txt", "amount": 7}}}}}}]}}"#
        ),
        format!(
            r#"{{"role": "tool", "tool_call_id": "c{number}",
            "content": "Result {number}: {lorem}{lorem}{lorem}"}}"#
        ),
        format!(
            r#"{{"role": "assistant", "content": "Step {number} is done; the next one follows."}}"#
        ),
    ];
    let mut events = Vec::with_capacity(TURN);
    for element in elements {
        let element = json::parse(&element, &json::Limits::lenient());
        let element = element.map_err(|error| error.to_string())?;
        events.extend(wire::events(&element).map_err(|error| error.to_string())?);
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measured_turn_completes_the_rule() {
        let check = |rules: Rules, length, expected| {
            let policy = rules.load().unwrap();
            let mut session = Session::new(rules, &policy, length).unwrap();
            assert!(session.length() >= length && session.length() < length + TURN);
            assert_eq!(
                session.listed_turn().unwrap().findings,
                expected,
                "{rules:?}"
            );
        };
        check(Rules::Simple, 40, 0);
        check(Rules::Flow2, 10, 1);
        check(Rules::Flow2, 400, 1);
        check(Rules::Flow3, 10, 1);
        check(Rules::Flow3, 400, 4);
        check(Rules::Count, 10, 1);
        check(Rules::Count, 400, 1);
    }
}
