/// What a written entry survives.
///
/// Neither can leave a corrupt or half-written database behind. What differs is the newest
/// transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A written entry survives the end of the process, `kill -9` included, because the log was
    /// handed to the operating system or to the server (SQLite: `synchronous=NORMAL`; PostgreSQL:
    /// `synchronous_commit=off`). A power loss or a crash of the operating system, or of the
    /// PostgreSQL server, may take the newest entries back.
    Relaxed,
    /// A written entry survives a power loss as well, on a disk that does not lie about syncing
    /// (SQLite: `synchronous=FULL`; PostgreSQL: `synchronous_commit=on`).
    Strict,
}
