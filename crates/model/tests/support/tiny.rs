//! A folder with a model of a few words, written byte by byte.
//!
//! Each word has a weight for each label; a text's logits are the means of its words' weights,
//! multiplied by a matrix and shifted. The network is what an exporter would write for it, in
//! ONNX's protobuf encoding: `Gather`, `Cast`, `Unsqueeze`, `Mul`, `ReduceSum`, `Div`, `MatMul`,
//! `Add`.

use std::fs;
use std::path::Path;

/// Words with their weights for the labels `SAFE` and `INJECTION`.
const WORDS: [(&str, [f32; 2]); 9] = [
    ("[PAD]", [0.0, 0.0]),
    ("[UNK]", [1.0, 0.0]),
    ("[CLS]", [0.0, 0.0]),
    ("[SEP]", [0.0, 0.0]),
    ("ignore", [0.0, 9.0]),
    ("instructions", [0.0, 9.0]),
    ("weather", [4.0, 0.0]),
    ("the", [1.0, 0.0]),
    ("a", [1.0, 0.0]),
];

pub(crate) fn write_folder(folder: &Path) {
    fs::write(folder.join("model.onnx"), model("seq")).unwrap();
    fs::write(folder.join("tokenizer.json"), tokenizer()).unwrap();
    fs::write(folder.join("config.json"), CONFIG).unwrap();
}

pub(crate) const CONFIG: &str = r#"{
    "id2label": {"0": "SAFE", "1": "INJECTION"},
    "max_position_embeddings": 16
}"#;

pub(crate) fn tokenizer() -> String {
    let vocabulary: Vec<String> = (0..)
        .zip(WORDS)
        .map(|(id, (word, _))| format!("\"{word}\": {id}"))
        .collect();
    let special = |word: &str| {
        let id = WORDS.iter().position(|(known, _)| *known == word).unwrap();
        format!("\"{word}\": {{\"id\": \"{word}\", \"ids\": [{id}], \"tokens\": [\"{word}\"]}}")
    };
    format!(
        r#"{{
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
            "normalizer": {{"type": "Lowercase"}},
            "pre_tokenizer": {{"type": "Whitespace"}},
            "post_processor": {{
                "type": "TemplateProcessing",
                "single": [
                    {{"SpecialToken": {{"id": "[CLS]", "type_id": 0}}}},
                    {{"Sequence": {{"id": "A", "type_id": 0}}}},
                    {{"SpecialToken": {{"id": "[SEP]", "type_id": 0}}}}
                ],
                "pair": [{{"Sequence": {{"id": "A", "type_id": 0}}}}, {{"Sequence": {{"id": "B", "type_id": 1}}}}],
                "special_tokens": {{{}, {}}}
            }},
            "decoder": null,
            "model": {{"type": "WordLevel", "vocab": {{{}}}, "unk_token": "[UNK]"}}
        }}"#,
        special("[CLS]"),
        special("[SEP]"),
        vocabulary.join(", ")
    )
}

/// The network; its second dimension is `length` if that is a number, else of any size.
pub(crate) fn model(length: &str) -> Vec<u8> {
    let weights: Vec<f32> = WORDS.iter().flat_map(|(_, weights)| *weights).collect();
    let mut graph = Vec::new();
    for node in [
        node("Gather", &["words", "input_ids"], "word_weights", &[]),
        node(
            "Cast",
            &["attention_mask"],
            "mask",
            &[integer_attribute("to", 1)],
        ),
        node("Unsqueeze", &["mask", "last"], "column", &[]),
        node("Mul", &["word_weights", "column"], "masked", &[]),
        node(
            "ReduceSum",
            &["masked", "middle"],
            "sum",
            &[integer_attribute("keepdims", 0)],
        ),
        node(
            "ReduceSum",
            &["column", "middle"],
            "count",
            &[integer_attribute("keepdims", 0)],
        ),
        node("Div", &["sum", "count"], "mean", &[]),
        node("MatMul", &["mean", "matrix"], "product", &[]),
        node("Add", &["product", "shift"], "logits", &[]),
    ] {
        message(&mut graph, 1, &node);
    }
    message(&mut graph, 2, b"tiny");
    message(&mut graph, 5, &floats("words", &[WORDS.len(), 2], &weights));
    message(
        &mut graph,
        5,
        &floats("matrix", &[2, 2], &[1.0, 0.0, 0.0, 1.0]),
    );
    message(&mut graph, 5, &floats("shift", &[2], &[1.0, -1.0]));
    message(&mut graph, 5, &integers("last", &[2]));
    message(&mut graph, 5, &integers("middle", &[1]));
    message(&mut graph, 11, &value("input_ids", 7, &["batch", length]));
    message(
        &mut graph,
        11,
        &value("attention_mask", 7, &["batch", length]),
    );
    message(&mut graph, 12, &value("logits", 1, &["batch", "2"]));
    let mut operators = Vec::new();
    message(&mut operators, 1, b"");
    number(&mut operators, 2, 17);
    let mut model = Vec::new();
    number(&mut model, 1, 8);
    message(&mut model, 7, &graph);
    message(&mut model, 8, &operators);
    model
}

fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut node = Vec::new();
    for input in inputs {
        message(&mut node, 1, input.as_bytes());
    }
    message(&mut node, 2, output.as_bytes());
    message(&mut node, 3, output.as_bytes());
    message(&mut node, 4, operator.as_bytes());
    for attribute in attributes {
        message(&mut node, 5, attribute);
    }
    node
}

fn integer_attribute(name: &str, value: u64) -> Vec<u8> {
    let mut attribute = Vec::new();
    message(&mut attribute, 1, name.as_bytes());
    number(&mut attribute, 3, value);
    number(&mut attribute, 20, 2);
    attribute
}

fn floats(name: &str, shape: &[usize], values: &[f32]) -> Vec<u8> {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    tensor(name, 1, shape, &bytes)
}

fn integers(name: &str, values: &[i64]) -> Vec<u8> {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    tensor(name, 7, &[values.len()], &bytes)
}

fn tensor(name: &str, kind: u64, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let mut tensor = Vec::new();
    for size in shape {
        number(&mut tensor, 1, u64::try_from(*size).unwrap());
    }
    number(&mut tensor, 2, kind);
    message(&mut tensor, 8, name.as_bytes());
    message(&mut tensor, 9, bytes);
    tensor
}

/// An input or output; a dimension is a number or a name.
fn value(name: &str, kind: u64, shape: &[&str]) -> Vec<u8> {
    let mut dimensions = Vec::new();
    for size in shape {
        let mut dimension = Vec::new();
        match size.parse() {
            Ok(size) => number(&mut dimension, 1, size),
            Err(_) => message(&mut dimension, 2, size.as_bytes()),
        }
        message(&mut dimensions, 1, &dimension);
    }
    let mut of = Vec::new();
    number(&mut of, 1, kind);
    message(&mut of, 2, &dimensions);
    let mut outer = Vec::new();
    message(&mut outer, 1, &of);
    let mut value = Vec::new();
    message(&mut value, 1, name.as_bytes());
    message(&mut value, 2, &outer);
    value
}

/// A field that is a length and so many bytes.
fn message(to: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(to, field << 3 | 2);
    varint(to, u64::try_from(bytes.len()).unwrap());
    to.extend(bytes);
}

/// A field that is a number.
fn number(to: &mut Vec<u8>, field: u64, value: u64) {
    varint(to, field << 3);
    varint(to, value);
}

fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    to.push(u8::try_from(value).unwrap());
}
