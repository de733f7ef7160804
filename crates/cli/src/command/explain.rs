use std::io::Write;

use portcullis_server::policy::code_pages;
use portcullis_syntax::{CodePage, nearest};

use super::{Failure, Outcome};
use crate::args::ExplainArguments;

pub(crate) fn explain(arguments: &ExplainArguments) -> Result<Outcome, Failure> {
    let mut out = anstream::stdout().lock();
    let Some(code) = &arguments.code else {
        for page in code_pages() {
            writeln!(out, "{:<28} {}", page.code.0, page.title)?;
        }
        return Ok(Outcome::Ok);
    };
    match code_pages().find(|page| page.code.0 == code) {
        Some(page) => write_page(&mut out, page)?,
        None => return Err(unknown(code)),
    }
    Ok(Outcome::Ok)
}

fn write_page(out: &mut impl Write, page: &CodePage) -> std::io::Result<()> {
    writeln!(
        out,
        "{}: {}\n\n{}",
        page.code.0,
        page.title,
        page.text.trim_end()
    )?;
    for (title, policy) in [("Wrong", page.wrong), ("Right", page.right)] {
        if !policy.is_empty() {
            writeln!(out, "\n{title}:\n")?;
            for line in policy.lines() {
                writeln!(out, "    {line}")?;
            }
        }
    }
    Ok(())
}

fn unknown(code: &str) -> Failure {
    let failure = Failure::usage(format!("there is no diagnostic `{code}`"));
    match nearest(code, code_pages().map(|page| page.code.0)) {
        Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
        None => failure.hint("`portcullis explain` lists them all"),
    }
}
