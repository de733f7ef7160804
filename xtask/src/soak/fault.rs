//! What goes wrong, on demand: the name of the tool that is called says how its server fails.

/// How a server treats a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It takes its time.
    Slow,
    /// It says what is no message, and then perhaps nothing more.
    Garbage,
    /// It breaks off in the middle of its answer.
    Cut,
    /// It refuses with a status of HTTP.
    Unavailable,
    /// It forgets its session.
    Lost,
    /// It is gone.
    Death,
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Stdio,
    Sse,
    Http,
}

/// What a fault explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Answer,
    /// An error for the call; the session goes on.
    Failure,
    /// An error for the call, or the end of the session.
    End,
}

// === impl Fault ===

impl Fault {
    pub(crate) const ALL: [Self; 7] = [
        Self::None,
        Self::Slow,
        Self::Garbage,
        Self::Cut,
        Self::Unavailable,
        Self::Lost,
        Self::Death,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Slow => "slow",
            Self::Garbage => "garbage",
            Self::Cut => "cut",
            Self::Unavailable => "unavailable",
            Self::Lost => "lost",
            Self::Death => "death",
        }
    }

    /// Of a tool's name; what is not known here goes well.
    pub(crate) fn named(name: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|fault| fault.name() == name).unwrap_or(Self::None)
    }

    /// What may become of a call; `None` where a server cannot fail like this.
    pub(crate) fn expected(self, server: Server) -> Option<Expected> {
        match (self, server) {
            // On one stream for everything, what is no message answers nobody.
            (Self::None | Self::Slow, _)
            | (Self::Garbage, Server::Stdio | Server::Sse)
            | (Self::Lost, Server::Http) => Some(Expected::Answer),
            (Self::Garbage | Self::Cut, Server::Http)
            | (Self::Unavailable, Server::Http | Server::Sse) => Some(Expected::Failure),
            (Self::Cut, Server::Stdio | Server::Sse) | (Self::Death, Server::Stdio) => {
                Some(Expected::End)
            }
            (Self::Unavailable | Self::Lost, Server::Stdio)
            | (Self::Lost | Self::Death, Server::Sse)
            | (Self::Death, Server::Http) => None,
        }
    }
}

// === impl Server ===

impl Server {
    pub(crate) const ALL: [Self; 3] = [Self::Stdio, Self::Sse, Self::Http];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Sse => "sse",
            Self::Http => "http",
        }
    }
}
