//! What a process holds: memory, descriptors, children.

use std::fs;
use std::path::PathBuf;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) memory_kib: u64,
    pub(crate) descriptors: u64,
    pub(crate) children: u64,
}

/// Something that must not grow.
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) of: fn(&Sample) -> u64,
    /// How much of the second quarter's the last quarter may have, in hundredths.
    pub(crate) max: u64,
}

/// Looks at a process, where the system has `/proc`.
pub(crate) fn sample(process: u32) -> Result<Sample, String> {
    let directory = PathBuf::from("/proc").join(process.to_string());
    let read = |name: &str| {
        let path = directory.join(name);
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let status = read("status")?;
    let mut lines = status.lines();
    let memory = lines.find_map(|line| line.strip_prefix("VmRSS:"));
    let memory = memory.and_then(|line| line.split_whitespace().next()?.parse().ok());
    let entries = |name: &str| {
        let listed = fs::read_dir(directory.join(name));
        listed.map_err(|error| error.to_string())
    };
    let mut children = 0;
    for thread in entries("task")?.flatten() {
        // A thread may have ended meanwhile.
        let listed = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        children += listed.split_whitespace().count() as u64;
    }
    Ok(Sample {
        memory_kib: memory.ok_or("no memory is stated")?,
        descriptors: entries("fd")?.count() as u64,
        children,
    })
}

// === impl Measure ===

impl Measure {
    /// What the run shows, and whether it is flat.
    pub(crate) fn judge(&self, samples: &[Sample]) -> (String, bool) {
        let quarters = [0, 1, 2, 3].map(|quarter| self.median(samples, quarter));
        let [Some(first), Some(second), Some(third), Some(last)] = quarters else {
            return (format!("{}: too short a run to judge", self.name), false);
        };
        let is_flat = last * 100 <= second * self.max;
        let verdict = if is_flat { "flat" } else { "NOT FLAT" };
        let name = self.name;
        let line = format!(
            "{name}: medians of the quarters {first}, {second}, {third}, {last}: {verdict}"
        );
        (line, is_flat)
    }

    fn median(&self, samples: &[Sample], quarter: usize) -> Option<u64> {
        let length = samples.len() / 4;
        let part = samples.get(quarter * length..(quarter + 1) * length)?;
        let mut values: Vec<u64> = part.iter().map(self.of).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied()
    }
}
