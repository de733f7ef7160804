//! What to tell about text that is not a policy.

use super::{Parser, Read, Stop};
use crate::ast::{Keyword, Name};
use crate::lexer::{LineStart, Token, TokenKind, unclosed_bracket};
use crate::suggest::nearest;
use crate::{Code, Diagnostic, Span, codes};

const RULE_FORM: &str = "a rule is written `raise \"…\" if:`, with its conditions indented below";
const DECLARATION_FORM: &str =
    "a constant is written `name := value`, a predicate `name(parameter: kind) := condition`";

/// How much of an unexpected token a message quotes.
const MAX_SHOWN_CHARS: usize = 40;

struct BracketPair {
    opening: TokenKind,
    open: &'static str,
    closing: TokenKind,
    close: &'static str,
}

const BRACKETS: [BracketPair; 3] = [
    BracketPair {
        opening: TokenKind::LeftParenthesis,
        open: "(",
        closing: TokenKind::RightParenthesis,
        close: ")",
    },
    BracketPair {
        opening: TokenKind::LeftBracket,
        open: "[",
        closing: TokenKind::RightBracket,
        close: "]",
    },
    BracketPair {
        opening: TokenKind::LeftBrace,
        open: "{",
        closing: TokenKind::RightBrace,
        close: "}",
    },
];

// === impl Parser: expectations ===

impl Parser<'_> {
    pub(super) fn expected_statement<T>(&mut self) -> Read<T> {
        if !self.token().starts_line() || self.kind().closes_bracket() {
            return self.fail_unexpected();
        }
        let message = format!("expected a statement, found {}", self.found());
        self.fail(
            codes::EXPECTED_STATEMENT,
            message,
            "conditions stand indented below the `raise … if:` they belong to",
        )
    }

    /// A word that begins no statement.
    pub(super) fn expected_declaration<T>(&mut self, name: &Name) -> Read<T> {
        if self.at(TokenKind::Broken) {
            return Err(Stop);
        }
        let text = name.text.as_str();
        if text == "def" {
            let message = "there is no `def` in the policy language";
            self.error_at(codes::DEF_STATEMENT, name.span, message, DECLARATION_FORM);
            return Err(Stop);
        }
        let near = nearest(text, ["raise", "import", "from"].into_iter());
        let help = match near {
            Some(word) => format!("did you mean `{word}`?"),
            None if matches!(text, "if" | "when" | "rule" | "deny" | "block") => RULE_FORM.into(),
            None => DECLARATION_FORM.into(),
        };
        let message = format!("`{text}` begins no statement");
        self.error_at(codes::EXPECTED_STATEMENT, name.span, message, &help);
        Err(Stop)
    }

    pub(super) fn expected_name<T>(&mut self, what: &str) -> Read<T> {
        let message = format!("expected {what}, found {}", self.found());
        self.fail(
            codes::EXPECTED_NAME,
            message,
            "names are made of letters, digits and `_`, and do not begin with a digit",
        )
    }

    pub(super) fn expected_expression<T>(&mut self) -> Read<T> {
        let ended = self.token().starts_line()
            || matches!(self.kind(), TokenKind::Dedent | TokenKind::End)
            || self.kind().closes_bracket();
        let operator = self
            .last()
            .filter(|last| ended && last.kind.joins_operands());
        if let Some(operator) = operator {
            let message = format!(
                "nothing stands on the right of `{}`",
                self.text(operator.span)
            );
            let help = "write its right side, or remove it";
            self.error_at(codes::MISSING_OPERAND, operator.span, message, help);
            return Err(Stop);
        }
        let message = format!("expected an expression, found {}", self.found());
        let help = "an expression is a name, a value, a call, or a condition made of these";
        self.fail(codes::EXPECTED_EXPRESSION, message, help)
    }

    pub(super) fn expected<T>(&mut self, what: &str, help: &str) -> Read<T> {
        let message = format!("expected {what}, found {}", self.found());
        self.fail(codes::UNEXPECTED_TOKEN, message, help)
    }

    /// Something stands behind a complete expression or statement.
    pub(super) fn fail_unexpected<T>(&mut self) -> Read<T> {
        let token = self.token();
        let text = self.text(token.span);
        match token.kind {
            TokenKind::Indent => self.fail_misplaced_block(),
            TokenKind::Colon => self.fail_colon_behind_line(token),
            kind if kind.closes_bracket() => {
                let message = format!("`{text}` closes nothing");
                let help = "remove it, or open its bracket";
                self.fail(codes::UNMATCHED_BRACKET, message, help)
            }
            TokenKind::ColonEqual => self.expected(
                "the end of the line",
                "only a name can stand on the left of `:=`",
            ),
            TokenKind::Comma => self.expected(
                "the end of the line",
                "write each condition on its own line",
            ),
            _ => self.expected(
                "the end of the line",
                "an operator may be missing before it; each condition has its own line",
            ),
        }
    }

    /// A comma between the elements of a bracket that `closing` closes.
    pub(super) fn comma(&mut self, closing: TokenKind) -> bool {
        let comma = self.token();
        if !self.eat(TokenKind::Comma) {
            return false;
        }
        if self.at(closing) {
            self.report_trailing_comma(comma.span);
            return false;
        }
        true
    }

    /// A comma between the names of an import.
    pub(super) fn comma_before_line_end(&mut self) -> bool {
        let comma = self.token();
        if !self.eat(TokenKind::Comma) {
            return false;
        }
        if self.line_is_over() {
            self.report_trailing_comma(comma.span);
            return false;
        }
        true
    }

    fn report_trailing_comma(&mut self, comma: Span) {
        let message = "nothing stands behind this comma";
        self.error_at(codes::TRAILING_COMMA, comma, message, "remove the comma");
    }

    /// The bracket that closes `opening`.
    pub(super) fn close(&mut self, opening: Token) -> Read<Span> {
        let pair = BRACKETS.iter().find(|pair| pair.opening == opening.kind);
        let Some(pair) = pair else {
            return Err(Stop);
        };
        let token = self.token();
        if self.eat(pair.closing) {
            return Ok(token.span);
        }
        if token.kind == TokenKind::Broken {
            return Err(Stop);
        }
        if token.kind.closes_bracket() {
            let found = self.text(token.span);
            let message = format!("`{found}` does not close `{}`", pair.open);
            let diagnostic = Diagnostic::error(codes::MISMATCHED_BRACKET, token.span, message)
                .label(opening.span, "opened here")
                .help(format!("write `{}`", pair.close));
            self.report(diagnostic);
        } else if self.never_closed() {
            self.report(unclosed_bracket(pair.open, opening.span));
        } else {
            let message = format!("expected `,` or `{}`, found {}", pair.close, self.found());
            let help = if token.kind == TokenKind::Equal {
                "use `==` to compare; only a name can be an argument's name"
            } else {
                "an operator or a comma may be missing before it"
            };
            let diagnostic = Diagnostic::error(codes::UNEXPECTED_TOKEN, token.span, message)
                .label(opening.span, "opened here")
                .help(help);
            self.report(diagnostic);
        }
        Err(Stop)
    }

    /// Whether the innermost open bracket has no counterpart before the end of its line.
    fn never_closed(&self) -> bool {
        let mut open = 1_usize;
        let rest = self.tokens.get(self.position..).unwrap_or_default();
        for token in rest.iter().take_while(|token| !token.starts_line()) {
            if token.kind.opens_bracket() {
                open += 1;
            } else if token.kind.closes_bracket() {
                open -= 1;
            }
            if open == 0 {
                return false;
            }
        }
        true
    }
}

// === impl Parser: statements ===

impl Parser<'_> {
    pub(super) fn report_missing_if(&mut self, target: Span) {
        if self.at(TokenKind::Broken) {
            return;
        }
        let found = if matches!(self.kind(), TokenKind::Colon | TokenKind::Indent) {
            String::new()
        } else {
            format!(", found {}", self.found())
        };
        let message = format!("expected `if` behind what is raised{found}");
        self.error_at(codes::MISSING_IF, target, message, RULE_FORM);
    }

    pub(super) fn report_invalid_raise(&mut self, target: Span) {
        let message = "only a text, a name or a call can be raised";
        let help = "write `raise \"…\" if:` or `raise Violation(\"…\") if:`, the text on one line";
        self.error_at(codes::INVALID_RAISE, target, message, help);
    }

    pub(super) fn report_missing_body(&mut self, header: Span) {
        let message = "no conditions stand below this line";
        let help = "write them on the lines below, indented deeper than this one";
        self.error_at(codes::MISSING_BODY, header, message, help);
    }

    pub(super) fn report_inline_body(&mut self, body: Span) {
        let message = "conditions cannot stand behind the colon";
        let help = "write them on the lines below, indented, one per line";
        self.error_at(codes::INLINE_BODY, body, message, help);
    }

    pub(super) fn fail_missing_colon<T>(&mut self, before: Span) -> Read<T> {
        if self.at(TokenKind::Broken) {
            return Err(Stop);
        }
        let message = format!(
            "expected `:` at the end of the line, found {}",
            self.found()
        );
        self.error_at(codes::MISSING_COLON, before, message, RULE_FORM);
        Err(Stop)
    }

    fn fail_colon_behind_line<T>(&mut self, colon: Token) -> Read<T> {
        let position = self.position;
        self.bump();
        if self.line_is_over() {
            self.position = position;
            self.report_missing_body(colon.span);
            return Err(Stop);
        }
        let inline = self.token();
        self.report_inline_body(inline.span);
        Err(Stop)
    }

    pub(super) fn fail_missing_value<T>(&mut self, assign: Span, name: &Name) -> Read<T> {
        let message = format!("`{}` has no value", name.text);
        let help = "write its value behind `:=`";
        self.error_at(codes::MISSING_BODY, assign, message, help);
        Err(Stop)
    }

    pub(super) fn fail_missing_kind<T>(&mut self, name: &Name) -> Read<T> {
        let message = format!("the parameter `{}` has no kind", name.text);
        let help = format!("write `{}: str`, or the kind it has", name.text);
        self.error_at(codes::MISSING_PARAMETER_KIND, name.span, message, &help);
        Err(Stop)
    }

    pub(super) fn report_dotted_import(&mut self, name: &Name) {
        let last = name.text.rsplit('.').next().unwrap_or_default();
        let message = format!("`{}` needs a name of its own", name.text);
        let help = format!(
            "write `import {} as {last}`, or `from {} import …`",
            name.text, name.text
        );
        self.error_at(codes::DOTTED_IMPORT, name.span, message, &help);
    }

    pub(super) fn fail_invalid_import<T>(&mut self) -> Read<T> {
        let message = format!("expected the names to import, found {}", self.found());
        let help = "write `from module import name, other`, without brackets or `*`";
        self.fail(codes::INVALID_IMPORT, message, help)
    }
}

// === impl Parser: expressions ===

impl Parser<'_> {
    pub(super) fn report_single_equals(&mut self) {
        let span = self.token().span;
        let message = "`=` is not an operator of the policy language";
        let help = "use `==` to compare, and `:=` to name a value";
        self.error_at(codes::SINGLE_EQUALS, span, message, help);
    }

    pub(super) fn report_unspaced(&mut self) {
        let span = self.token().span;
        let word = self.text(span);
        let message = format!("a blank is missing behind `{word}`");
        let help = format!("write `{word} …`: without a blank it is an ordinary name");
        self.error_at(codes::OPERATOR_WITHOUT_BLANK, span, message, &help);
    }

    pub(super) fn report_assigned_literal(&mut self, name: &Name) {
        let message = format!("`{}` is a value and cannot get another one", name.text);
        self.error_at(
            codes::ASSIGNED_LITERAL,
            name.span,
            message,
            "choose another name",
        );
    }

    pub(super) fn report_keyword_in_pattern(&mut self, keyword: &Keyword) {
        let name = &keyword.name.text;
        let message = format!("a tool pattern has no argument named `{name}`");
        let help = format!("match the tool's arguments with an object: `({{{name}: …}})`");
        self.error_at(codes::KEYWORD_IN_PATTERN, keyword.name.span, message, &help);
    }

    pub(super) fn report_positional(&mut self, argument: Span) {
        let message = "a positional argument stands behind a named one";
        let help = "put it before the named ones, or name it: `name=…`";
        self.error_at(codes::POSITIONAL_AFTER_KEYWORD, argument, message, help);
    }

    pub(super) fn fail_slice<T>(&mut self, opening: Span) -> Read<T> {
        let span = opening.to(self.token().span);
        let message = "the policy language has no slices";
        let help = "index a single element, or search the whole with `in` or `match`";
        self.error_at(codes::SLICE, span, message, help);
        Err(Stop)
    }

    pub(super) fn fail_misplaced_block<T>(&mut self) -> Read<T> {
        let message = "no block can stand behind this colon";
        let help = "blocks follow `raise … if:` and quantifiers such as `forall:`";
        self.fail(codes::MISPLACED_BLOCK, message.to_owned(), help)
    }

    pub(super) fn fail_value_on_next_line<T>(&mut self) -> Read<T> {
        let message = "the value stands below its `:=`";
        let help = "begin it on the line of the `:=`; brackets let it go on below";
        self.fail(codes::VALUE_ON_NEXT_LINE, message.to_owned(), help)
    }

    pub(super) fn fail_missing_else<T>(&mut self, keyword: Span) -> Read<T> {
        if self.at(TokenKind::Broken) {
            return Err(Stop);
        }
        let message = "this conditional has no `else`";
        let help = "write `value if condition else other`; several conditions stand on lines of \
                    their own";
        self.error_at(codes::MISSING_ELSE, keyword, message, help);
        Err(Stop)
    }

    pub(super) fn fail_missing_tool_name<T>(&mut self) -> Read<T> {
        let span = self.token().span.to(self.token_ahead(1).span);
        let message = "no tool's name stands behind `tool:`";
        let help = "write `tool:name`; compare a name that is no plain word as text: \
                    `call.function.name == \"…\"`";
        self.error_at(codes::MISSING_TOOL_NAME, span, message, help);
        Err(Stop)
    }

    pub(super) fn fail_invalid_binder<T>(&mut self, opening: Span) -> Read<T> {
        let span = opening.to(self.token().span);
        let message = "this is not a binder";
        let help = "a binder names one variable and its kind: `(name: Message)`";
        self.error_at(codes::INVALID_BINDER, span, message, help);
        Err(Stop)
    }

    pub(super) fn fail_object_key<T>(&mut self) -> Read<T> {
        let message = format!("expected a key, found {}", self.found());
        let help = "keys are plain names or texts on one line";
        self.fail(codes::INVALID_OBJECT_KEY, message, help)
    }
}

// === impl Parser: reporting ===

impl Parser<'_> {
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        if self.reported_at != Some(self.position) {
            self.reported_at = Some(self.position);
            self.problems.report(diagnostic);
        }
    }

    fn error_at(&mut self, code: Code, span: Span, message: impl Into<String>, help: &str) {
        self.report(Diagnostic::error(code, span, message).help(help));
    }

    /// Reports at the current token. What the lexer could not read it has reported itself.
    pub(super) fn fail<T>(&mut self, code: Code, message: String, help: &str) -> Read<T> {
        let token = self.token();
        if token.kind != TokenKind::Broken {
            let ended = matches!(token.kind, TokenKind::Dedent | TokenKind::End);
            let span = if ended {
                self.end_of_last()
            } else {
                token.span
            };
            self.error_at(code, span, message, help);
        }
        Err(Stop)
    }

    fn found(&self) -> String {
        let token = self.token();
        match token.kind {
            TokenKind::Dedent => "the end of the block".to_owned(),
            TokenKind::End => "the end of the policy".to_owned(),
            _ if token.line == LineStart::Aligned => "the end of the line".to_owned(),
            _ => {
                let line = self.text(token.span).lines().next().unwrap_or_default();
                let mut shown = line.chars();
                let text: String = shown.by_ref().take(MAX_SHOWN_CHARS).collect();
                let more = if shown.next().is_some() { "…" } else { "" };
                format!("`{text}{more}`")
            }
        }
    }

    fn last(&self) -> Option<Token> {
        let before = self.position.checked_sub(1)?;
        self.tokens.get(before).copied()
    }
}
