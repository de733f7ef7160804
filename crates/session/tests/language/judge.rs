//! One policy over one trace, as a whole and event by event.

use crate::show;
use portcullis_engine::{Finding, Limits, Loaded, Monitor, Policy, Step};
use portcullis_json::{Object, Value};
use portcullis_session::LocalDetectors;
use portcullis_trace::wire;
use std::collections::BTreeSet;

/// What stands above a result block.
#[derive(Default)]
pub(crate) struct Case {
    pub(crate) parameters: Object,
    pub(crate) trace: Vec<Value>,
    pub(crate) policy_line: usize,
    policy: String,
    said: Said,
}

/// Which results of the policy the page has shown so far.
#[derive(Default)]
struct Said {
    outcome: bool,
    warnings: bool,
}

/// What each push found new, up to the end or to the one that failed.
struct Judged {
    steps: Vec<Vec<Finding>>,
    /// Why there are no findings of that push.
    stopped: Option<Block>,
}

/// The kind of a result block and its text; or why there is none.
type Shown = Result<Block, String>;

type Block = (&'static str, String);

/// What these say of a part of a session may differ from what they say of all of it.
const QUANTIFIERS: [&str; 2] = ["forall", "count"];

// === impl Case ===

impl Case {
    /// Begins a new case; the trace stays until the page shows another.
    pub(crate) fn take_policy(&mut self, policy: &str, line: usize) {
        policy.clone_into(&mut self.policy);
        self.policy_line = line;
        self.parameters = Object::new();
        self.said = Said::default();
    }

    pub(crate) fn whole(&mut self) -> Shown {
        self.said.outcome = true;
        let judged = self.judge(std::slice::from_ref(&self.trace));
        if let Some(stopped) = judged.stopped {
            return Ok(stopped);
        }
        let whole = judged.steps.concat();
        let mut words = self.policy.split(|c: char| !c.is_alphanumeric());
        if !words.any(|word| QUANTIFIERS.contains(&word)) {
            self.compare(&whole)?;
        }
        Ok(("findings", show::findings(&whole, &self.trace)))
    }

    pub(crate) fn stepwise(&mut self) -> Block {
        self.said.outcome = true;
        let Judged { steps, stopped } = self.judge(&self.elements());
        let found = steps.iter().map(|found| show::findings(found, &self.trace));
        let stopped = stopped.map(|(kind, text)| format!("{kind}: {text}"));
        let steps = found.chain(stopped).enumerate();
        let shown = steps.map(|(index, text)| format!("event {index}:\n{}", show::indented(&text)));
        ("steps", shown.collect())
    }

    pub(crate) fn warnings(&mut self) -> Shown {
        self.said.warnings = true;
        let loaded = Policy::load(&self.policy);
        if loaded.policy.is_none() {
            return Err("the policy does not load: this is a load-error".to_owned());
        }
        Ok(("warnings", show::diagnostics(&self.policy, &loaded)))
    }

    pub(crate) fn unsaid(&self) -> Option<&'static str> {
        if self.policy.is_empty() {
            return None;
        }
        if !self.said.outcome {
            return Some("no result block says what comes of this policy");
        }
        let Loaded {
            policy,
            diagnostics,
        } = Policy::load(&self.policy);
        let warns = policy.is_some() && !diagnostics.is_empty();
        (warns && !self.said.warnings).then_some("no block shows the warnings of this policy")
    }

    /// Whether event by event the same is found.
    fn compare(&self, whole: &[Finding]) -> Result<(), String> {
        let set = |found: &[Finding]| -> BTreeSet<String> {
            let one = |finding| show::findings(std::slice::from_ref(finding), &self.trace);
            found.iter().map(one).collect()
        };
        let judged = self.judge(&self.elements());
        if let Some((_, message)) = judged.stopped {
            return Err(format!("event by event it fails: {message}"));
        }
        let (whole, steps) = (set(whole), set(&judged.steps.concat()));
        if whole == steps {
            return Ok(());
        }
        Err(format!("whole {whole:?} and event by event {steps:?}"))
    }

    fn elements(&self) -> Vec<Vec<Value>> {
        self.trace.iter().map(|one| vec![one.clone()]).collect()
    }

    /// Pushes the parts of a trace one after the other, as far as it goes.
    fn judge(&self, parts: &[Vec<Value>]) -> Judged {
        let loaded = Policy::load(&self.policy);
        let Some(policy) = loaded.policy.clone() else {
            let errors = show::diagnostics(&self.policy, &loaded);
            return Judged {
                steps: Vec::new(),
                stopped: Some(("load-error", errors)),
            };
        };
        let mut monitor = Monitor::new(policy, self.parameters.clone(), Limits::default());
        let mut steps = Vec::new();
        let mut pushes = parts.iter().map(|part| self.push(&mut monitor, part));
        let stopped = pushes.find_map(|pushed| match pushed {
            Ok(found) => {
                steps.push(found);
                None
            }
            Err(message) => Some(("run-error", message)),
        });
        Judged { steps, stopped }
    }

    /// What a part of a trace adds to the findings; or why that cannot be said.
    fn push(&self, monitor: &mut Monitor, part: &[Value]) -> Result<Vec<Finding>, String> {
        let events = wire::trace(part).map_err(|error| format!("{error}\n"))?;
        let found = match monitor.push(&events, &LocalDetectors) {
            Step::Findings(found) => found,
            Step::Needs(calls) => return Err(format!("unanswered: {calls:?}\n")),
            Step::Failed(failure) => return Err(show::failure(&self.policy, &failure)),
        };
        monitor.commit();
        Ok(found.into_iter().filter(Finding::is_new).collect())
    }
}
