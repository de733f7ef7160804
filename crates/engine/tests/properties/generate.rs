//! Random policies and traces, written from a tape of choices so that failures shrink: an
//! exhausted tape chooses the first, simplest option everywhere.

use portcullis_json::{Object, Value};
use std::fmt::Write as _;

/// Numbers that decide what is generated.
pub(crate) struct Tape {
    choices: Vec<u16>,
    next: usize,
}

/// Writes one rule.
struct Rule<'t> {
    tape: &'t mut Tape,
    scope: Vec<(String, Kind)>,
    names: usize,
    has_predicates: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Message,
    Call,
    Output,
    Chunk,
    Text,
    Number,
}

const WORDS: [&str; 6] = ["alpha", "beta", "gamma", "alpha beta", "BETA", "a.c"];
const TOOLS: [&str; 3] = ["read", "send", "probe"];
const EVENTS: [Kind; 3] = [Kind::Message, Kind::Call, Kind::Output];

const PREDICATES: &str = "\
hot(word: str) := \"alpha\" in word or word == \"beta\"
followed(first: ToolCall) :=
    first -> (later: ToolCall)
    later is tool:send
";

// === impl Tape ===

impl Tape {
    pub(crate) fn new(choices: Vec<u16>) -> Self {
        Self { choices, next: 0 }
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let choice = self.choices.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        usize::from(choice) % bound
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())]
    }

    pub(crate) fn policy(&mut self) -> String {
        let mut policy = "from invariant import count, forall\n".to_owned();
        let has_predicates = self.one_in(3);
        if has_predicates {
            policy.push_str(PREDICATES);
        }
        for number in 0..=self.below(2) {
            policy.push_str(&self.rule(number, has_predicates));
        }
        policy
    }

    fn rule(&mut self, number: usize, has_predicates: bool) -> String {
        let mut rule = Rule {
            tape: self,
            scope: Vec::new(),
            names: 0,
            has_predicates,
        };
        let body = rule.body(1, 2);
        let error = rule.error(number);
        format!("raise {error} if:\n{body}")
    }

    /// Elements of a trace, as they are written in JSON.
    pub(crate) fn trace(&mut self) -> Vec<Value> {
        let length = 1 + self.below(7);
        let mut calls = 0;
        (0..length).map(|_| self.element(&mut calls)).collect()
    }

    fn element(&mut self, calls: &mut usize) -> Value {
        match self.below(7) {
            0 => object([("role", "user".into()), ("content", self.words())]),
            1 | 2 => {
                *calls += 1;
                self.call(*calls)
            }
            3 => {
                let content = if self.one_in(3) {
                    Value::Null
                } else {
                    self.words()
                };
                let tool_calls: Vec<Value> = (0..self.below(3))
                    .map(|_| {
                        *calls += 1;
                        self.call(*calls)
                    })
                    .collect();
                object([
                    ("role", "assistant".into()),
                    ("content", content),
                    ("tool_calls", tool_calls.into()),
                ])
            }
            4 => {
                let chunks: Vec<Value> = (0..self.below(3)).map(|_| self.chunk()).collect();
                object([("role", "user".into()), ("content", chunks.into())])
            }
            5 => {
                let answers = format!("c{}", self.below(*calls + 1));
                object([
                    ("role", "tool".into()),
                    ("tool_call_id", answers.as_str().into()),
                    ("content", self.words()),
                ])
            }
            _ => {
                let content = object([("n", self.number()), ("word", self.words())]);
                object([("role", "tool".into()), ("content", content)])
            }
        }
    }

    fn call(&mut self, id: usize) -> Value {
        let mut arguments = Object::new();
        if !self.one_in(4) {
            arguments.insert("word", self.words());
        }
        if !self.one_in(3) {
            arguments.insert("n", self.number());
        }
        if self.one_in(2) {
            let tags: Vec<Value> = (0..self.below(3)).map(|_| self.words()).collect();
            arguments.insert("tags", tags);
        }
        let name = self.pick(&TOOLS);
        let function = object([("name", name.into()), ("arguments", arguments.into())]);
        object([
            ("id", format!("c{id}").as_str().into()),
            ("type", "function".into()),
            ("function", function),
        ])
    }

    fn chunk(&mut self) -> Value {
        object([("type", "text".into()), ("text", self.words())])
    }

    fn words(&mut self) -> Value {
        self.pick(&WORDS).into()
    }

    fn number(&mut self) -> Value {
        [0, 1, 2, 7][self.below(4)].into()
    }
}

// === impl Rule ===

impl Rule<'_> {
    /// Lines indented by `depth`; quantifiers may nest `nesting` deep.
    fn body(&mut self, depth: usize, nesting: usize) -> String {
        let mut lines = self.binders(depth);
        for _ in 0..self.tape.below(4) {
            let indent = "    ".repeat(depth);
            match self.tape.below(8) {
                0 if nesting > 0 => lines.push_str(&self.quantifier(depth, nesting)),
                1 => lines.push_str(&self.binders(depth)),
                2 => {
                    let value = self.text();
                    let name = self.declare(Kind::Text);
                    writeln!(lines, "{indent}{name} := {value}").unwrap();
                }
                _ => {
                    let condition = self.condition(1);
                    writeln!(lines, "{indent}{condition}").unwrap();
                }
            }
        }
        lines
    }

    fn binders(&mut self, depth: usize) -> String {
        let indent = "    ".repeat(depth);
        let event = self.variable(&EVENTS);
        let kind = self.tape.pick(&EVENTS);
        match (self.tape.below(9), event) {
            (3 | 4, _) => {
                let first = self.binder(kind);
                let kind = self.tape.pick(&EVENTS);
                let second = self.binder(kind);
                let arrow = self.arrow();
                format!("{indent}{first} {arrow} {second}\n")
            }
            (5, Some(event)) => {
                let arrow = self.arrow();
                let bound = self.binder(kind);
                format!("{indent}{event} {arrow} {bound}\n")
            }
            (6, _) => {
                let list = self.list();
                let bound = self.binder(Kind::Text);
                format!("{indent}{bound} in {list}\n")
            }
            (7, _) => format!("{indent}{}\n", self.binder(Kind::Chunk)),
            (8, _) => {
                let kind = self.tape.pick(&[Kind::Text, Kind::Number]);
                format!("{indent}{}\n", self.binder(kind))
            }
            _ => format!("{indent}{}\n", self.binder(kind)),
        }
    }

    fn quantifier(&mut self, depth: usize, nesting: usize) -> String {
        let head = self.tape.pick(&[
            "count(min=2)",
            "forall",
            "count(min=1)",
            "not count(min=1)",
            "count(max=1)",
            "not count(max=2)",
            "not forall",
            "count(min=1, max=2)",
        ]);
        let outer = self.scope.clone();
        let body = self.body(depth + 1, nesting - 1);
        self.scope = outer;
        format!("{}{head}:\n{body}", "    ".repeat(depth))
    }

    fn error(&mut self, number: usize) -> String {
        let kinds = [
            Kind::Message,
            Kind::Call,
            Kind::Output,
            Kind::Text,
            Kind::Number,
        ];
        match (self.tape.below(3), self.variable(&kinds)) {
            (2, Some(name)) => format!("Violation(\"rule {number}\", it={name})"),
            _ => format!("\"rule {number}\""),
        }
    }

    fn condition(&mut self, depth: usize) -> String {
        let call = self.variable(&[Kind::Call]);
        let output = self.variable(&[Kind::Output]);
        let number = self.variable(&[Kind::Number]);
        let word = self.tape.pick(&WORDS);
        let comparison = self.tape.pick(&["==", "!=", "<", ">="]);
        match (self.tape.below(16), call, output, number) {
            (1, Some(call), _, _) => {
                let tool = self.tape.pick(&TOOLS);
                let pattern =
                    self.tape
                        .pick(&["", "({n: 7})", "({word: \"al.*\"})", "({tags: [*]})"]);
                format!("{call} is tool:{tool}{pattern}")
            }
            (2, _, Some(output), _) => format!("{output} is tool:{}", self.tape.pick(&TOOLS)),
            // An error where the argument is missing.
            (3, Some(call), _, _) => format!("{call}.function.arguments.n {comparison} 2"),
            (4, Some(call), _, _) => {
                format!("{call}.function.arguments.get(\"n\", 1) {comparison} 1")
            }
            (5, _, _, Some(number)) => format!("{number} {comparison} 1"),
            (6, _, _, _) => format!("{} in {}", self.text(), self.list()),
            (7, _, _, _) => format!("any(find(\"[ab].*a\", {}))", self.text()),
            (8, _, _, _) => format!("len({}) {comparison} 1", self.list()),
            (9, _, _, _) => {
                format!(
                    "len([z for z in {} if z != \"alpha\"]) {comparison} 1",
                    self.list()
                )
            }
            (10, _, _, _) if depth > 0 => {
                let operator = self.tape.pick(&["and", "or"]);
                let (left, right) = (self.condition(0), self.condition(0));
                format!("True == (({left}) {operator} ({right}))")
            }
            (11, _, _, _) if depth > 0 => format!("not ({})", self.condition(0)),
            (12, Some(call), _, _) if self.has_predicates => {
                let negation = self.tape.pick(&["", "not "]);
                format!("{negation}followed({call})")
            }
            (13, _, _, _) if self.has_predicates => format!("hot({})", self.text()),
            (14, _, _, _) => match (self.variable(&EVENTS), self.variable(&EVENTS)) {
                (Some(first), Some(second)) => format!("{first} {} {second}", self.arrow()),
                _ => format!("\"{word}\" in {}", self.text()),
            },
            (15, _, _, _) => format!("{} {} {}", self.text(), self.equality(), self.text()),
            _ => format!("\"{word}\" in {}", self.text()),
        }
    }

    /// An expression that is usually a text.
    fn text(&mut self) -> String {
        let word = self.tape.pick(&WORDS);
        let kinds = [
            Kind::Message,
            Kind::Call,
            Kind::Output,
            Kind::Chunk,
            Kind::Text,
        ];
        let found: Vec<_> = self
            .scope
            .iter()
            .filter(|(_, kind)| kinds.contains(kind))
            .cloned()
            .collect();
        if found.is_empty() || self.tape.one_in(5) {
            return format!("\"{word}\"");
        }
        let (name, kind) = &found[self.tape.below(found.len())];
        match kind {
            Kind::Message => {
                let attribute = self.tape.pick(&["role", "content", "content"]);
                format!("{name}.{attribute}")
            }
            Kind::Call => {
                let path = self.tape.pick(&[
                    "function.name",
                    "function.arguments.get(\"word\", \"none\")",
                    "function.arguments.word",
                    "id",
                ]);
                format!("{name}.{path}")
            }
            Kind::Output => format!("{name}.content"),
            Kind::Chunk => format!("{name}.text"),
            Kind::Text => self
                .tape
                .pick(&[name.as_str(), &format!("{name}.upper()")])
                .to_owned(),
            Kind::Number => format!("\"{word}\""),
        }
    }

    fn list(&mut self) -> String {
        let call = self.variable(&[Kind::Call]);
        let message = self.variable(&[Kind::Message]);
        let text = self.variable(&[Kind::Text]);
        match (self.tape.below(7), call, message, text) {
            (1, Some(call), _, _) => format!("{call}.function.arguments.get(\"tags\", [])"),
            (2, Some(call), _, _) => format!("{call}.function.arguments"),
            (3, _, Some(message), _) => format!("text({message})"),
            (4, _, Some(message), _) => format!("find(\"[a-z]+a\", \"\".join(text({message})))"),
            (5, _, _, Some(text)) => format!("{text}.split(\" \")"),
            (6, _, _, _) => "[]".to_owned(),
            _ => "[\"alpha\", \"beta\"]".to_owned(),
        }
    }

    fn binder(&mut self, kind: Kind) -> String {
        let name = self.declare(kind);
        let kind = match kind {
            Kind::Message => "Message",
            Kind::Call => "ToolCall",
            Kind::Output => "ToolOutput",
            Kind::Chunk => "TextChunk",
            Kind::Text => "str",
            Kind::Number => "int",
        };
        format!("({name}: {kind})")
    }

    fn declare(&mut self, kind: Kind) -> String {
        self.names += 1;
        let name = format!("v{}", self.names);
        self.scope.push((name.clone(), kind));
        name
    }

    fn variable(&mut self, kinds: &[Kind]) -> Option<String> {
        let found: Vec<_> = self
            .scope
            .iter()
            .filter(|(_, kind)| kinds.contains(kind))
            .map(|(name, _)| name.clone())
            .collect();
        (!found.is_empty()).then(|| found[self.tape.below(found.len())].clone())
    }

    fn arrow(&mut self) -> &'static str {
        self.tape.pick(&["->", "->", "~>"])
    }

    fn equality(&mut self) -> &'static str {
        self.tape.pick(&["==", "!="])
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let mut object = Object::new();
    for (name, value) in members {
        object.insert(name, value);
    }
    object.into()
}
