use std::ffi::OsStr;
use std::path::Path;

use portcullis_transport::child::ServerCommand;

/// Options of containers that stand alone. All others have a value.
const CONTAINER_SWITCHES: [&str; 12] = [
    "--detach",
    "--init",
    "--interactive",
    "--no-healthcheck",
    "--oom-kill-disable",
    "--privileged",
    "--publish-all",
    "--quiet",
    "--read-only",
    "--replace",
    "--rm",
    "--tty",
];
const CONTAINER_SWITCH_LETTERS: &str = "diPqt";

/// What a program runs.
enum Runs<'w> {
    Itself,
    /// A command, or a file or module that people call the server by.
    Command(Vec<&'w str>),
    /// What a registry has under a name, maybe with a version.
    Package(Vec<&'w str>),
    Image(&'w str),
}

/// What to call a server that was given no name: the program, or what a runner such as `npx` runs.
pub fn server_name(command: &ServerCommand) -> String {
    let words = std::iter::once(&command.program).chain(&command.arguments);
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    let mut words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let mut is_package = false;
    // Each runner takes its own name away, at least.
    while let Some((program, arguments)) = words.split_first() {
        match Runs::of(file_name(program), arguments) {
            Runs::Itself => break,
            Runs::Image(image) => return without_version(file_name(image), [':', '@']).to_owned(),
            Runs::Command(command) => (words, is_package) = (command, false),
            Runs::Package(command) => (words, is_package) = (command, true),
        }
    }
    let name = words.first().map_or("", |program| file_name(program));
    if is_package {
        without_version(name, ['@', '=']).to_owned()
    } else {
        name.to_owned()
    }
}

fn file_name(path: &str) -> &str {
    let name = Path::new(path).file_name().and_then(OsStr::to_str);
    name.unwrap_or(path)
}

fn without_version(name: &str, marks: [char; 2]) -> &str {
    let name_only = name.split(marks).next();
    name_only.filter(|only| !only.is_empty()).unwrap_or(name)
}

// === impl Runs ===

impl<'w> Runs<'w> {
    fn of(program: &str, arguments: &[&'w str]) -> Self {
        let behind = |options: &[&str]| operands(arguments, |option| options.contains(&option));
        let runs = match program {
            "env" => {
                let mut command = behind(&["-u", "--unset", "-C", "--chdir"]);
                let assignments = command.iter().take_while(|word| word.contains('='));
                command.drain(..assignments.count());
                Self::Command(command)
            }
            "sh" | "bash" | "dash" | "zsh" => Self::Command(in_shell(arguments)),
            "python" | "python3" => Self::Command(behind(&["-W", "-X"])),
            "node" | "deno" => Self::Command(behind(&["-r", "--require", "--import", "--loader"])),
            "npx" | "bunx" | "pnpm" => Self::Package(behind(&["-p", "--package"])),
            "pipx" => Self::Package(behind(&["--spec", "--python"])),
            "uv" | "uvx" => Self::Package(behind(&[
                "--from",
                "--with",
                "--with-editable",
                "--directory",
                "--project",
                "-p",
                "--python",
                "--index",
                "--index-url",
                "--extra-index-url",
                "--env-file",
                "--extra",
            ])),
            "docker" | "podman" => match operands(arguments, has_container_value).first() {
                Some(image) => Self::Image(image),
                None => Self::Itself,
            },
            _ => Self::Itself,
        };
        match runs {
            Self::Command(words) | Self::Package(words)
                if words.first().is_none_or(|word| word.is_empty()) =>
            {
                Self::Itself
            }
            runs => runs,
        }
    }
}

/// What is behind the options of a runner, and behind the words that tell it to run something.
fn operands<'w>(arguments: &[&'w str], has_value: impl Fn(&str) -> bool) -> Vec<&'w str> {
    let mut words = arguments.iter();
    let mut rest = words.as_slice();
    while let Some(word) = words.next() {
        let is_step = matches!(*word, "run" | "exec" | "tool" | "dlx" | "container");
        if !word.starts_with('-') && !is_step {
            break;
        }
        let is_last = *word == "--";
        if !is_last && has_value(word) {
            words.next();
        }
        rest = words.as_slice();
        if is_last {
            break;
        }
    }
    rest.to_vec()
}

/// Whether the next word is the value of this option.
fn has_container_value(option: &str) -> bool {
    if option.starts_with("--") {
        return !option.contains('=') && !CONTAINER_SWITCHES.contains(&option);
    }
    // Letters may stand together, and a value behind the letter that has one.
    let letters = option.strip_prefix('-').unwrap_or_default();
    let letters = letters.trim_start_matches(|letter| CONTAINER_SWITCH_LETTERS.contains(letter));
    letters.chars().count() == 1
}

/// What a shell is told to run: a script, or the words of a command that any reader would split as
/// a shell does.
fn in_shell<'w>(arguments: &[&'w str]) -> Vec<&'w str> {
    let is_command = |word: &&str| word.starts_with('-') && word.ends_with('c');
    let has_command = arguments
        .iter()
        .take_while(|word| word.starts_with('-'))
        .any(is_command);
    let rest = operands(arguments, |_| false);
    let Some(text) = rest.first().filter(|_| has_command) else {
        return rest;
    };
    let is_plain = |letter: char| letter.is_alphanumeric() || " -_./:=@+,".contains(letter);
    let mut words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let before = |word: &&&str| word.contains('=') || **word == "exec";
    words.drain(..words.iter().take_while(before).count());
    if text.chars().all(is_plain) && !words.is_empty() {
        words
    } else {
        vec![text]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_after_what_they_run() {
        // `_` is a space within a word.
        let check = |line: &str, expected: &str| {
            let mut words = line.split(' ').map(|word| word.replace('_', " ").into());
            let command = ServerCommand {
                program: words.next().unwrap(),
                arguments: words.collect(),
            };
            assert_eq!(server_name(&command), expected, "{line}");
        };
        check("/usr/bin/my-server --port", "my-server");

        check("env X=1 npx -y @scope/server-foo", "server-foo");
        check("/usr/bin/env -i -u HOME A=/b B= my-server A=1", "my-server");
        check("env --chdir=/d --unset=A -- env X=1 node s.js", "s.js");
        check("env", "env");
        check("env A=1", "env");

        check(
            "npx -y @modelcontextprotocol/server-everything",
            "server-everything",
        );
        check("npx -y @scope/server-foo@latest", "server-foo");
        check("uvx mcp-server-git --repository /r", "mcp-server-git");
        check("npx --package @scope/all foo", "foo");
        check("uvx mcp-server-git==1.2", "mcp-server-git");
        check("uvx --from git+https://host/r mcp-foo", "mcp-foo");
        check("uv run server.py", "server.py");
        check("uv --directory /srv/app run server.py", "server.py");
        check("uv run --with mcp python -m weather", "weather");
        check("pipx run --spec x foo@1", "foo");
        check("npx @", "@");
        check("npx", "npx");

        check("python -m mod", "mod");
        check("python3 -W ignore -um pkg.server --port 1", "pkg.server");
        check("node --import tsx /srv/server@2.js", "server@2.js");

        check("docker run -e A=B -v x:y image", "image");
        check(
            "docker run -i --rm ghcr.io/github/github-mcp-server:v1 stdio",
            "github-mcp-server",
        );
        check(
            "podman run -it --mount type=bind,src=/a --init host:5000/foo@sha256:0",
            "foo",
        );
        check("docker --context c container run -ie A --env=B mcp/x", "x");
        check("docker run -eA=B --name n -- mcp/fetch", "fetch");
        check("docker exec -i my-server serve", "my-server");
        check("docker run -e", "docker");

        check("sh -c npx_-y_@scope/foo_--port_1", "foo");
        check("bash -lc exec_/opt/bin/foo", "foo");
        check("sh -ec A=1_my-server", "my-server");
        check("sh -c exit_127", "exit");
        check("sh -c cd_d_&&_npx_foo", "cd d && npx foo");
        check("sh -c A='b_c'_foo", "A='b c' foo");
        check("sh -c ", "sh");
        check("sh /srv/start.sh -c", "start.sh");
        check("bash", "bash");
    }
}
