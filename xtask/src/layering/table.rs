//! Who may import whom. A change here is a change of the architecture.

/// What one of our crates may import of the others.
pub(crate) struct Floor {
    pub(crate) name: &'static str,
    pub(crate) imports: &'static [&'static str],
    /// Only its tests may import these as well.
    pub(crate) tests: &'static [&'static str],
}

/// Which of our crates may import a crate from outside. What has no fence is open to all.
pub(crate) struct Fence {
    pub(crate) name: &'static str,
    pub(crate) users: &'static [&'static str],
    /// Only the tests of these may import it.
    pub(crate) tests: &'static [&'static str],
}

/// Bottom floor first: a crate imports only from floors that stand before its own.
pub(crate) const FLOORS: &[Floor] = &[
    floor("json", &[]),
    floor("syntax", &[]),
    floor("detect", &[]),
    floor("trace", &["json"]),
    floor("model", &["json"]),
    floor("mcp", &["json"]),
    floor("engine", &["json", "syntax", "trace"]),
    floor("session", &["detect", "engine", "json", "mcp", "trace"]),
    floor("store", &["json", "trace"]),
    floor("transport", &["mcp"]),
    floor(
        "server",
        &[
            "detect",
            "engine",
            "json",
            "mcp",
            "model",
            "session",
            "store",
            "syntax",
            "trace",
            "transport",
        ],
    ),
    floor(
        "cli",
        &[
            "detect",
            "json",
            "mcp",
            "model",
            "server",
            "session",
            "store",
            "syntax",
            "trace",
            "transport",
        ],
    ),
    floor(
        "fuzz-targets",
        &["detect", "engine", "json", "mcp", "syntax", "trace"],
    ),
    floor("training", &["detect", "json"]),
    floor(
        "xtask",
        &[
            "detect", "engine", "json", "mcp", "session", "store", "trace",
        ],
    ),
];

/// Below `session` nothing knows tokio, clocks or sockets; one crate knows the database.
pub(crate) const FENCES: &[Fence] = &[
    fence("anstream", &["cli"]),
    fence("annotate-snippets", &["cli"]),
    fence("axum", &["server"]),
    fence("clap", &["cli", "training", "xtask"]),
    fence("hyper", &["transport"]),
    fence("hyper-rustls", &["transport"]),
    fence("jiff", &["cli", "server", "session"]),
    fence("postgres", &["store"]),
    fence("rten", &["model"]),
    fence("rten-tensor", &["model"]),
    fence("rusqlite", &["store"]),
    Fence {
        name: "rustix",
        users: &["server", "transport", "xtask"],
        tests: &["cli"],
    },
    // Our own `json` reads everything that comes from outside; this one checks it.
    Fence {
        name: "serde_json",
        users: &[],
        tests: &["detect", "json"],
    },
    fence("tokenizers", &["model"]),
    fence("tokio", &["server", "store", "transport", "xtask"]),
    fence("tracing", &["server", "store", "transport"]),
    fence("tracing-subscriber", &["server"]),
    fence("uuid", &["cli", "server"]),
];

const fn floor(name: &'static str, imports: &'static [&'static str]) -> Floor {
    Floor {
        name,
        imports,
        tests: &[],
    }
}

const fn fence(name: &'static str, users: &'static [&'static str]) -> Fence {
    Fence {
        name,
        users,
        tests: &[],
    }
}
