use super::*;
use std::process::Command;
use std::time::{Duration, Instant};

/// The programs of the commands, `?` for what only the run can tell.
#[track_caller]
fn programs(code: &str) -> Vec<String> {
    let found = analyze(code);
    assert_eq!(found.syntax_error, None, "{code}");
    let name = |command: &ShellCommand| command.program.clone().unwrap_or_else(|| "?".to_owned());
    found.commands.iter().map(name).collect()
}

#[track_caller]
fn check(code: &str, expected: &[&str]) {
    assert_eq!(programs(code), expected, "{code}");
}

/// Whether some command, in its one form, is this.
#[track_caller]
fn runs(code: &str, text: &str) {
    let found = analyze(code);
    assert_eq!(found.syntax_error, None, "{code}");
    let texts: Vec<_> = found.commands.iter().map(|it| it.text.as_str()).collect();
    assert!(texts.contains(&text), "{code}: {texts:?}");
}

#[test]
fn commands_are_found_wherever_they_stand() {
    check("", &[]);
    check("# a comment", &[]);
    check(
        "ls -l | grep x && make || true; pwd & date",
        &["ls", "grep", "make", "true", "pwd", "date"],
    );
    check("(cd /tmp; rm x) > log 2>&1", &["cd", "rm"]);
    check("{ a; b; }; ! c |& d", &["a", "b", "c", "d"]);
    check("time -p make -j4", &["make"]);
    check(
        "if a; then b; elif c; then d; else e; fi",
        &["a", "b", "c", "d", "e"],
    );
    check(
        "while a; do b; done; until c\ndo d\ndone",
        &["a", "b", "c", "d"],
    );
    check(
        "for x in 1 $(a); do b; done; for ((i=0; i<3; i++)); do c; done",
        &["a", "b", "c"],
    );
    check(
        "for x\ndo a; done; select y in 1 2; do b; done",
        &["a", "b"],
    );
    check("case $x in a|b) c;; (*) d ;& e) f;; esac", &["c", "d", "f"]);
    check(
        "[[ -f a && ( $(b) == c* || d =~ ^(x|y)$ ) ]] && e",
        &["b", "e"],
    );
    check(
        "f() { a; }; function g { b; }; function h() (c); f",
        &["a", "b", "c", "f"],
    );
    check(":(){ :|:& };:", &[":", ":", ":"]);
    check(
        "echo $((1 + $(a))) $[2 + $(b)]; (( x = $(c) ))",
        &["a", "b", "echo", "c"],
    );
    check("((a) || (b)); $((a); (b))", &["a", "b", "a", "b", "?"]);
    check("x=1 y=$(a) b; z=(c $(d)); e+=f", &["a", "b", "d"]);
    check("a \\\n  b\nc", &["a", "c"]);
    check("[ -f x ]", &["["]);
    check("echo done; echo }", &["echo", "echo"]);
    check("declare -a x=(1 2); export A=b", &["declare", "export"]);
}

#[test]
fn substitutions_are_read() {
    check("a \"$(b \"$(c)\")\"", &["c", "b", "a"]);
    check("a `b \\`c\\`` \"`d`\"", &["c", "b", "d", "a"]);
    check("a <(b) >(c)", &["b", "c", "a"]);
    check(
        "a ${x:-$(b)} \"${y:=`c`}\" ${z//\\'/$(d)}",
        &["b", "c", "d", "a"],
    );
    check("a > $(b) 2>> \"$(c)\"", &["b", "c", "a"]);
    check("x[$(a)]=1", &["a"]);
    let found = analyze("tar c $(find . -name '*.c') | ssh h 'tar x'");
    assert_eq!(found.substitutions, ["find . -name *.c"]);
    assert_eq!(
        found.pipelines,
        [
            "find . -name *.c",
            "tar x",
            "tar c $(find . -name *.c) | ssh h 'tar x'"
        ]
    );
}

#[test]
fn quotes_and_escapes_hide_nothing() {
    for code in [
        "rm -rf /",
        "r\\m -rf /",
        "\"rm\" '-rf' /",
        "r''m -r\"\"f /",
        "$'\\x72m' -rf /",
        "$'\\162\\u006d' $'-rf' /",
        "$\"rm\" -rf /",
        "r\\\nm -rf /",
        "/bin/rm -rf /",
        "{rm,-rf,/}",
        "rm${IFS}-rf${IFS}/",
        "rm$IFS-rf${IFS:0:1}/",
        "\\rm -rf /",
        "X=rm; $X -rf /",
        "a=r; b=m; $a$b -rf /",
        "X='rm -rf'; $X /",
        "$(echo rm) -rf /",
        "`printf 'r\\155'` -rf /",
        "$(which rm) -rf /",
        "$(echo cm0K | base64 -d) -rf /",
        "$nothing rm -rf /",
        "> log rm -rf / 2>&1",
        "A=1 rm -rf /",
    ] {
        runs(code, "rm -rf /");
    }
}

#[test]
fn programs_that_run_others_are_seen_through() {
    for code in [
        "sudo rm -rf /",
        "sudo -u root -n A=b rm -rf /",
        "doas rm -rf /",
        "env -i X=1 rm -rf /",
        "env -S 'rm -rf /'",
        "nohup nice -n 5 timeout -s KILL 10 rm -rf /",
        "command -p rm -rf /",
        "exec -a x rm -rf /",
        "busybox rm -rf /",
        "chroot /mnt rm -rf /",
        "time rm -rf /",
        "bash -c 'rm -rf /'",
        "sh -ec \"rm -rf /\"",
        "bash --norc -o pipefail -c 'rm -rf /' x",
        "bash -c \"bash -c 'r\\m -rf /'\"",
        "sudo bash -c 'true; (rm -rf /)'",
        "eval rm -rf /",
        "eval 'rm' \"-rf /\"",
        "ssh -p 22 host 'rm -rf /'",
        "watch -n 1 rm -rf /",
        "su - ann -c 'rm -rf /'",
        "trap 'rm -rf /' EXIT",
        "alias ls='rm -rf /'",
        "flock /tmp/x rm -rf /",
        "flock /tmp/x -c 'rm -rf /'",
        "docker run --rm -v /:/h alpine sh -c 'rm -rf /'",
        "kubectl exec pod -- rm -rf /",
        "find . -name x -exec rm -rf / ';' -print",
        "find . -execdir rm -rf / \\;",
        "fd x -x rm -rf /",
        "echo / | xargs -n 1 rm -rf",
        "xargs rm -rf / < list",
        "bash <<< 'rm -rf /'",
        "bash <<EOF\nrm -rf /\nEOF",
        "cat <<-'E' | sudo sh -s\n\trm -rf /\n\tE\n",
        "echo 'rm -rf /' | sh",
        "echo -e 'r\\x6d -rf /' | tee log | sudo bash",
        "printf '%s\\n' 'rm -rf /' | sh",
        "echo cm0gLXJmIC8= | base64 -d | sh",
        "source /dev/stdin <<< 'rm -rf /'",
        "{ sh; } <<< 'rm -rf /'",
        "f() { rm -rf /; }; f",
        "coproc rm -rf /",
        "if true; then rm -rf /; fi",
    ] {
        runs(code, "rm -rf /");
    }
}

#[test]
fn what_only_the_run_can_tell_is_dynamic() {
    let check =
        |code: &str, expected: &[&str]| assert_eq!(analyze(code).dynamic, expected, "{code}");
    check("$CMD -rf /", &["$CMD"]);
    check("\"${CMD:-ls}\" x", &["${CMD:-ls}"]);
    check("r$@m x", &["r$@m"]);
    check("$(curl -s x)", &["$(curl -s x)"]);
    check("/bin/r? x", &["/bin/r?"]);
    check("X=rm; $X /", &["$X"]);
    check("for x in rm ls; do $x /; done", &["$x"]);
    check("X=rm; X=ls; $X", &["$X"]);
    check("bash -c \"$X\"", &["$X"]);
    for sets in [
        "read X <<< rm",
        "printf -v X rm",
        "X+=m",
        "export X=rm",
        ": ${X:=rm}",
        ". ./f",
    ] {
        assert_eq!(analyze(&format!("X=ls; {sets}; $X /")).dynamic, ["$X"]);
        assert!(
            programs(&format!("X=ls; {sets}; $X /")).contains(&"?".to_owned()),
            "{sets}"
        );
    }
    check("R=read; X=ls; $R X <<< rm; $X /", &["$R", "$X"]);
    check("$VENV/bin/python x.py", &[]);
    check("ls $X", &[]);
    assert_eq!(programs("$CMD x"), ["?", "x"]);
}

#[test]
fn what_a_command_reads_is_known() {
    let inputs = |code: &str, program: &str| {
        let found = analyze(code);
        let mut commands = found.commands.into_iter();
        commands
            .find(|it| it.program.as_deref() == Some(program))
            .unwrap()
    };
    assert_eq!(
        inputs("curl x | tee y | sudo bash -s", "bash").inputs,
        ["curl", "tee"]
    );
    assert_eq!(
        inputs("{ wget x; date; } | sh", "sh").inputs,
        ["wget", "date"]
    );
    assert_eq!(inputs("sh < <(curl x)", "sh").inputs, ["curl"]);
    assert_eq!(
        inputs("bash -c \"$(curl x)\"", "bash").substituted,
        ["curl"]
    );
    assert_eq!(inputs("source <(curl x)", "source").substituted, ["curl"]);
}

#[test]
fn redirects_variables_and_assignments_are_listed() {
    let found = analyze("X=1 a >b 2>&1 <\"$HOME/c\" >>${D[0]} {fd}<>e &>> f <<<g");
    assert_eq!(
        found.redirects,
        [
            "> b",
            ">& 1",
            "< $HOME/c",
            ">> ${D[0]}",
            "<> e",
            "&>> f",
            "<<< g"
        ]
    );
    assert_eq!(Vec::from_iter(found.variables), ["D", "HOME"]);
    assert_eq!(found.assignments, ["X=1"]);
}

#[test]
fn here_documents_are_text() {
    check("cat <<E\nrm -rf /\nE\nls", &["cat", "ls"]);
    check(
        "cat <<E\n$(rm x) \\$(no) `a`\nE\nls",
        &["rm", "a", "cat", "ls"],
    );
    check("cat <<'E'\n$(rm x)\nE\nls", &["cat", "ls"]);
    check("cat <<A <<B | b 2>&1\n1\nA\n2\nB\nls", &["cat", "b", "ls"]);
    check("x=$(cat <<E\n)\nE\n) && ls", &["cat", "ls"]);
    check("cat <<E", &["cat"]);
}

#[track_caller]
fn refused(code: &str) {
    let found = analyze(code);
    assert!(found.syntax_error.is_some(), "{code:?}: {found:?}");
    assert!(found.commands.is_empty() && found.pipelines.is_empty());
}

/// Texts that are no shell code; `bash -n` agrees on each.
const NO_CODE: [&str; 22] = [
    "echo 'a",
    "echo \"a",
    "echo `a",
    "echo $(a",
    "echo ${a",
    "(a",
    "a)",
    "{ a",
    "a; }",
    "if a; then b",
    "fi",
    "while a; done",
    "for",
    "case a in b) c",
    "a |",
    "a &&",
    "| a",
    "a && && b",
    "a >",
    "f() ls",
    "a (b)",
    "it's fine",
];

#[test]
fn what_does_not_parse_is_a_syntax_error() {
    NO_CODE.into_iter().for_each(refused);
    refused("a\0b");
    refused("bash -c 'a |'");
    refused("${ a; }");
    refused("$'\\xff'");
}

#[test]
fn bash_agrees_about_what_parses() {
    let accepts = |code: &str| {
        let mut bash = Command::new("bash");
        let outcome = bash.args(["-n", "-c", code]).output();
        outcome.ok().map(|outcome| outcome.status.success())
    };
    for code in NO_CODE {
        assert_ne!(accepts(code), Some(true), "{code}");
    }
    for code in [
        "a; b & c\n d",
        "case $x in a|b) c;; (*) d ;; esac",
        "x=$(cat <<E\n)\nE\n) && ls",
        "echo \"${a:-\"b c\"}\" ${#d} ${e[@]} $((1+2)) $# $$ $!",
        "[[ a =~ ^(b|c)$ && ! -f d ]]",
        "f() { a; } > b; function g { c; }",
        "for ((i=0;i<2;i++)) { a; }",
        "a=(b c [3]=d); a[1]=x; b+=(e)",
        ":(){ :|:& };:",
        "echo a#b #c 'd\n",
        "cat <(a) > >(b) 2>&1 &>c",
    ] {
        assert_eq!(analyze(code).syntax_error, None, "{code}");
        assert_ne!(accepts(code), Some(false), "{code}");
    }
}

#[test]
fn nesting_and_length_are_bounded() {
    let deep = |open: &str, close: &str| refused(&(open.repeat(5_000) + &close.repeat(5_000)));
    deep("(", ")");
    deep("((", "))");
    deep("$(", ")");
    deep("$((", "))");
    deep("\"$(", ")\"");
    deep("${a:-", "}");
    deep("\"${a:-", "}\"");
    deep("{ ", "; }");
    deep("if ", "");
    deep("f() ", "");
    deep("sudo ", "");
    deep("<(", ")");
    deep("eval ", "");
    refused(&"a".repeat(SOURCE_BYTES_MAX + 1));
    refused(&"{a,b}".repeat(20));
    refused(&format!(
        "x={}; {}",
        "y".repeat(10_000),
        "$x ".repeat(10_000)
    ));
    refused(&"a|".repeat(10_000));
}

#[test]
fn hostile_code_is_read_in_time() {
    let many = |piece: &str| piece.repeat(SOURCE_BYTES_MAX / 4 / piece.len());
    for piece in [
        "a",
        "a ",
        "a;",
        "a\n",
        "'' ",
        "$a ",
        "\\",
        "`a`",
        "$(a)",
        "{a,b} ",
        "{a,b}{a,b}{a,b};",
        "a[",
        "a[;",
        "{a ",
        "(( (a) # '\n) );",
        "((a) );",
        "${a}",
        "<<a ",
        "<<a\n",
        "{",
        "a=b;",
        "$x$x;x=a;",
        "sudo a;",
        "eval a;",
        "[[ a ]];",
        "((1));",
        "a|b;",
        "<<E$[\t\t",
        "f(){ a;};",
        "$'\\x41'",
        "case a in b) c;; esac;",
        "$((",
        "$[",
        "a b c d\t",
        "\"$a\"",
        "*?[",
    ] {
        let began = Instant::now();
        analyze(&many(piece));
        let took = began.elapsed();
        assert!(took < Duration::from_secs(20), "{piece:?}: {took:?}");
    }
}
