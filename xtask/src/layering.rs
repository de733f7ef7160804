//! Holds the arrows between crates to a table, strict both ways: an arrow that the table does not
//! have and a row of the table that no arrow uses are both problems.

mod table;
#[cfg(test)]
mod tests;

use crate::workspace::{Dependency, Package, Workspace};
use std::collections::BTreeSet;
use table::{FENCES, FLOORS, Fence, Floor};

const PREFIX: &str = "portcullis-";

/// An arrow of the workspace: who imports what, and whether only its tests do.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    from: String,
    to: String,
    is_dev: bool,
}

/// The flag of the result says whether the arrows are those of the table.
pub(crate) fn run() -> Result<(String, bool), String> {
    let workspace = Workspace::load()?;
    let problems = problems(&workspace.packages, FLOORS, FENCES);
    if problems.is_empty() {
        let count = workspace.packages.len();
        return Ok((format!("layering: {count} crates keep to the table"), true));
    }
    let advice = "the table is xtask/src/layering/table.rs; docs/ARCHITECTURE.md says why";
    Ok((
        format!("{}\nlayering: {advice}", problems.join("\n")),
        false,
    ))
}

fn problems(packages: &[Package], floors: &[Floor], fences: &[Fence]) -> Vec<String> {
    let names: BTreeSet<&str> = packages
        .iter()
        .map(|package| short(&package.name))
        .collect();
    let is_ours = |arrow: &&Arrow| names.contains(arrow.to.as_str());
    let arrows: BTreeSet<Arrow> = packages.iter().flat_map(arrows).collect();
    let ours: BTreeSet<Arrow> = arrows.iter().filter(is_ours).cloned().collect();
    let is_fenced = |arrow: &&Arrow| fences.iter().any(|fence| fence.name == arrow.to);
    let fenced: BTreeSet<Arrow> = arrows.iter().filter(is_fenced).cloned().collect();

    let mut problems = misplaced(&names, floors);
    compare(
        &ours,
        &floors.iter().flat_map(floor_arrows).collect(),
        &mut problems,
    );
    compare(
        &fenced,
        &fences.iter().flat_map(fence_arrows).collect(),
        &mut problems,
    );
    problems
}

/// Crates without a floor, floors without a crate, and floors that lean on a later one.
fn misplaced(names: &BTreeSet<&str>, floors: &[Floor]) -> Vec<String> {
    let mut below: BTreeSet<&str> = BTreeSet::new();
    let mut problems = Vec::new();
    for floor in floors {
        if !names.contains(floor.name) {
            problems.push(format!("`{}` is in the table but is no crate", floor.name));
        }
        for import in floor
            .imports
            .iter()
            .filter(|import| !below.contains(*import))
        {
            let rule = "which must come before it in the table";
            problems.push(format!("`{}` imports `{import}`, {rule}", floor.name));
        }
        below.insert(floor.name);
    }
    let without = names.difference(&below);
    problems.extend(without.map(|name| format!("`{name}` is a crate but not in the table")));
    problems
}

fn compare(found: &BTreeSet<Arrow>, permitted: &BTreeSet<Arrow>, problems: &mut Vec<String>) {
    // What the code of a crate may import, its tests may too, whether or not they say so.
    let is_extra = |arrow: &&Arrow| {
        let as_code = Arrow {
            is_dev: false,
            ..(*arrow).clone()
        };
        !permitted.contains(*arrow) && !permitted.contains(&as_code)
    };
    let extra = found.iter().filter(is_extra);
    problems.extend(extra.map(|arrow| format!("{arrow}, which the table does not have")));
    let stale = permitted.difference(found);
    problems.extend(stale.map(|arrow| format!("{arrow} in the table, but not in its manifest")));
}

fn arrows(package: &Package) -> impl Iterator<Item = Arrow> {
    let arrow = |dependency: &Dependency| Arrow {
        from: short(&package.name).to_owned(),
        to: short(&dependency.name).to_owned(),
        is_dev: dependency.is_dev,
    };
    package.dependencies.iter().map(arrow)
}

fn floor_arrows(floor: &Floor) -> impl Iterator<Item = Arrow> {
    let arrow = |to: &&str, is_dev| Arrow {
        from: floor.name.to_owned(),
        to: (*to).to_owned(),
        is_dev,
    };
    let code = floor.imports.iter().map(move |to| arrow(to, false));
    code.chain(floor.tests.iter().map(move |to| arrow(to, true)))
}

fn fence_arrows(fence: &Fence) -> impl Iterator<Item = Arrow> {
    let arrow = |from: &&str, is_dev| Arrow {
        from: (*from).to_owned(),
        to: fence.name.to_owned(),
        is_dev,
    };
    let code = fence.users.iter().map(move |from| arrow(from, false));
    code.chain(fence.tests.iter().map(move |from| arrow(from, true)))
}

fn short(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

// === impl Arrow ===

impl std::fmt::Display for Arrow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let as_what = if self.is_dev { " in tests" } else { "" };
        write!(f, "`{}` imports `{}`{as_what}", self.from, self.to)
    }
}
