use super::*;

#[track_caller]
fn check(code: &str, imports: &[&str], builtins: &[&str], calls: &[&str]) {
    let found = analyze(code);
    assert_eq!(found.syntax_error_exception, None, "{code:?}");
    let found_imports: Vec<_> = found
        .imports
        .iter()
        .map(|it| it.as_deref().unwrap_or(""))
        .collect();
    assert_eq!(found_imports, imports, "{code:?}");
    assert_eq!(found.builtins, builtins, "{code:?}");
    let found_calls: Vec<_> = found.function_calls.iter().map(String::as_str).collect();
    assert_eq!(found_calls, calls, "{code:?}");
}

#[test]
fn imports_builtins_and_calls_are_found() {
    check(
        "import os, sys as s\nfrom subprocess import run\ndef go(p):\n    x = eval(p)\n    \
         os.system(\"ls \" + str(x))\n    return [len(y) for y in run(p).stdout]\nprint(go(\"1\"))\n",
        &["os", "sys", "subprocess"],
        &["eval", "str", "len", "print"],
        &["eval", "go", "len", "os.system", "print", "run", "str"],
    );
    check(
        "import a.b.c\nfrom . import x\nfrom .y import z",
        &["a.b.c", "", "y"],
        &[],
        &[],
    );
    check("", &[], &[], &[]);
}

#[test]
fn names_are_normalised_as_python_does() {
    check("ｅｖａｌ(1)", &[], &["eval"], &["eval"]);
}

#[test]
fn visiting_order_is_that_of_the_syntax_tree() {
    check(
        "@staticmethod\ndef f(a: int = len) -> str: max",
        &[],
        &["int", "len", "max", "staticmethod", "str"],
        &[],
    );
    check(
        "x = {id: min, hex: max}",
        &[],
        &["id", "hex", "min", "max"],
        &[],
    );
    check("x = abs if all else any", &[], &["all", "abs", "any"], &[]);
}

#[track_caller]
fn refused(code: &str) {
    let found = analyze(code);
    assert!(
        found.syntax_error && found.syntax_error_exception.is_some(),
        "{code:?}"
    );
    assert_eq!(
        (
            found.imports.len(),
            found.builtins.len(),
            found.function_calls.len()
        ),
        (0, 0, 0)
    );
}

#[test]
fn code_that_does_not_parse_is_a_syntax_error() {
    for code in [
        "def f(:",
        "import os\nx = (",
        "import os\0",
        "hello world",
        "  x = 1",
    ] {
        refused(code);
    }
}

#[test]
fn nesting_beyond_the_limits_is_a_syntax_error() {
    let deep = |part: &str, count| part.repeat(count);
    refused(&(deep("(", 300) + "x" + &deep(")", 300)));
    refused(&(deep("~", 100_000) + "x"));
    refused(&(deep("not ", 50_000) + "x"));
    refused(&(deep("lambda a, b: ", 15_000) + "x"));
    refused(&("x".to_owned() + &deep(".y", 100_000)));
    refused(&("x".to_owned() + &deep("()", 100_000)));
    refused(&("1".to_owned() + &deep("**1", 50_000)));
    refused(&(deep("x if y else ", 15_000) + "z"));
    refused(&deep("f'{", 300));
    let indented: String = (0..150)
        .map(|level| " ".repeat(level) + "if x:\n")
        .collect();
    refused(&(indented + &" ".repeat(150) + "y"));
    refused(&deep("#", SOURCE_BYTES_MAX + 1));
}

#[test]
fn wide_code_is_not_deep() {
    let items = "-f(x).y, ".repeat(20_000);
    assert!(!analyze(&format!("z = [{items}]")).syntax_error);
    assert!(!analyze(&"a.b.c(1)\n".repeat(20_000)).syntax_error);
    assert!(!analyze(&format!("if a: pass\n{}", "elif a: pass\n".repeat(10_000))).syntax_error);
    let sum = "f('x') + ".repeat(400);
    assert!(!analyze(&format!("{sum} 1")).syntax_error);
}

#[test]
fn callees_are_written_in_normal_form() {
    let calls = |code: &str| Vec::from_iter(analyze(code).function_calls);
    assert_eq!(
        calls("open( self.f ).read()"),
        ["open", "open(self.f).read"]
    );
    assert_eq!(calls("(lambda x,*,y=1:x)(2)"), ["lambda x, *, y=1: x"]);
    assert_eq!(calls("a [ 1:2, ::3 ] ['k'] ()"), ["a[1:2, ::3]['k']"]);
    assert_eq!(calls("(a+b*c).d()"), ["(a + b * c).d"]);
    assert_eq!(calls("''.join()"), ["''.join"]);
    assert_eq!(calls("f'{x!r:>{w}}'.y()"), ["f'{x!r:>{w}}'.y"]);
    assert_eq!(
        calls("(0xFFFF_FFFF_FFFF_FFFF_FF).z()"),
        ["4722366482869645213695 .z"]
    );
}

#[test]
fn notebook_magics_are_calls() {
    let found = analyze_ipython("%load x\n!rm -rf y\nimport os\nz = !ls\n?help\n");
    assert_eq!(found.imports, [Some("os".to_owned())]);
    assert_eq!(
        Vec::from_iter(found.function_calls),
        [
            "get_ipython",
            "get_ipython().run_line_magic",
            "get_ipython().system",
        ]
    );
    let bash = analyze_ipython("%%bash\nrm -rf (\n");
    assert!(!bash.syntax_error && bash.function_calls.contains("get_ipython().run_cell_magic"));
    let timed = analyze_ipython("%%time\nimport os\n");
    assert_eq!(timed.imports, [Some("os".to_owned())]);
    assert!(analyze("!ls").syntax_error);
}
