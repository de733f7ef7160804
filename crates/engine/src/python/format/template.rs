//! `str.format`.

use std::iter::Peekable;
use std::str::CharIndices;

use super::render::render;
use super::{Argument, FormatError, Output};

/// How deep specifiers may contain fields: `{:{}}`, but no further.
const SPEC_DEPTH_MAX: usize = 1;

/// `template.format(*positional, **named)`.
pub(crate) fn format(
    template: &str,
    positional: &[Argument],
    named: &[(String, Argument)],
) -> Result<String, FormatError> {
    let mut formatter = Formatter {
        positional,
        named,
        numbering: Numbering::Undecided,
    };
    formatter.expand(template, 0)
}

#[derive(Debug)]
struct Formatter<'a> {
    positional: &'a [Argument],
    named: &'a [(String, Argument)],
    numbering: Numbering,
}

/// Fields are numbered by the template or automatically, never both.
#[derive(Debug, Clone, Copy)]
enum Numbering {
    Undecided,
    Manual,
    /// With the number of the next field.
    Automatic(usize),
}

/// A replacement field as written.
#[derive(Debug)]
struct Field<'t> {
    name: &'t str,
    conversion: Option<char>,
    spec: &'t str,
}

/// The characters of a template that are still to be read.
struct Reader<'t> {
    template: &'t str,
    chars: Peekable<CharIndices<'t>>,
}

// === impl Formatter ===

impl Formatter<'_> {
    fn expand(&mut self, template: &str, depth: usize) -> Result<String, FormatError> {
        let mut output = Output::default();
        let mut reader = Reader {
            template,
            chars: template.char_indices().peekable(),
        };
        while let Some(c) = reader.next() {
            let is_doubled = matches!(c, '{' | '}') && reader.take_if(c);
            match c {
                '}' if !is_doubled => {
                    return Err(FormatError::Template("a single `}` is written `}}`"));
                }
                '{' if !is_doubled => {
                    let field = reader.field()?;
                    output.push_str(&self.field(&field, depth)?)?;
                }
                c => output.push(c)?,
            }
        }
        Ok(output.0)
    }

    fn field(&mut self, field: &Field<'_>, depth: usize) -> Result<String, FormatError> {
        let argument = self.argument(field.name)?;
        let converted = match field.conversion {
            None => argument.clone(),
            Some('s') => Argument::Text(argument.text()),
            Some('r') => Argument::Text(argument.repr()),
            Some('a') => Argument::Text(argument.ascii()),
            Some(_) => {
                return Err(FormatError::Template(
                    "the conversions are `!r`, `!s` and `!a`",
                ));
            }
        };
        if !field.spec.contains('{') {
            return render(&converted, field.spec);
        }
        if depth == SPEC_DEPTH_MAX {
            return Err(FormatError::Template(
                "a field in a specifier has no fields itself",
            ));
        }
        let spec = self.expand(field.spec, depth + 1)?;
        render(&converted, &spec)
    }

    fn argument(&mut self, name: &str) -> Result<Argument, FormatError> {
        if name.contains(['.', '[']) {
            return Err(FormatError::FieldAccess(name.to_owned()));
        }
        let missing = || FormatError::MissingArgument(name.to_owned());
        let mixed = FormatError::Template("`{}` and `{0}` cannot be mixed");
        let index = match (name, self.numbering) {
            ("", Numbering::Manual) => return Err(mixed),
            ("", Numbering::Undecided) => {
                self.numbering = Numbering::Automatic(1);
                0
            }
            ("", Numbering::Automatic(next)) => {
                self.numbering = Numbering::Automatic(next + 1);
                next
            }
            (name, numbering) if name.chars().all(|c| c.is_ascii_digit()) => {
                if matches!(numbering, Numbering::Automatic(_)) {
                    return Err(mixed);
                }
                self.numbering = Numbering::Manual;
                name.parse().map_err(|_| missing())?
            }
            (name, _) => {
                let found = self.named.iter().find(|(known, _)| known == name);
                return found.map(|(_, value)| value.clone()).ok_or_else(missing);
            }
        };
        let number = || FormatError::MissingArgument(index.to_string());
        self.positional.get(index).cloned().ok_or_else(number)
    }
}

// === impl Reader ===

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<char> {
        self.chars.next().map(|(_, c)| c)
    }

    fn take_if(&mut self, wanted: char) -> bool {
        self.chars.next_if(|(_, c)| *c == wanted).is_some()
    }

    fn offset(&mut self) -> usize {
        self.chars
            .peek()
            .map_or(self.template.len(), |(offset, _)| *offset)
    }

    /// The rest of a field whose `{` is read.
    fn field(&mut self) -> Result<Field<'t>, FormatError> {
        let (name, end) = self.field_name()?;
        let mut field = Field {
            name,
            conversion: None,
            spec: "",
        };
        if end == '!' {
            field.conversion = self.next();
            match self.next() {
                Some('}') => return Ok(field),
                Some(':') => {}
                Some(_) => return Err(FormatError::Template("expected `:` after a conversion")),
                None => return Err(FormatError::Template("unfinished conversion")),
            }
        }
        if end != '}' {
            field.spec = self.field_spec()?;
        }
        Ok(field)
    }

    fn field_name(&mut self) -> Result<(&'t str, char), FormatError> {
        let start = self.offset();
        loop {
            let end = self.offset();
            match self.next() {
                Some(terminator @ ('}' | ':' | '!')) => {
                    let name = self.template.get(start..end).unwrap_or("");
                    return Ok((name, terminator));
                }
                Some('{') => return Err(FormatError::Template("unexpected `{` in a field name")),
                Some('[') => while self.chars.next_if(|(_, c)| *c != ']').is_some() {},
                Some(_) => {}
                None => return Err(FormatError::Template("a field has no `}`")),
            }
        }
    }

    fn field_spec(&mut self) -> Result<&'t str, FormatError> {
        let start = self.offset();
        let mut depth = 0_usize;
        loop {
            let end = self.offset();
            match self.next() {
                Some('{') => depth += 1,
                Some('}') if depth == 0 => return Ok(self.template.get(start..end).unwrap_or("")),
                Some('}') => depth -= 1,
                Some(_) => {}
                None => return Err(FormatError::Template("unmatched `{` in a specifier")),
            }
        }
    }
}
