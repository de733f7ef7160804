use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::path::Path;

use portcullis_engine::Policy;
use portcullis_session::{Guardrail, GuardrailAction};
use portcullis_syntax::nearest;
use portcullis_trace::record::GuardrailName;

use super::unanswered::PolicyPlace;
use super::{Builder, value};
use crate::config::embedded::load_policy;
use crate::config::gateway::{Only, ScopedGuardrail, Secret, ServerConfig, ServerName};
use crate::config::problem::{FileProblems, Problem};
use crate::config::tree::Spot;
use crate::config::written::{PolicyPath, WrittenAction, WrittenGuardrail, WrittenPolicy};
use crate::detectors::ConfiguredDetectors;
use crate::kept_guardrail::check_rules;
use crate::policy::PolicyFile;

impl Builder<'_> {
    pub(super) fn guardrails(
        &mut self,
        written: Option<Vec<Spot<WrittenGuardrail>>>,
        servers: &BTreeMap<ServerName, ServerConfig>,
        detectors: Option<&ConfiguredDetectors>,
    ) -> Vec<ScopedGuardrail> {
        let mut names = HashMap::new();
        let mut guardrails = Vec::new();
        for written in written.unwrap_or_default() {
            let read = written
                .value
                .and_then(|guardrail| self.guardrail(guardrail, servers, &mut names));
            let Some((scoped, place)) = read else {
                continue;
            };
            if let (Ok(policy), Some(detectors)) = (&scoped.guardrail.policy, detectors) {
                self.unanswered(&scoped.guardrail, policy, &place, detectors);
            }
            guardrails.push(scoped);
        }
        guardrails
    }

    /// `None` if it is not in force.
    fn guardrail(
        &mut self,
        written: WrittenGuardrail,
        servers: &BTreeMap<ServerName, ServerConfig>,
        names: &mut HashMap<String, Range<usize>>,
    ) -> Option<(ScopedGuardrail, PolicyPlace)> {
        let name = self.guardrail_name(written.name, names);
        let is_enabled = value(written.enabled).unwrap_or(true);
        let (policy, place) = self.policy(written.policy, is_enabled).unzip();
        let servers = self.only_servers(written.servers, servers);
        let clients = self.only_clients(written.clients);
        let guardrail = ScopedGuardrail {
            guardrail: Guardrail {
                name: GuardrailName {
                    id: None,
                    name: name?,
                },
                policy: Ok(policy?),
                on_violation: action(value(written.action)),
                on_failure: action(value(written.on_failure)),
            },
            servers,
            clients,
        };
        is_enabled.then_some((guardrail, place?))
    }

    fn guardrail_name(
        &mut self,
        name: Spot<String>,
        names: &mut HashMap<String, Range<usize>>,
    ) -> Option<String> {
        let written = name.value?;
        if written.is_empty() {
            self.error(&name.span, "a guardrail needs a name");
        }
        if let Some(first) = names.get(&written) {
            let message = format!("two guardrails are named `{written}`");
            let problem = Problem::error(name.span, message);
            self.problems
                .push(problem.label(first.clone(), "the first"));
            return None;
        }
        names.insert(written.clone(), name.span);
        Some(written)
    }

    fn policy(
        &mut self,
        policy: Spot<WrittenPolicy>,
        is_enabled: bool,
    ) -> Option<(Policy, PolicyPlace)> {
        let span = policy.span;
        let (loaded, place) = match policy.value? {
            WrittenPolicy::Text(text) if is_path(&text) => {
                let message = format!("`{text}` is no policy, and may be the name of a file");
                let problem = Problem::error(span, message);
                self.problems
                    .push(problem.help(format!("write `policy: {{ file: {text} }}`")));
                return None;
            }
            WrittenPolicy::Text(text) => {
                let loaded = load_policy(self.text, &span, &text, &mut self.problems);
                (loaded?, PolicyPlace::Here(span.clone()))
            }
            WrittenPolicy::File(PolicyPath { file }) => {
                let path = self.beside(&file.value?);
                let loaded = self.policy_in_file(&file.span, &path);
                (loaded?, PolicyPlace::InFile(path))
            }
        };
        if is_enabled && let Err(error) = check_rules(&loaded) {
            self.error(&span, error.to_string());
        }
        Some((loaded, place))
    }

    fn policy_in_file(&mut self, span: &Range<usize>, path: &Path) -> Option<Policy> {
        if !self.may_name(span, path) {
            return None;
        }
        match PolicyFile::read(path) {
            Ok(read) => {
                let is_new = self
                    .inputs
                    .texts
                    .insert(path.to_owned(), Some(Secret::new(read.source.clone())))
                    .is_none();
                if is_new && !read.diagnostics.is_empty() {
                    let problems = read.diagnostics.into_iter().map(Problem::from).collect();
                    self.of_named
                        .push(FileProblems::new(path.to_owned(), read.source, problems));
                }
                read.policy
            }
            Err(error) => {
                let source = std::error::Error::source(&error);
                let cause = source.map(|cause| format!(": {cause}")).unwrap_or_default();
                self.error(span, format!("{error}{cause}"));
                self.inputs.texts.insert(path.to_owned(), None);
                None
            }
        }
    }

    fn only_servers(
        &mut self,
        only: Option<Spot<Vec<Spot<String>>>>,
        servers: &BTreeMap<ServerName, ServerConfig>,
    ) -> Only<ServerName> {
        let Some(names) = self.only(only) else {
            return Only::All;
        };
        let mut known = BTreeSet::new();
        for name in names {
            let Some(written) = name.value else {
                continue;
            };
            if let Some((server, _)) = servers.get_key_value(written.as_str()) {
                known.insert(server.clone());
                continue;
            }
            let mut problem = Problem::error(name.span, format!("no server is named `{written}`"));
            let meant = nearest(&written, servers.keys().map(ServerName::as_str));
            problem.help = meant.map(|meant| format!("did you mean `{meant}`?"));
            self.problems.push(problem);
        }
        Only::These(known)
    }

    fn only_clients(&mut self, only: Option<Spot<Vec<Spot<String>>>>) -> Only<String> {
        let Some(names) = self.only(only) else {
            return Only::All;
        };
        Only::These(names.into_iter().filter_map(|name| name.value).collect())
    }

    /// `None` if it is absent. An empty list is an error: it would guard nothing.
    fn only(&mut self, only: Option<Spot<Vec<Spot<String>>>>) -> Option<Vec<Spot<String>>> {
        let only = only?;
        let names = only.value.unwrap_or_default();
        if names.is_empty() {
            let problem = Problem::error(only.span, "the guardrail would guard nothing");
            self.problems
                .push(problem.help("leave the key out to guard all, or say `enabled: false`"));
        }
        Some(names)
    }
}

/// Whether it can be nothing else: no policy is one word with a `.` or `/` in it.
fn is_path(text: &str) -> bool {
    !text.contains(char::is_whitespace) && text.contains(['.', '/']) && !text.contains('(')
}

fn action(written: Option<WrittenAction>) -> GuardrailAction {
    match written {
        Some(WrittenAction::Log) => GuardrailAction::Log,
        Some(WrittenAction::Block) | None => GuardrailAction::Block,
    }
}
