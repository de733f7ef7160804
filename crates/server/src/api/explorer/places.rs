use portcullis_json::{Object, Value};

use crate::api::answer::object;

/// LIMIT: places that are shown in one trace.
const PLACES_MAX: usize = 1000;

/// Where words are in a trace.
pub(super) struct Places {
    /// In lower case.
    words: Vec<Vec<char>>,
    found: Object,
}

// === impl Places ===

impl Places {
    pub(super) fn of(words: &[String]) -> Self {
        Self {
            words: words.iter().map(|word| word.chars().collect()).collect(),
            found: Object::new(),
        }
    }

    /// By address, in the shape of the reference.
    pub(super) fn into_found(self) -> Object {
        self.found
    }

    pub(super) fn find(&mut self, value: &Value, address: &str) {
        match value {
            Value::Object(members) => {
                for (name, value) in members.iter() {
                    self.find(value, &format!("{address}.{name}"));
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.find(item, &format!("{address}.{index}"));
                }
            }
            Value::String(text) => self.find_in(text, address),
            other => self.find_in(&other.to_string(), address),
        }
    }

    fn find_in(&mut self, text: &str, address: &str) {
        // One for one, so that the places are those of the text as it is.
        let lower = |c: char| c.to_lowercase().next().unwrap_or(c);
        let text: Vec<char> = text.chars().map(lower).collect();
        for word in &self.words {
            let mut start = 0;
            while let Some(window) = text.get(start..start + word.len()) {
                if self.found.len() >= PLACES_MAX {
                    return;
                }
                if window != word.as_slice() {
                    start += 1;
                    continue;
                }
                let end = start + word.len();
                let mapping = object([
                    ("content", word.iter().collect::<String>().into()),
                    ("source", "search".into()),
                ]);
                self.found
                    .insert(format!("{address}:{start}-{end}"), mapping);
                start = end;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::body::parse_json;

    #[test]
    fn words_are_found_at_their_addresses() {
        let mut places = Places::of(&["food".to_owned()]);
        let messages = parse_json(
            r#"[{"content":"Food, İ food"},{"content":[{"text":"no"},{"text":"foo food"}]}]"#,
        );
        places.find(&messages.unwrap(), "messages");
        let found: Vec<&str> = places.found.iter().map(|(address, _)| &**address).collect();
        assert_eq!(
            found,
            [
                "messages.0.content:0-4",
                "messages.0.content:8-12",
                "messages.1.content.1.text:4-8",
            ]
        );
    }
}
