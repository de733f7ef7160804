//! The grammar of `bash`, by recursive descent over the text.

use super::tree::{Assignment, Command, Pipeline, Redirect, Stage, Target, Tree, Word};
use super::{DEPTH_MAX, Read, Refusal};

/// Reads one text. What it reads twice (backquotes, arithmetic) it reads by another parser, one
/// level deeper, so that the work is at most the length times the depth.
#[derive(Debug)]
pub(super) struct Parser<'s> {
    pub(super) source: &'s str,
    pub(super) at: usize,
    pub(super) depth: usize,
    /// Here-documents whose bodies begin after the next line end.
    awaited: Vec<Awaited>,
    documents: Vec<Word>,
}

#[derive(Debug)]
struct Awaited {
    place: usize,
    delimiter: String,
    is_quoted: bool,
    strips_tabs: bool,
}

/// LIMIT: characters of the index of an array's element.
const INDEX_CHARS_MAX: usize = 256;

/// Words that mean something where a command may begin.
const ENDS: [&str; 8] = ["then", "elif", "else", "fi", "do", "done", "esac", "}"];

/// Longest first, so that no operator hides another.
const REDIRECTS: [&str; 12] = [
    "&>>", "<<<", "<<-", "&>", "<<", ">>", ">|", "<>", "<&", ">&", "<", ">",
];

pub(super) fn parse(source: &str, depth: usize) -> Read<Tree> {
    let mut parser = Parser::new(source, depth)?;
    let pipelines = parser.list()?;
    if parser.at < source.len() {
        return Err(Refusal("a word or bracket that closes nothing"));
    }
    parser.documents_until_here()?;
    Ok(Tree {
        pipelines,
        documents: parser.documents,
    })
}

pub(super) fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}

/// Whether an unquoted word ends before this character.
pub(super) fn ends_word(character: char) -> bool {
    matches!(
        character,
        ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')'
    )
}

// === impl Parser ===

impl<'s> Parser<'s> {
    pub(super) fn new(source: &'s str, depth: usize) -> Read<Self> {
        if depth > DEPTH_MAX {
            return Err(Refusal("nested too deep"));
        }
        Ok(Self {
            source,
            at: 0,
            depth,
            awaited: Vec::new(),
            documents: Vec::new(),
        })
    }

    pub(super) fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) fn eat(&mut self, wanted: &str) -> bool {
        let is_next = self.rest().starts_with(wanted);
        if is_next {
            self.at += wanted.len();
        }
        is_next
    }

    pub(super) fn expect(&mut self, wanted: &str, missing: &'static str) -> Read<()> {
        if self.eat(wanted) {
            Ok(())
        } else {
            Err(Refusal(missing))
        }
    }

    /// One level deeper for as long as `read` runs.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Refusal("nested too deep"));
        }
        let found = read(self);
        self.depth -= 1;
        found
    }

    /// Everything up to the `)` of a substitution, which is a tree of its own.
    pub(super) fn substituted(&mut self) -> Read<Tree> {
        let start = self.at;
        let awaited = std::mem::take(&mut self.awaited);
        let documents = std::mem::take(&mut self.documents);
        let pipelines = self.deeper(Self::list)?;
        if !self.awaited.is_empty() {
            return Err(Refusal("a here-document without its body"));
        }
        let read = self.source.get(start..self.at).unwrap_or_default();
        if !awaited.is_empty() && read.contains('\n') {
            return Err(Refusal("a line end before the body of a here-document"));
        }
        self.expect(")", "a substitution that does not end")?;
        self.awaited = awaited;
        Ok(Tree {
            pipelines,
            documents: std::mem::replace(&mut self.documents, documents),
        })
    }

    fn blanks(&mut self) {
        loop {
            if self.eat(" ") || self.eat("\t") || self.eat("\\\n") {
                continue;
            }
            if !self.rest().starts_with('#') {
                return;
            }
            let line = self.rest();
            self.at += line.find('\n').unwrap_or(line.len());
        }
    }

    /// Line ends and blanks, with the bodies of the here-documents that they begin.
    fn lines(&mut self) -> Read<()> {
        loop {
            self.blanks();
            if !self.eat("\n") {
                return Ok(());
            }
            self.documents_until_here()?;
        }
    }

    fn documents_until_here(&mut self) -> Read<()> {
        for awaited in std::mem::take(&mut self.awaited) {
            let body = self.document(&awaited);
            let word = if awaited.is_quoted {
                let mut word = Word::default();
                body.chars()
                    .for_each(|character| word.push(character, true));
                word
            } else {
                Parser::new(&body, self.depth + 1)?.expansions_to_the_end()?
            };
            if let Some(place) = self.documents.get_mut(awaited.place) {
                *place = word;
            }
        }
        Ok(())
    }

    fn document(&mut self, awaited: &Awaited) -> String {
        let mut body = String::new();
        while self.at < self.source.len() {
            let line = self.rest().split_inclusive('\n').next().unwrap_or_default();
            self.at += line.len();
            let line = if awaited.strips_tabs {
                line.trim_start_matches('\t')
            } else {
                line
            };
            if line.strip_suffix('\n').unwrap_or(line) == awaited.delimiter {
                break;
            }
            body.push_str(line);
        }
        body
    }

    /// Pipelines up to a word or bracket that closes what stands around them.
    fn list(&mut self) -> Read<Vec<Pipeline>> {
        let mut pipelines = Vec::new();
        loop {
            self.lines()?;
            if self.closes() {
                return Ok(pipelines);
            }
            pipelines.push(self.pipeline()?);
            self.blanks();
            let separated = self.eat("&&") || self.eat("||");
            if separated {
                self.lines()?;
                if self.closes() {
                    return Err(Refusal("a command is missing after an operator"));
                }
                continue;
            }
            let ends_clause = self.rest().starts_with(";;") || self.rest().starts_with(";&");
            let goes_on = !ends_clause && (self.eat(";") || self.eat("&"));
            if !goes_on && !self.rest().starts_with('\n') {
                return Ok(pipelines);
            }
        }
    }

    fn closes(&self) -> bool {
        matches!(self.peek(), None | Some(')'))
            || self.rest().starts_with(";;")
            || self.rest().starts_with(";&")
            || ENDS.iter().any(|word| self.is_at_word(word))
    }

    fn is_at_word(&self, word: &str) -> bool {
        self.rest()
            .strip_prefix(word)
            .is_some_and(|rest| rest.chars().next().is_none_or(ends_word))
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let is_next = self.is_at_word(word);
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    fn expect_word(&mut self, word: &str, missing: &'static str) -> Read<()> {
        self.lines()?;
        if self.eat_word(word) {
            Ok(())
        } else {
            Err(Refusal(missing))
        }
    }

    fn pipeline(&mut self) -> Read<Pipeline> {
        loop {
            self.blanks();
            if self.eat_word("time") {
                self.blanks();
                self.eat_word("-p");
            } else if !self.eat_word("!") {
                break;
            }
        }
        let mut stages = vec![self.deeper(Self::stage)?];
        loop {
            self.blanks();
            if self.rest().starts_with("||") || !self.eat("|") {
                return Ok(Pipeline(stages));
            }
            self.eat("&");
            self.lines()?;
            stages.push(self.deeper(Self::stage)?);
        }
    }

    fn stage(&mut self) -> Read<Stage> {
        if self.eat_word("coproc") {
            self.blanks();
        }
        if self.eat_word("function") {
            self.blanks();
            self.word()?.ok_or(Refusal("a function without a name"))?;
            self.blanks();
            if self.eat("(") {
                self.blanks();
                self.expect(")", "a parameter list that is not empty")?;
            }
            return self.function();
        }
        match self.compound()? {
            Some(command) => {
                let mut redirects = Vec::new();
                loop {
                    self.blanks();
                    match self.redirect()? {
                        Some(redirect) => redirects.push(redirect),
                        None => return Ok(Stage { command, redirects }),
                    }
                }
            }
            None => self.simple(),
        }
    }

    fn function(&mut self) -> Read<Stage> {
        self.lines()?;
        let body = self.deeper(Self::stage)?;
        if matches!(body.command, Command::Simple { .. }) {
            return Err(Refusal("a function without a body"));
        }
        Ok(Stage {
            command: Command::Function(Box::new(body)),
            redirects: Vec::new(),
        })
    }

    fn simple(&mut self) -> Read<Stage> {
        let (mut assignments, mut words) = (Vec::new(), Vec::new());
        let mut redirects = Vec::new();
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            if let Some(assignment) = self.assignment(words.is_empty())? {
                assignments.push(assignment);
                continue;
            }
            let Some(word) = self.word()? else { break };
            self.blanks();
            if words.is_empty() && assignments.is_empty() && self.eat("(") {
                self.blanks();
                self.expect(")", "a bracket after a word")?;
                return self.function();
            }
            words.push(word);
        }
        if words.is_empty() && assignments.is_empty() && redirects.is_empty() {
            return Err(Refusal("a command is missing"));
        }
        Ok(Stage {
            command: Command::Simple { assignments, words },
            redirects,
        })
    }

    /// `name=word`, `name+=word`, `name[index]=word` and `name=(words)`, of which the last may
    /// also follow the words of a `declare`.
    fn assignment(&mut self, is_first: bool) -> Read<Option<Assignment>> {
        let start = self.at;
        let rest = self.rest();
        let length = rest
            .find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
            .unwrap_or(rest.len());
        let name = rest.get(..length).unwrap_or_default();
        if !is_name(name) {
            return Ok(None);
        }
        self.at += length;
        let mut values = Vec::new();
        let is_element = is_first && self.peek() == Some('[');
        if is_element {
            let rest = self.rest();
            let mut near = rest.char_indices().take(INDEX_CHARS_MAX);
            if let Some((end, _)) = near.find(|(_, character)| *character == ']') {
                let index = rest.get(1..end).unwrap_or_default();
                values.push(Parser::new(index, self.depth + 1)?.expansions_to_the_end()?);
                self.at += end + 1;
            }
        }
        let adds = self.rest().starts_with("+=");
        let is_assigned = self.eat("+=") || self.eat("=");
        let is_array = is_assigned && self.peek() == Some('(');
        if !is_assigned || !(is_first || is_array) {
            self.at = start;
            return Ok(None);
        }
        if is_array {
            self.at += 1;
            loop {
                self.lines()?;
                match self.word()? {
                    Some(word) => values.push(word),
                    None => break,
                }
            }
            self.expect(")", "an array that does not end")?;
        } else {
            values.extend(self.word()?);
        }
        Ok(Some(Assignment {
            name: name.to_owned(),
            values,
            is_plain: !(adds || is_array || is_element),
        }))
    }

    pub(super) fn redirect(&mut self) -> Read<Option<Redirect>> {
        let start = self.at;
        let rest = self.rest();
        let digits = rest.find(|character: char| !character.is_ascii_digit());
        self.at += digits.unwrap_or(0);
        if let Some(inside) = rest.strip_prefix('{')
            && let Some(end) = inside.find(|next: char| !is_name(next.encode_utf8(&mut [0; 4])))
            && let Some(behind) = inside.get(end..)
            && (behind.starts_with("}<") || behind.starts_with("}>"))
        {
            self.at += end + 2;
        }
        let rest = self.rest();
        let operator = REDIRECTS
            .into_iter()
            .find(|operator| rest.starts_with(operator));
        let is_substitution = rest.starts_with("<(") || rest.starts_with(">(");
        let Some(operator) = operator.filter(|_| !is_substitution) else {
            self.at = start;
            return Ok(None);
        };
        self.at += operator.len();
        self.blanks();
        let word = self.word()?.ok_or(Refusal("a redirect without a target"))?;
        let target = if matches!(operator, "<<" | "<<-") {
            Target::Document(self.awaits(&word, operator == "<<-")?)
        } else {
            Target::Word(word)
        };
        Ok(Some(Redirect { operator, target }))
    }

    fn awaits(&mut self, delimiter: &Word, strips_tabs: bool) -> Read<usize> {
        let place = self.documents.len();
        self.documents.push(Word::default());
        let (text, is_quoted) = delimiter
            .literal()
            .ok_or(Refusal("the end of a here-document is not a plain word"))?;
        self.awaited.push(Awaited {
            place,
            delimiter: text,
            is_quoted,
            strips_tabs,
        });
        Ok(place)
    }

    fn compound(&mut self) -> Read<Option<Command>> {
        let mut words = Vec::new();
        let mut sets = None;
        let mut body = Vec::new();
        if self.rest().starts_with("((") && self.arithmetic_end(2).is_some() {
            words.push(self.arithmetic(2)?);
        } else if self.eat("(") {
            body = self.list()?;
            self.expect(")", "a subshell that does not end")?;
        } else if self.eat_word("{") {
            body = self.list()?;
            self.expect_word("}", "a group that does not end")?;
        } else if self.eat_word("[[") {
            words = self.test()?;
        } else if self.eat_word("if") {
            body = self.branches()?;
        } else if self.eat_word("while") || self.eat_word("until") {
            body = self.list()?;
            body.extend(self.loop_body()?);
        } else if self.eat_word("for") || self.eat_word("select") {
            (sets, words) = self.loop_head()?;
            body = self.loop_body()?;
        } else if self.eat_word("case") {
            (words, body) = self.case()?;
        } else {
            return Ok(None);
        }
        Ok(Some(Command::Compound { sets, words, body }))
    }

    fn branches(&mut self) -> Read<Vec<Pipeline>> {
        let mut body = self.list()?;
        self.expect_word("then", "an `if` without `then`")?;
        body.extend(self.list()?);
        loop {
            if self.eat_word("elif") {
                body.extend(self.list()?);
                self.expect_word("then", "an `elif` without `then`")?;
                body.extend(self.list()?);
            } else if self.eat_word("else") {
                body.extend(self.list()?);
                self.expect_word("fi", "an `if` that does not end")?;
                return Ok(body);
            } else {
                self.expect_word("fi", "an `if` that does not end")?;
                return Ok(body);
            }
        }
    }

    fn loop_head(&mut self) -> Read<(Option<String>, Vec<Word>)> {
        self.blanks();
        let mut words = Vec::new();
        if self.rest().starts_with("((") {
            words.push(self.arithmetic(2)?);
            self.blanks();
            self.eat(";");
            return Ok((None, words));
        }
        let name = self.word()?.ok_or(Refusal("a loop without a variable"))?;
        let name = name.plain().map(str::to_owned);
        self.lines()?;
        if self.eat_word("in") {
            loop {
                self.blanks();
                match self.word()? {
                    Some(word) => words.push(word),
                    None => break,
                }
            }
        }
        self.eat(";");
        Ok((name, words))
    }

    fn loop_body(&mut self) -> Read<Vec<Pipeline>> {
        self.lines()?;
        if self.eat_word("{") {
            let body = self.list()?;
            self.expect_word("}", "a group that does not end")?;
            return Ok(body);
        }
        self.expect_word("do", "a loop without `do`")?;
        let body = self.list()?;
        self.expect_word("done", "a loop that does not end")?;
        Ok(body)
    }

    fn case(&mut self) -> Read<(Vec<Word>, Vec<Pipeline>)> {
        self.blanks();
        let mut words = Vec::from_iter(self.word()?);
        let mut body = Vec::new();
        self.expect_word("in", "a `case` without `in`")?;
        loop {
            self.lines()?;
            if self.eat_word("esac") {
                return Ok((words, body));
            }
            self.eat("(");
            loop {
                self.blanks();
                words.push(self.word()?.ok_or(Refusal("a `case` without a pattern"))?);
                self.blanks();
                if !self.eat("|") {
                    break;
                }
            }
            self.expect(")", "a pattern that does not end")?;
            body.extend(self.list()?);
            let ended = self.eat(";;&") || self.eat(";;") || self.eat(";&");
            if !ended {
                self.expect_word("esac", "a `case` that does not end")?;
                return Ok((words, body));
            }
        }
    }

    /// `[[ … ]]`: its operators are not told apart, its words are what may hold substitutions.
    fn test(&mut self) -> Read<Vec<Word>> {
        let mut words = Vec::new();
        loop {
            self.lines()?;
            if self.eat_word("]]") {
                return Ok(words);
            }
            match self.word()? {
                Some(word) => words.push(word),
                None => {
                    self.next().ok_or(Refusal("a test that does not end"))?;
                }
            }
        }
    }
}
