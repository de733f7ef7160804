use portcullis_detect::shell::analyze;

/// A text is read in whole or not at all, and a command whose program is not known is reported.
pub fn shell_code(data: &[u8]) {
    let source = String::from_utf8_lossy(data);
    let found = analyze(&source);
    if found.syntax_error.is_some() {
        assert!(found.commands.is_empty() && found.pipelines.is_empty());
    }
    let unknown = found.commands.iter().filter(|one| one.program.is_none());
    assert!(unknown.count() <= found.dynamic.len());
}
