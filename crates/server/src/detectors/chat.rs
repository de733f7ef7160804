//! `llm`, `llm_confirm` and the meaning of `fuzzy_contains`, by a model behind an endpoint of the
//! form of OpenAI's `chat/completions`.

use portcullis_engine::{Answer, DetectorCall};
use portcullis_json::{Object, Value};
use portcullis_transport::http::endpoint::Connector;

use super::service::Service;
use super::{Answered, options, prompts};
use crate::config::ModelConfig;

/// LIMIT: how long a text may be that is sent to a model.
const TEXT_BYTES_MAX: usize = 256 * 1024;

const KEY: &str = "detectors.chat";
/// The language's defaults for `llm`.
const LLM_TEMPERATURE: f64 = 0.2;
const LLM_TOKENS: i64 = 500;
/// For a word, with room for models that put something around it.
const WORD_TOKENS: i64 = 16;

/// See the module.
#[derive(Debug)]
pub(super) struct Chat {
    service: Service,
    model: String,
}

/// What a model is asked.
struct Prompt<'p> {
    system: &'p str,
    user: &'p str,
    temperature: f64,
    tokens: i64,
}

// === impl Chat ===

impl Chat {
    pub(super) fn new(connector: &Connector, config: &ModelConfig) -> Self {
        Self {
            service: Service::new(connector, &config.service, &["chat", "completions"], KEY),
            model: config.model.clone(),
        }
    }

    pub(super) async fn answer(&self, call: &DetectorCall) -> Answered {
        if call.text.len() > TEXT_BYTES_MAX {
            return Err(format!(
                "`{}` asks about a text longer than {TEXT_BYTES_MAX} bytes",
                call.detector
            ));
        }
        match call.detector {
            "llm" => self.complete(call).await,
            "llm_confirm" => self.confirm(call).await,
            _ => self.contains(call).await,
        }
    }

    async fn complete(&self, call: &DetectorCall) -> Answered {
        let prompt = Prompt {
            system: options::text(&call.options, "system_prompt")?.unwrap_or(prompts::ASSISTANT),
            user: &call.text,
            temperature: options::number(&call.options, "temperature")?.unwrap_or(LLM_TEMPERATURE),
            tokens: options::count(&call.options, "max_tokens")?.unwrap_or(LLM_TOKENS),
        };
        let text = self.ask(call, &prompt).await?;
        Ok(Answer {
            value: text.into(),
            marks: Vec::new(),
        })
    }

    async fn confirm(&self, call: &DetectorCall) -> Answered {
        let prompt = Prompt {
            system: options::text(&call.options, "system_prompt")?.unwrap_or(prompts::CONFIRM),
            user: &prompts::confirm(&call.text),
            temperature: options::number(&call.options, "temperature")?.unwrap_or(0.0),
            tokens: options::count(&call.options, "max_tokens")?.unwrap_or(WORD_TOKENS),
        };
        Ok(Answer {
            value: self.decide(call, &prompt).await?.into(),
            marks: Vec::new(),
        })
    }

    async fn contains(&self, call: &DetectorCall) -> Answered {
        let query = options::text(&call.options, "query")?.unwrap_or_default();
        let prompt = Prompt {
            system: prompts::CONTAINS,
            user: &prompts::contains(&call.text, query),
            temperature: 0.0,
            tokens: WORD_TOKENS,
        };
        let is_contained = self.decide(call, &prompt).await?;
        Ok(Answer {
            value: is_contained.into(),
            marks: if is_contained {
                std::iter::once(0..call.text.len()).collect()
            } else {
                Vec::new()
            },
        })
    }

    async fn decide(&self, call: &DetectorCall, prompt: &Prompt<'_>) -> Result<bool, String> {
        let text = self.ask(call, prompt).await?;
        prompts::yes_or_no(&text).ok_or_else(|| {
            self.service
                .failure("the model answered neither `yes` nor `no`")
        })
    }

    async fn ask(&self, call: &DetectorCall, prompt: &Prompt<'_>) -> Result<String, String> {
        let model = options::model(call)?;
        let message = |role: &str, content: &str| {
            let mut message = Object::new();
            message.insert("role", role);
            message.insert("content", content);
            Value::from(message)
        };
        let mut body = Object::new();
        body.insert("model", model.map_or(&*self.model, without_provider));
        body.insert(
            "messages",
            vec![
                message("system", prompt.system),
                message("user", prompt.user),
            ],
        );
        body.insert("temperature", options::float(prompt.temperature));
        body.insert("max_tokens", prompt.tokens);
        let answer = self.service.ask(body).await?;
        let first = answer
            .get("choices")
            .and_then(Value::as_array)
            .and_then(<[Value]>::first);
        let content = first
            .and_then(|choice| choice.get("message")?.get("content")?.as_str())
            .ok_or_else(|| {
                self.service
                    .failure("its answer has no `choices[0].message.content`")
            })?;
        Ok(content.to_owned())
    }
}

/// The reference writes `openai/gpt-4o`, and sends `gpt-4o`.
fn without_provider(model: &str) -> &str {
    model.strip_prefix("openai/").unwrap_or(model)
}
