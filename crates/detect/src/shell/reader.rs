//! A walk over what was read that says what it runs.

use super::field::{Atom, Field, fields, line};
use super::parser::parse;
use super::tree::{Assignment, Command, Part, Pipeline, Redirect, Stage, Target, Tree, Word};
use super::wrap::{Inner, inner};
use super::{DEPTH_MAX, OUTPUT_BYTES_MAX, Read, Refusal, ShellCode, ShellCommand, output};
use std::collections::BTreeMap;

/// The values of the variables that have one value only.
pub(super) type Constants = BTreeMap<String, String>;

/// Commands that set the variables that their arguments name.
const SETTERS: [&str; 11] = [
    "declare",
    "export",
    "getopts",
    "let",
    "local",
    "mapfile",
    "printf",
    "read",
    "readarray",
    "readonly",
    "typeset",
];

#[derive(Debug)]
pub(super) struct Reader<'c> {
    pub(super) found: ShellCode,
    /// What this reading gives each variable; nothing where that differs or is not known.
    assigned: BTreeMap<String, Option<String>>,
    /// Whether other files may set any variable.
    reads_files: bool,
    /// What an earlier reading found.
    constants: &'c Constants,
    depth: usize,
    bytes: usize,
}

/// What a part of the text comes to.
#[derive(Clone, Debug, Default)]
struct Rendered {
    text: String,
    programs: Vec<String>,
    /// What it writes, if that can be told.
    output: Option<String>,
}

/// What a command reads.
#[derive(Clone, Debug, Default)]
struct Input {
    programs: Vec<String>,
    text: Option<String>,
}

// === impl Reader ===

impl<'c> Reader<'c> {
    pub(super) fn new(constants: &'c Constants) -> Self {
        Self {
            found: ShellCode::default(),
            assigned: BTreeMap::new(),
            reads_files: false,
            constants,
            depth: 0,
            bytes: 0,
        }
    }

    /// What the next reading may take for known.
    pub(super) fn constants(&self) -> Constants {
        if self.reads_files {
            return Constants::new();
        }
        let known = self.assigned.iter();
        let known = known.filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        known.collect()
    }

    pub(super) fn script(&mut self, source: &str) -> Read<()> {
        let tree = parse(source, self.depth)?;
        self.tree(&tree).map(drop)
    }

    /// Runs `read` one level deeper: what a shell is given to read, a command in another.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Refusal("nested too deep"));
        }
        let found = read(self)?;
        self.depth -= 1;
        Ok(found)
    }

    fn count(&mut self, bytes: usize) -> Read<()> {
        self.bytes += bytes;
        if self.bytes > OUTPUT_BYTES_MAX {
            return Err(Refusal("commands that come to too much"));
        }
        Ok(())
    }

    /// Counts what is kept.
    fn kept(&mut self, text: String) -> Read<String> {
        self.count(text.len())?;
        Ok(text)
    }

    fn tree(&mut self, tree: &Tree) -> Read<Rendered> {
        self.body(&tree.pipelines, &tree.documents, &Input::default())
    }

    fn body(
        &mut self,
        pipelines: &[Pipeline],
        documents: &[Word],
        input: &Input,
    ) -> Read<Rendered> {
        let mut all = Rendered::default();
        for pipeline in pipelines {
            let one = self.pipeline(pipeline, documents, input)?;
            if !all.text.is_empty() {
                all.text.push_str("; ");
            }
            all.text.push_str(&one.text);
            all.programs.extend(one.programs);
            all.output = one.output.filter(|_| pipelines.len() == 1);
        }
        Ok(all)
    }

    fn pipeline(
        &mut self,
        pipeline: &Pipeline,
        documents: &[Word],
        input: &Input,
    ) -> Read<Rendered> {
        let mut all = Rendered::default();
        let mut input = input.clone();
        for (place, stage) in pipeline.0.iter().enumerate() {
            let one = self.stage(stage, documents, &input)?;
            if place > 0 {
                all.text.push_str(" | ");
            }
            all.text.push_str(&one.text);
            all.programs.extend(one.programs.iter().cloned());
            all.output.clone_from(&one.output);
            input.programs.extend(one.programs);
            input.text = one.output;
        }
        if !all.text.is_empty() {
            let text = self.kept(all.text.clone())?;
            self.found.pipelines.push(text);
        }
        Ok(all)
    }

    fn stage(&mut self, stage: &Stage, documents: &[Word], input: &Input) -> Read<Rendered> {
        let mut input = input.clone();
        let mut redirects = String::new();
        let mut output_is_kept = true;
        for redirect in &stage.redirects {
            let text = self.redirect(redirect, documents, &mut input)?;
            output_is_kept &= redirect.operator.starts_with('<');
            redirects.push(' ');
            redirects.push_str(&text);
        }
        let mut found = match &stage.command {
            Command::Simple { assignments, words } => self.simple(assignments, words, &input)?,
            Command::Compound { sets, words, body } => {
                let mut programs = Vec::new();
                for word in words {
                    self.fields(word, &mut programs)?;
                }
                if let Some(name) = sets {
                    self.assigned.insert(name.clone(), None);
                }
                let mut body = self.body(body, documents, &input)?;
                body.text = format!("{{ {}; }}", body.text);
                body.programs.extend(programs);
                body
            }
            Command::Function(body) => self.stage(body, documents, &Input::default())?,
        };
        found.text.push_str(&redirects);
        found.output = found.output.filter(|_| output_is_kept);
        Ok(found)
    }

    fn redirect(
        &mut self,
        redirect: &Redirect,
        documents: &[Word],
        input: &mut Input,
    ) -> Read<String> {
        let mut programs = Vec::new();
        let text = match &redirect.target {
            Target::Document(place) => {
                let body = documents
                    .get(*place)
                    .map(|body| self.fields(body, &mut programs));
                let body = body.transpose()?.unwrap_or_default();
                input.text = Some(body.iter().map(Field::script).collect());
                redirect.operator.to_owned()
            }
            Target::Word(word) => {
                let target = self.fields(word, &mut programs)?;
                if redirect.operator == "<<<" {
                    input.text = Some(target.iter().map(Field::script).collect());
                } else if redirect.operator.starts_with('<') {
                    input.text = None;
                }
                line(redirect.operator, &target)
            }
        };
        input.programs.extend(programs);
        let text = self.kept(text)?;
        self.found.redirects.push(text.clone());
        Ok(text)
    }

    fn simple(
        &mut self,
        assignments: &[Assignment],
        words: &[Word],
        input: &Input,
    ) -> Read<Rendered> {
        let mut substituted = Vec::new();
        for assignment in assignments {
            self.assign(assignment, &mut substituted)?;
        }
        let mut all = Vec::new();
        for word in words {
            all.extend(self.fields(word, &mut substituted)?);
        }
        let vanishing = all.iter().take_while(|field| field.may_vanish()).count();
        let mut rendered = self.command(&all, input, &substituted)?;
        if (1..all.len()).contains(&vanishing) {
            let rest = all.get(vanishing..).unwrap_or_default();
            let instead = self.command(rest, input, &[])?;
            rendered.programs.extend(instead.programs);
        }
        Ok(rendered)
    }

    fn assign(&mut self, assignment: &Assignment, programs: &mut Vec<String>) -> Read<()> {
        let name = &assignment.name;
        let mut values = Vec::new();
        for word in &assignment.values {
            values.extend(self.fields(word, programs)?);
        }
        let value = match values.as_slice() {
            [] => Some(String::new()),
            [one] if assignment.is_plain => one.known(),
            _ => None,
        };
        let agreed = match self.assigned.remove(name) {
            Some(before) => before.filter(|before| Some(before) == value.as_ref()),
            None => value,
        };
        self.assigned.insert(name.clone(), agreed);
        let text = line(&format!("{name}="), &values).replacen("= ", "=", 1);
        let text = self.kept(text)?;
        self.found.assignments.push(text);
        Ok(())
    }

    /// One command, and those that it runs.
    fn command(&mut self, all: &[Field], input: &Input, substituted: &[String]) -> Read<Rendered> {
        let Some((first, arguments)) = all.split_first() else {
            return Ok(Rendered::default());
        };
        if first.is_dynamic() {
            let written = self.kept(first.written())?;
            self.found.dynamic.push(written);
        }
        let program = first.program();
        let name = program.clone().unwrap_or_else(|| first.text());
        let text = line(&name, arguments);
        let command = ShellCommand {
            program: program.clone(),
            arguments: arguments.iter().map(Field::script).collect(),
            text: self.kept(text.clone())?,
            inputs: input.programs.clone(),
            substituted: substituted.to_vec(),
        };
        let names = command.inputs.iter().chain(substituted);
        let names = names.map(|name| name.len() + size_of::<String>());
        self.count(names.sum::<usize>() + command.text.len())?;
        self.found.commands.push(command);
        let mut rendered = Rendered {
            output: output::of(&name, arguments, input.text.as_deref()),
            programs: vec![name.clone()],
            text,
        };
        let Some(program) = program else {
            return Ok(rendered);
        };
        self.reads_files |= matches!(program.as_str(), "source" | ".");
        if SETTERS.contains(&program.as_str()) {
            for argument in arguments {
                let text = argument.script();
                let name = text.split(['=', '+', '[']).next().unwrap_or_default();
                self.assigned.insert(name.to_owned(), None);
            }
        }
        for one in inner(&program, all) {
            match one {
                Inner::Command(range) => {
                    let mut fields = all.get(range).unwrap_or_default().to_vec();
                    if let (true, Some(text)) = (program == "xargs", &input.text) {
                        fields.extend(text.split_whitespace().map(Field::from));
                    }
                    let inside =
                        self.deeper(|reader| reader.command(&fields, input, substituted))?;
                    let text = self.kept(inside.text)?;
                    self.found.pipelines.push(text);
                    rendered.programs.extend(inside.programs);
                    rendered.output = inside.output;
                }
                Inner::Script(source) => self.inside(&source, input, &mut rendered)?,
                Inner::Input => {
                    if let Some(source) = &input.text {
                        self.inside(source, &Input::default(), &mut rendered)?;
                    }
                }
            }
        }
        Ok(rendered)
    }

    /// What a shell inside the text is given to read.
    fn inside(&mut self, source: &str, input: &Input, rendered: &mut Rendered) -> Read<()> {
        self.kept(source.to_owned())?;
        let inside = self.deeper(|reader| {
            let tree = parse(source, reader.depth)?;
            reader.body(&tree.pipelines, &tree.documents, input)
        })?;
        rendered.programs.extend(inside.programs);
        rendered.output = inside.output;
        Ok(())
    }

    /// The fields of a word; the programs that its substitutions run go to `programs`.
    fn fields(&mut self, word: &Word, programs: &mut Vec<String>) -> Read<Vec<Field>> {
        let mut atoms = Vec::new();
        self.atoms(word, &mut atoms, programs)?;
        let before = atoms.len();
        let found = fields(atoms)?;
        let after: usize = found.iter().map(Field::len).sum();
        self.count(after.saturating_sub(before))?;
        Ok(found)
    }

    fn atoms(
        &mut self,
        word: &Word,
        atoms: &mut Vec<Atom>,
        programs: &mut Vec<String>,
    ) -> Read<()> {
        for part in &word.0 {
            match part {
                Part::Text { text, is_quoted } => {
                    if text.is_empty() {
                        atoms.push(Atom::Quotes);
                    }
                    atoms.extend(text.chars().map(|character| Atom::Character {
                        character,
                        is_quoted: *is_quoted,
                        is_computed: false,
                    }));
                }
                Part::Variable {
                    name,
                    operand,
                    is_quoted,
                } => self.variable(name, operand.as_ref(), *is_quoted, atoms, programs)?,
                Part::Substitution {
                    opening,
                    tree,
                    is_quoted,
                } => {
                    let inside = self.deeper(|reader| reader.tree(tree))?;
                    let text = self.kept(inside.text)?;
                    self.found.substitutions.push(text.clone());
                    programs.extend(inside.programs);
                    let written = format!("{opening}{text})");
                    let output = inside.output.filter(|_| *opening == "$(");
                    self.expanded(written, output, *is_quoted, atoms)?;
                }
                Part::Arithmetic(expression) => {
                    let mut inside = Vec::new();
                    self.atoms(expression, &mut inside, programs)?;
                    let written = fields(inside)?;
                    let written: String = written.iter().map(Field::script).collect();
                    self.expanded(format!("$(({written}))"), None, false, atoms)?;
                }
            }
        }
        Ok(())
    }

    fn variable(
        &mut self,
        name: &str,
        operand: Option<&Word>,
        is_quoted: bool,
        atoms: &mut Vec<Atom>,
        programs: &mut Vec<String>,
    ) -> Read<()> {
        let behind_sign = name.strip_prefix(['#', '!']);
        let read = behind_sign.filter(|read| !read.is_empty()).unwrap_or(name);
        let read = self.kept(read.to_owned())?;
        self.found.variables.insert(read);
        let Some(operand) = operand else {
            if name == "IFS" && !is_quoted {
                atoms.push(Atom::Break);
                return Ok(());
            }
            let value = self.constants.get(name).cloned();
            return self.expanded(format!("${name}"), value, is_quoted, atoms);
        };
        let mut inside = Vec::new();
        self.atoms(operand, &mut inside, programs)?;
        if name == "IFS" && !is_quoted {
            atoms.push(Atom::Break);
            return Ok(());
        }
        let inside = fields(inside)?;
        let operand: String = inside.iter().map(Field::script).collect();
        if operand.starts_with(['=', ':']) {
            self.assigned.insert(name.to_owned(), None);
        }
        self.expanded(format!("${{{name}{operand}}}"), None, is_quoted, atoms)
    }

    /// The atoms of an expansion, with its value if that is known.
    fn expanded(
        &mut self,
        written: String,
        value: Option<String>,
        is_quoted: bool,
        atoms: &mut Vec<Atom>,
    ) -> Read<()> {
        let Some(value) = value else {
            atoms.push(Atom::Unknown { written, is_quoted });
            return Ok(());
        };
        self.count(value.len())?;
        atoms.push(Atom::Origin(written));
        for character in value.trim_end_matches('\n').chars() {
            atoms.push(if !is_quoted && character.is_ascii_whitespace() {
                Atom::Break
            } else {
                Atom::Character {
                    character,
                    is_quoted,
                    is_computed: true,
                }
            });
        }
        Ok(())
    }
}
