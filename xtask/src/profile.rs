//! Records how often the parts of the program run under load, for the compiler.
//!
//! A release build reads the record (`profile/rustc`) and lays out together what runs for every
//! message. What has changed since the record was made is compiled as if there were none.

use crate::overhead;
use crate::process::{output, succeed};
use crate::soak;
use crate::throughput;
use crate::workspace::Workspace;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the record is, from the root of the project.
const RECORD: &str = "profile/release.profdata";
/// The loads: `throughput` with these, `overhead` and `soak`.
const CONNECTIONS: usize = 16;
const BYTES: [usize; 3] = [100, 10 << 10, 1 << 20];
const CALLS: usize = 1000;
const SOAK_MINUTES: f64 = 0.5;

/// Builds a program that counts, puts it under load, and writes the record.
pub(crate) fn run() -> Result<(String, bool), String> {
    let merge = profdata()?;
    let workspace = Workspace::load()?;
    let target = workspace.target_directory.join("profile");
    let counts = target.join("counts");
    if counts.exists() {
        fs::remove_dir_all(&counts).map_err(|error| format!("{}: {error}", counts.display()))?;
    }
    let portcullis = build(&target, &counts)?;
    let mut version = Command::new(&portcullis);
    version.arg("--version");
    succeed(version)?;
    if !counts.exists() {
        return Err(
            "the program does not count: the build has to go through `profile/rustc`, with \
                    rustup's compiler of the version in rust-toolchain.toml"
                .to_owned(),
        );
    }
    // How fast a program is that counts does not matter.
    throughput::run(&throughput::Options {
        portcullis: portcullis.clone(),
        connections: vec![CONNECTIONS],
        bytes: BYTES.to_vec(),
    })?;
    overhead::run(&portcullis, CALLS)?;
    soak::run(&portcullis, SOAK_MINUTES)?;
    let mut command = Command::new(merge);
    command.args(["merge", "--sparse", "-o"]);
    command.arg(workspace.root.join(RECORD)).arg(&counts);
    succeed(command)?;
    Ok((format!("written: {RECORD}"), true))
}

/// The program that merges counts, which belongs to the compiler.
fn profdata() -> Result<PathBuf, String> {
    let mut command = Command::new("rustc");
    let libraries = output(command.args(["--print", "target-libdir"]))?;
    let program = Path::new(libraries.trim()).with_file_name("bin/llvm-profdata");
    if program.exists() {
        return Ok(program);
    }
    Err("the compiler has no `llvm-profdata`: `rustup component add llvm-tools`".to_owned())
}

/// Builds a program that writes its counts to a directory when it ends. Names in the record have the
/// settings of the build in them, so nothing else may differ from a release build.
fn build(target: &Path, counts: &Path) -> Result<PathBuf, String> {
    let mut command = Command::new("cargo");
    command
        .args(["build", "--release", "--locked", "-p", "portcullis-cli"])
        .arg("--target-dir")
        .arg(target)
        .env("PORTCULLIS_COUNTS", counts);
    succeed(command)?;
    Ok(target.join("release/portcullis"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npm::write;

    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

    /// Has `profile/rustc` run a program.
    fn wrapped(toolchain: &str, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(format!("{ROOT}/profile/rustc"));
        command.arg(program).args(arguments);
        command.env("RUSTUP_TOOLCHAIN", toolchain);
        command.env_remove("PORTCULLIS_COUNTS");
        command
    }

    fn pinned_toolchain() -> String {
        let text = fs::read_to_string(format!("{ROOT}/rust-toolchain.toml")).unwrap();
        let channel = text.split_once("channel = \"").unwrap().1;
        format!("{}-of-some-host", channel.split_once('"').unwrap().0)
    }

    #[test]
    fn cargo_runs_rustc_through_the_script() {
        let directory = tempfile::tempdir().unwrap();
        let manifest = directory.path().join("Cargo.toml");
        let package = "[package]\nname = \"a\"\nedition = \"2024\"\n[lib]\npath = \"a.rs\"\n";
        write(&manifest, package).unwrap();
        write(&directory.path().join("a.rs"), "").unwrap();
        let mut check = Command::new("cargo");
        check.current_dir(ROOT);
        check.args(["check", "--verbose", "--offline", "--manifest-path"]);
        check
            .arg(&manifest)
            .arg("--target-dir")
            .arg(directory.path());
        // Who has another one, as a cache, goes without the record.
        check.env_remove("RUSTC_WRAPPER");
        check.env_remove("CARGO_BUILD_RUSTC_WRAPPER");
        let checked = check.output().unwrap();
        let told = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{told}");
        let mut lines = told.lines();
        let running = lines.find(|line| line.contains("--crate-name a "));
        assert!(
            running.is_some_and(|line| line.contains("/profile/rustc ")),
            "{told}"
        );
    }

    #[test]
    fn record_is_for_optimized_code_of_the_pinned_compiler() {
        let pinned = pinned_toolchain();
        let optimized = ["--crate-name", "a", "-C", "opt-level=3", "-C", "lto"];
        let given = output(&mut wrapped(&pinned, "echo", &optimized)).unwrap();
        assert!(given.contains(" -C lto -Cprofile-use=/"), "{given}");
        assert!(given.contains("/profile/release.profdata "), "{given}");
        let untouched = |toolchain: &str, arguments: &[&str]| {
            let given = output(&mut wrapped(toolchain, "echo", arguments)).unwrap();
            assert_eq!(given.trim(), arguments.join(" "));
        };
        untouched(&pinned, &["--crate-name", "a", "-C", "opt-level=1"]);
        untouched(&pinned, &["-vV"]);
        untouched(
            &pinned,
            &[&optimized[..], &["-Cinstrument-coverage"]].concat(),
        );
        untouched(
            &pinned,
            &[&optimized[..], &["-C", "profile-generate=x"]].concat(),
        );
        untouched("1.94.0-of-some-host", &optimized);
        untouched("", &optimized);
    }

    #[test]
    fn program_that_counts_does_not_read_the_record() {
        let mut counting = wrapped(
            &pinned_toolchain(),
            "echo",
            &["-C", "opt-level=3", "-C", "lto"],
        );
        let given = output(counting.env("PORTCULLIS_COUNTS", "/counts")).unwrap();
        assert_eq!(
            given.trim(),
            "-C opt-level=3 -C lto -Cprofile-generate=/counts"
        );
    }

    #[test]
    fn where_there_is_no_record_nothing_is_added() {
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("rustc");
        fs::copy(format!("{ROOT}/profile/rustc"), &script).unwrap();
        // By the shell: a program that was written just now may count as being written.
        let mut command = Command::new("sh");
        command.arg(script);
        command.args(["echo", "-C", "opt-level=3", "-C", "lto"]);
        command.env_remove("PORTCULLIS_COUNTS");
        let given = output(command.env("RUSTUP_TOOLCHAIN", pinned_toolchain())).unwrap();
        assert_eq!(given.trim(), "-C opt-level=3 -C lto");
    }

    #[test]
    fn compiler_reads_the_record() {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("source.rs");
        write(&source, "pub fn answer() -> u32 { 42 }\n").unwrap();
        let [source, library] = [&source, &directory.path().join("library.rlib")];
        let (source, library) = (source.to_str().unwrap(), library.to_str().unwrap());
        let optimized = [
            "--crate-type=lib",
            "-C",
            "opt-level=3",
            "-o",
            library,
            source,
        ];
        let compiler = output(Command::new("rustc").args(["--print", "sysroot"])).unwrap();
        let compiler = format!("{}/bin/rustc", compiler.trim());
        let compiled = wrapped(&pinned_toolchain(), &compiler, &optimized).output();
        let compiled = compiled.unwrap();
        // A record that it cannot read is no error to it.
        assert_eq!(String::from_utf8_lossy(&compiled.stderr), "");
        assert!(compiled.status.success());
    }
}
