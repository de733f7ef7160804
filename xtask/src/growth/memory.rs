//! How much memory this process uses, as the kernel says.

use std::fs;

const STATUS: &str = "/proc/self/status";

/// Bytes in memory now.
pub(crate) fn resident_bytes() -> Result<usize, String> {
    status("VmRSS:")
}

/// The most bytes that were in memory at a time.
pub(crate) fn peak_bytes() -> Result<usize, String> {
    status("VmHWM:")
}

fn status(name: &str) -> Result<usize, String> {
    let text = fs::read_to_string(STATUS).map_err(|error| format!("{STATUS}: {error}"))?;
    kibibytes(&text, name)
        .map(|kibibytes| kibibytes * 1024)
        .ok_or_else(|| format!("{STATUS} has no line `{name}` with a number of kB"))
}

fn kibibytes(status: &str, name: &str) -> Option<usize> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    rest.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_line_of_a_name() {
        let check = |status, expected| assert_eq!(kibibytes(status, "VmRSS:"), expected);
        check("VmHWM:\t 9 kB\nVmRSS:\t  1200 kB\n", Some(1200));
        check("VmHWM:\t 9 kB\n", None);
        check("VmRSS:\t  1200 MB\n", None);
        check("VmRSS:\t  many kB\n", None);
    }
}
