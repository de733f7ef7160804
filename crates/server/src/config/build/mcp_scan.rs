use std::collections::BTreeMap;
use std::error::Error;

use super::Builder;
use crate::config::gateway::{ScopedGuardrail, Secret, ServerConfig, ServerName};
use crate::config::mcp_scan::McpScanFile;
use crate::config::problem::FileProblems;
use crate::config::read::read_text;
use crate::config::tree::Spot;

impl Builder<'_> {
    /// The guardrails of mcp-scan's file.
    pub(super) fn mcp_scan_guardrails(
        &mut self,
        file: Option<Spot<String>>,
        servers: &BTreeMap<ServerName, ServerConfig>,
    ) -> Vec<ScopedGuardrail> {
        let Some(Spot {
            span,
            value: Some(written),
        }) = file
        else {
            return Vec::new();
        };
        let path = self.beside(&written);
        if !self.may_name(&span, &path) {
            return Vec::new();
        }
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(error) => {
                let cause = error.source().map(|cause| format!(": {cause}"));
                self.error(&span, format!("{error}{}", cause.unwrap_or_default()));
                self.inputs.texts.insert(path, None);
                return Vec::new();
            }
        };
        self.inputs
            .texts
            .insert(path.clone(), Some(Secret::new(text.clone())));
        let mut problems = Vec::new();
        let file = McpScanFile::parse(&text, &mut problems);
        let guardrails = file.scoped(servers, &mut problems);
        if !problems.is_empty() {
            self.of_named.push(FileProblems::new(path, text, problems));
        }
        guardrails
    }
}
