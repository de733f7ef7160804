use super::table::{Fence, Floor};
use super::{Workspace, problems};

const FLOORS: &[Floor] = &[
    Floor {
        name: "json",
        imports: &[],
        tests: &[],
    },
    Floor {
        name: "trace",
        imports: &["json"],
        tests: &[],
    },
];
const FENCES: &[Fence] = &[Fence {
    name: "tokio",
    users: &["trace"],
    tests: &["json"],
}];

/// The arrows that [`FLOORS`] and [`FENCES`] have, each once; a `~` marks a dev-dependency.
const ARROWS: &[(&str, &[&str])] = &[
    ("portcullis-json", &["~tokio"]),
    ("portcullis-trace", &["portcullis-json", "tokio"]),
];

#[track_caller]
fn check(packages: &[(&str, &[&str])], expected: &[&str]) {
    let workspace = Workspace::read(&metadata(packages)).unwrap();
    assert_eq!(problems(&workspace.packages, FLOORS, FENCES), expected);
}

fn metadata(packages: &[(&str, &[&str])]) -> String {
    let dependency = |name: &&str| match name.strip_prefix('~') {
        Some(name) => format!(r#"{{"name":"{name}","kind":"dev"}}"#),
        None => format!(r#"{{"name":"{name}","kind":null}}"#),
    };
    let package = |(name, dependencies): &(&str, &[&str])| {
        let dependencies: Vec<_> = dependencies.iter().map(dependency).collect();
        let dependencies = dependencies.join(",");
        format!(r#"{{"name":"{name}","license":null,"dependencies":[{dependencies}]}}"#)
    };
    let packages: Vec<_> = packages.iter().map(package).collect();
    format!(
        r#"{{"packages":[{}],"workspace_root":"/w","target_directory":"/w/target"}}"#,
        packages.join(",")
    )
}

#[test]
fn the_arrows_of_the_table_pass() {
    check(ARROWS, &[]);
}

#[test]
fn tests_may_repeat_what_the_code_imports() {
    let trace: &[&str] = &["portcullis-json", "tokio", "~tokio", "~portcullis-json"];
    check(
        &[
            ("portcullis-json", &["~tokio"]),
            ("portcullis-trace", trace),
        ],
        &[],
    );
}

#[test]
fn an_arrow_that_the_table_does_not_have_is_refused() {
    check(
        &[
            ("portcullis-json", &["~tokio", "portcullis-trace"]),
            ("portcullis-trace", &["portcullis-json", "tokio"]),
        ],
        &["`json` imports `trace`, which the table does not have"],
    );
}

#[test]
fn a_permission_for_tests_is_none_for_code() {
    check(
        &[
            ("portcullis-json", &["tokio", "~tokio"]),
            ("portcullis-trace", &["portcullis-json", "tokio"]),
        ],
        &["`json` imports `tokio`, which the table does not have"],
    );
}

#[test]
fn a_row_that_nothing_uses_is_refused() {
    check(
        &[("portcullis-json", &[]), ("portcullis-trace", &["tokio"])],
        &[
            "`trace` imports `json` in the table, but not in its manifest",
            "`json` imports `tokio` in tests in the table, but not in its manifest",
        ],
    );
}

#[test]
fn crates_and_floors_are_the_same() {
    check(
        &[("portcullis-json", &["~tokio"]), ("portcullis-new", &[])],
        &[
            "`trace` is in the table but is no crate",
            "`new` is a crate but not in the table",
            "`trace` imports `json` in the table, but not in its manifest",
            "`trace` imports `tokio` in the table, but not in its manifest",
        ],
    );
}

#[test]
fn a_floor_leans_only_on_earlier_ones() {
    let floors = &[
        Floor {
            name: "trace",
            imports: &["json"],
            tests: &[],
        },
        Floor {
            name: "json",
            imports: &[],
            tests: &[],
        },
    ];
    let workspace = Workspace::read(&metadata(ARROWS)).unwrap();
    let found = problems(&workspace.packages, floors, FENCES);
    assert_eq!(
        found,
        ["`trace` imports `json`, which must come before it in the table"]
    );
}

#[test]
fn metadata_without_packages_is_an_error() {
    let error = Workspace::read("{}").err();
    assert_eq!(
        error.as_deref(),
        Some("cargo metadata: there is no list `packages`")
    );
}
