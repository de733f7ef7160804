//! Source text of an expression, normalised as Python 3.11's `ast.unparse` does it.

use super::literal;
use ruff_python_ast::{
    Arguments, Comprehension, ConversionFlag, Expr, ExprCompare, ExprDict, ExprFString,
    ExprSubscript, FStringPart, InterpolatedElement, InterpolatedStringElement,
    InterpolatedStringElements, Operator, Parameter, ParameterWithDefault, Parameters, UnaryOp,
};

/// How tightly an expression binds; a looser one stands in parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Precedence(u8);

/// Writes expressions into one text. Recursive: the nesting limits bound its depth.
#[derive(Debug, Default)]
struct Unparser {
    written: String,
    /// Set inside the braces of an f-string, where a backslash was not allowed.
    avoids_backslashes: bool,
}

/// A piece of an f-string: what is written for it, and whether it is literal text.
#[derive(Debug)]
struct Piece {
    written: String,
    is_constant: bool,
}

pub(super) fn expression(expression: &Expr) -> String {
    let mut unparser = Unparser::default();
    unparser.expression(expression, Precedence::TEST);
    unparser.written
}

// === impl Precedence ===

impl Precedence {
    const NAMED: Self = Self(0);
    const TUPLE: Self = Self(1);
    const YIELD: Self = Self(2);
    const TEST: Self = Self(3);
    const OR: Self = Self(4);
    const AND: Self = Self(5);
    const NOT: Self = Self(6);
    const COMPARE: Self = Self(7);
    const BIT_OR: Self = Self(8);
    const BIT_XOR: Self = Self(9);
    const BIT_AND: Self = Self(10);
    const SHIFT: Self = Self(11);
    const SUM: Self = Self(12);
    const TERM: Self = Self(13);
    const FACTOR: Self = Self(14);
    const POWER: Self = Self(15);
    const AWAIT: Self = Self(16);
    const ATOM: Self = Self(17);

    fn next(self) -> Self {
        Self(self.0 + 1).min(Self::ATOM)
    }

    fn of(operator: Operator) -> Self {
        match operator {
            Operator::Add | Operator::Sub => Self::SUM,
            Operator::Mult
            | Operator::MatMult
            | Operator::Div
            | Operator::Mod
            | Operator::FloorDiv => Self::TERM,
            Operator::Pow => Self::POWER,
            Operator::LShift | Operator::RShift => Self::SHIFT,
            Operator::BitOr => Self::BIT_OR,
            Operator::BitXor => Self::BIT_XOR,
            Operator::BitAnd => Self::BIT_AND,
        }
    }
}

// === impl Unparser ===

impl Unparser {
    fn write(&mut self, text: &str) {
        self.written.push_str(text);
    }

    fn expression(&mut self, expression: &Expr, around: Precedence) {
        match expression {
            Expr::Name(it) => self.write(&it.id),
            Expr::Attribute(it) => {
                self.expression(&it.value, Precedence::ATOM);
                if is_integer(&it.value) {
                    self.write(" ");
                }
                self.write(".");
                self.write(&it.attr);
            }
            Expr::Call(it) => {
                self.expression(&it.func, Precedence::ATOM);
                self.arguments(&it.arguments);
            }
            Expr::Subscript(it) => self.subscript(it),
            Expr::Starred(it) => {
                self.write("*");
                self.expression(&it.value, Precedence::BIT_OR);
            }
            Expr::Slice(it) => {
                self.optional(it.lower.as_deref());
                self.write(":");
                self.optional(it.upper.as_deref());
                if let Some(step) = &it.step {
                    self.write(":");
                    self.expression(step, Precedence::TEST);
                }
            }
            Expr::List(it) => self.listed("[", &it.elts, "]"),
            Expr::Set(it) => self.listed("{", &it.elts, "}"),
            Expr::Dict(it) => self.dictionary(it),
            Expr::Tuple(it) => self.tuple(&it.elts, around),
            Expr::ListComp(it) => self.comprehension("[", &it.elt, &it.generators, "]"),
            Expr::SetComp(it) => self.comprehension("{", &it.elt, &it.generators, "}"),
            Expr::Generator(it) => self.comprehension("(", &it.elt, &it.generators, ")"),
            Expr::DictComp(it) => {
                self.write("{");
                match &it.key {
                    Some(key) => {
                        self.expression(key, Precedence::TEST);
                        self.write(": ");
                    }
                    None => self.write("**"),
                }
                self.comprehension("", &it.value, &it.generators, "}");
            }
            Expr::FString(it) => self.f_string(it),
            _ if expression.is_literal_expr() => self.literal(expression),
            _ => self.operation(expression, around),
        }
    }

    fn optional(&mut self, expression: Option<&Expr>) {
        if let Some(expression) = expression {
            self.expression(expression, Precedence::TEST);
        }
    }

    fn literal(&mut self, expression: &Expr) {
        let written = match expression {
            Expr::StringLiteral(it) if self.avoids_backslashes => {
                literal::text_avoiding_backslashes(it.value.to_str())
            }
            Expr::StringLiteral(it) => literal::text(it.value.to_str()),
            Expr::BytesLiteral(it) => {
                literal::bytes(it.value.bytes().collect::<Vec<_>>().iter().copied())
            }
            Expr::NumberLiteral(it) => literal::number(&it.value),
            Expr::BooleanLiteral(it) => if it.value { "True" } else { "False" }.to_owned(),
            Expr::NoneLiteral(_) => "None".to_owned(),
            _ => "...".to_owned(),
        };
        if matches!(expression, Expr::StringLiteral(it) if it.value.is_unicode()) {
            self.write("u");
        }
        self.write(&written);
    }

    fn operation(&mut self, expression: &Expr, around: Precedence) {
        let own = own_precedence(expression);
        if around > own {
            self.write("(");
        }
        self.operands(expression, own);
        if around > own {
            self.write(")");
        }
    }

    fn operands(&mut self, expression: &Expr, own: Precedence) {
        match expression {
            Expr::BoolOp(it) => {
                // Each further operand is held more tightly, which is how the reference does it.
                let mut precedence = own;
                for (index, value) in it.values.iter().enumerate() {
                    if index > 0 {
                        self.write(&format!(" {} ", it.op.as_str()));
                    }
                    precedence = precedence.next();
                    self.expression(value, precedence);
                }
            }
            Expr::Named(it) => self.infix(
                &it.target,
                Precedence::ATOM,
                ":=",
                &it.value,
                Precedence::ATOM,
            ),
            Expr::BinOp(it) => {
                let is_power = it.op == Operator::Pow;
                let (left, right) = if is_power {
                    (own.next(), own)
                } else {
                    (own, own.next())
                };
                self.infix(&it.left, left, it.op.as_str(), &it.right, right);
            }
            Expr::UnaryOp(it) => {
                self.write(if it.op == UnaryOp::Not {
                    "not "
                } else {
                    it.op.as_str()
                });
                self.expression(&it.operand, own);
            }
            Expr::Lambda(it) => {
                self.write("lambda");
                if let Some(parameters) = &it.parameters {
                    self.write(" ");
                    self.parameters(parameters);
                }
                self.write(": ");
                self.expression(&it.body, Precedence::TEST);
            }
            Expr::If(it) => {
                self.infix(&it.body, own.next(), "if", &it.test, own.next());
                self.write(" else ");
                self.expression(&it.orelse, own);
            }
            Expr::Compare(it) => self.comparison(it),
            Expr::Await(it) => self.prefixed("await ", Some(&it.value)),
            Expr::Yield(it) => {
                self.prefixed(
                    if it.value.is_some() {
                        "yield "
                    } else {
                        "yield"
                    },
                    it.value.as_deref(),
                );
            }
            Expr::YieldFrom(it) => self.prefixed("yield from ", Some(&it.value)),
            // An escape command or a template string: neither is Python 3.11.
            _ => self.write("..."),
        }
    }

    fn infix(
        &mut self,
        left: &Expr,
        tight: Precedence,
        sign: &str,
        right: &Expr,
        after: Precedence,
    ) {
        self.expression(left, tight);
        self.write(&format!(" {sign} "));
        self.expression(right, after);
    }

    fn prefixed(&mut self, keyword: &str, value: Option<&Expr>) {
        self.write(keyword);
        if let Some(value) = value {
            self.expression(value, Precedence::ATOM);
        }
    }

    fn comparison(&mut self, comparison: &ExprCompare) {
        let operand = Precedence::COMPARE.next();
        self.expression(&comparison.left, operand);
        for (sign, value) in comparison.ops.iter().zip(&comparison.comparators) {
            self.write(&format!(" {} ", sign.as_str()));
            self.expression(value, operand);
        }
    }

    fn separated<'a>(&mut self, expressions: impl IntoIterator<Item = &'a Expr>) {
        for (index, expression) in expressions.into_iter().enumerate() {
            if index > 0 {
                self.write(", ");
            }
            self.expression(expression, Precedence::TEST);
        }
    }

    fn listed(&mut self, open: &str, expressions: &[Expr], close: &str) {
        self.write(open);
        self.separated(expressions);
        self.write(close);
    }

    fn tuple(&mut self, elements: &[Expr], around: Precedence) {
        let is_enclosed = elements.is_empty() || around > Precedence::TUPLE;
        self.write(if is_enclosed { "(" } else { "" });
        self.bare_tuple(elements);
        self.write(if is_enclosed { ")" } else { "" });
    }

    fn bare_tuple(&mut self, elements: &[Expr]) {
        self.separated(elements);
        if elements.len() == 1 {
            self.write(",");
        }
    }

    fn subscript(&mut self, subscript: &ExprSubscript) {
        self.expression(&subscript.value, Precedence::ATOM);
        self.write("[");
        match &*subscript.slice {
            Expr::Tuple(tuple) if !tuple.elts.is_empty() => self.bare_tuple(&tuple.elts),
            slice => self.expression(slice, Precedence::TEST),
        }
        self.write("]");
    }

    fn dictionary(&mut self, dictionary: &ExprDict) {
        self.write("{");
        for (index, item) in dictionary.items.iter().enumerate() {
            if index > 0 {
                self.write(", ");
            }
            if let Some(key) = &item.key {
                self.expression(key, Precedence::TEST);
                self.write(": ");
                self.expression(&item.value, Precedence::TEST);
            } else {
                self.write("**");
                self.expression(&item.value, Precedence::BIT_OR);
            }
        }
        self.write("}");
    }

    fn comprehension(
        &mut self,
        open: &str,
        element: &Expr,
        generators: &[Comprehension],
        close: &str,
    ) {
        self.write(open);
        self.expression(element, Precedence::TEST);
        for generator in generators {
            self.write(if generator.is_async {
                " async for "
            } else {
                " for "
            });
            self.expression(&generator.target, Precedence::TUPLE);
            self.write(" in ");
            self.expression(&generator.iter, Precedence::TEST.next());
            for condition in &generator.ifs {
                self.write(" if ");
                self.expression(condition, Precedence::TEST.next());
            }
        }
        self.write(close);
    }

    fn arguments(&mut self, arguments: &Arguments) {
        self.write("(");
        self.separated(&arguments.args);
        for (index, keyword) in arguments.keywords.iter().enumerate() {
            if index > 0 || !arguments.args.is_empty() {
                self.write(", ");
            }
            match &keyword.arg {
                Some(name) => self.write(&format!("{name}=")),
                None => self.write("**"),
            }
            self.expression(&keyword.value, Precedence::TEST);
        }
        self.write(")");
    }

    fn parameters(&mut self, parameters: &Parameters) {
        let mut separator = "";
        let last_positional_only = parameters.posonlyargs.len().checked_sub(1);
        for (index, it) in parameters
            .posonlyargs
            .iter()
            .chain(&parameters.args)
            .enumerate()
        {
            self.write(separator);
            self.parameter_with_default(it);
            self.write(if Some(index) == last_positional_only {
                ", /"
            } else {
                ""
            });
            separator = ", ";
        }
        if parameters.vararg.is_some() || !parameters.kwonlyargs.is_empty() {
            self.write(separator);
            self.write("*");
            parameters.vararg.iter().for_each(|it| self.parameter(it));
            separator = ", ";
        }
        for it in &parameters.kwonlyargs {
            self.write(", ");
            self.parameter_with_default(it);
        }
        if let Some(it) = &parameters.kwarg {
            self.write(separator);
            self.write("**");
            self.parameter(it);
        }
    }

    fn parameter_with_default(&mut self, parameter: &ParameterWithDefault) {
        self.parameter(&parameter.parameter);
        if let Some(default) = parameter.default() {
            self.write("=");
            self.expression(default, Precedence::TEST);
        }
    }

    /// Only a lambda's parameters are written, and these have no annotations.
    fn parameter(&mut self, parameter: &Parameter) {
        self.write(&parameter.name);
    }
}

// === impl Unparser: f-strings ===

impl Unparser {
    fn f_string(&mut self, string: &ExprFString) {
        let mut pieces = Vec::new();
        for part in &string.value {
            match part {
                FStringPart::Literal(text) => push_constant(&mut pieces, text.as_str()),
                FStringPart::FString(part) => push_elements(&mut pieces, &part.elements),
            }
        }
        self.write("f");
        if self.avoids_backslashes {
            let whole: String = pieces.into_iter().map(|piece| piece.written).collect();
            self.write(&literal::text_avoiding_backslashes(&whole));
        } else {
            self.write(&quoted(&pieces));
        }
    }
}

fn push_elements(pieces: &mut Vec<Piece>, elements: &InterpolatedStringElements) {
    for element in elements {
        match element {
            InterpolatedStringElement::Literal(text) => push_constant(pieces, &text.value),
            InterpolatedStringElement::Interpolation(it) => {
                if let Some(text) = &it.debug_text {
                    push_constant(pieces, text.as_str());
                }
                pieces.push(Piece {
                    written: interpolation(it),
                    is_constant: false,
                });
            }
        }
    }
}

fn push_constant(pieces: &mut Vec<Piece>, text: &str) {
    let written = text.replace('{', "{{").replace('}', "}}");
    match pieces.last_mut() {
        Some(last) if last.is_constant => last.written.push_str(&written),
        _ if written.is_empty() => {}
        _ => pieces.push(Piece {
            written,
            is_constant: true,
        }),
    }
}

fn interpolation(interpolation: &InterpolatedElement) -> String {
    let mut inner = Unparser {
        avoids_backslashes: true,
        ..Unparser::default()
    };
    inner.expression(&interpolation.expression, Precedence::TEST.next());
    let gap = if inner.written.starts_with('{') {
        " "
    } else {
        ""
    };
    let mut written = format!("{{{gap}{}", inner.written);
    let is_debug = interpolation.debug_text.is_some() && interpolation.format_spec.is_none();
    written.push_str(match interpolation.conversion {
        ConversionFlag::None if is_debug => "!r",
        ConversionFlag::None => "",
        ConversionFlag::Str => "!s",
        ConversionFlag::Ascii => "!a",
        ConversionFlag::Repr => "!r",
    });
    if let Some(format) = &interpolation.format_spec {
        let mut pieces = Vec::new();
        push_elements(&mut pieces, &format.elements);
        written.push(':');
        written.extend(pieces.into_iter().map(|piece| piece.written));
    }
    written.push('}');
    written
}

/// The pieces between quotes that none of them contains, or else escaped.
fn quoted(pieces: &[Piece]) -> String {
    let mut quotes = literal::QUOTES.to_vec();
    let mut body = String::new();
    for piece in pieces {
        let (written, possible) =
            literal::body_and_quotes(&piece.written, &quotes, piece.is_constant);
        if !possible.iter().any(|quote| quotes.contains(quote)) {
            return escaped_in_triple_quotes(pieces);
        }
        body.push_str(&written);
        quotes = possible;
    }
    let quote = quotes.first().copied().unwrap_or("'");
    format!("{quote}{body}{quote}")
}

fn escaped_in_triple_quotes(pieces: &[Piece]) -> String {
    // A leading double quote makes `repr` choose single quotes.
    let bodies = pieces
        .iter()
        .map(|piece| literal::text(&format!("\"{}", piece.written)));
    let body: String = bodies
        .filter_map(|body| body.get(2..body.len() - 1).map(ToOwned::to_owned))
        .collect();
    format!("'''{body}'''")
}

fn is_integer(expression: &Expr) -> bool {
    match expression {
        Expr::NumberLiteral(it) => it.value.is_int(),
        Expr::BooleanLiteral(_) => true,
        _ => false,
    }
}

fn own_precedence(expression: &Expr) -> Precedence {
    match expression {
        Expr::BoolOp(it) if it.op == ruff_python_ast::BoolOp::Or => Precedence::OR,
        Expr::BoolOp(_) => Precedence::AND,
        Expr::Named(_) => Precedence::NAMED,
        Expr::BinOp(it) => Precedence::of(it.op),
        Expr::UnaryOp(it) if it.op == UnaryOp::Not => Precedence::NOT,
        Expr::UnaryOp(_) => Precedence::FACTOR,
        Expr::Lambda(_) | Expr::If(_) => Precedence::TEST,
        Expr::Compare(_) => Precedence::COMPARE,
        Expr::Await(_) => Precedence::AWAIT,
        Expr::Yield(_) | Expr::YieldFrom(_) => Precedence::YIELD,
        _ => Precedence::ATOM,
    }
}
