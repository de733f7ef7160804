use std::ffi::OsStr;
use std::path::Path;

use portcullis_transport::child::ServerCommand;

/// Programs that only run another one, which is what people call the server by.
const RUNNERS: [&str; 12] = [
    "npx", "uvx", "uv", "bunx", "pnpm", "node", "deno", "python", "python3", "pipx", "docker", "sh",
];

/// What to call a server that was given no name: the program, or what a runner such as `npx` runs.
pub fn server_name(command: &ServerCommand) -> String {
    let name = |path: &OsStr| {
        let file = Path::new(path).file_name().unwrap_or(path);
        file.to_string_lossy().into_owned()
    };
    let program = name(&command.program);
    if !RUNNERS.contains(&program.as_str()) {
        return program;
    }
    let is_plain = |argument: &&std::ffi::OsString| {
        let text = argument.to_string_lossy();
        !text.starts_with('-') && !matches!(&*text, "run" | "exec" | "tool" | "dlx")
    };
    command
        .arguments
        .iter()
        .find(is_plain)
        .map_or(program, |argument| name(argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_after_what_they_run() {
        let check = |words: &[&str], expected: &str| {
            let mut words = words.iter().map(Into::into);
            let command = ServerCommand {
                program: words.next().unwrap(),
                arguments: words.collect(),
            };
            assert_eq!(server_name(&command), expected);
        };
        check(&["/usr/bin/my-server", "--port"], "my-server");
        check(
            &["npx", "-y", "@modelcontextprotocol/server-everything"],
            "server-everything",
        );
        check(
            &["uvx", "mcp-server-git", "--repository", "/r"],
            "mcp-server-git",
        );
        check(&["uv", "run", "server.py"], "server.py");
        check(&["node"], "node");
    }
}
