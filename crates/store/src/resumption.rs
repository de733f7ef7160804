use portcullis_trace::record::SessionId;

/// What it takes to go on with a session after the gateway was killed.
#[derive(Clone, PartialEq, Eq)]
pub struct Resumption {
    /// A digest of what the client finds the session by; whoever has it cannot speak in it.
    pub key: String,
    pub session: SessionId,
    /// The gateway that has it, or had it.
    pub holder: String,
    /// What the server finds its session by; `None` if it has none.
    pub upstream_session: Option<String>,
}

/// Without the server's session id, which is a credential.
impl std::fmt::Debug for Resumption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resumption")
            .field("key", &self.key)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
