//! What was not edited leaves as it came.

use portcullis_trace::record::Direction::{ToClient, ToServer};
use proptest::prelude::*;

use crate::conversation::Conversation;

fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,30})",
        "-?(0|[1-9][0-9]{0,3})\\.[0-9]{1,20}([eE][+-]?[0-9]{1,2})?",
        "\"[a-zA-Zü中🙂 ]{0,12}\"",
        Just(r#""\u00fc\/\n\ud83d\ude42""#.to_owned()),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[ {} ]", items.join(" , "))),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4).prop_map(|members| {
                let members = members
                    .iter()
                    .map(|(name, value)| format!("\"{name}\" :{value}"));
                format!("{{{}}}", members.collect::<Vec<_>>().join(",\t"))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn forwarded_bytes_are_the_bytes_that_came(argument in json_text(), answer in json_text()) {
        let mut talk = Conversation::guarded("raise \"never\" if:\n    (c: ToolCall)\n    c is tool:never\n");
        let call = format!(r#" {{"params" : {{"arguments":{{"a":{argument}}},"name":"t"}},"method":"tools/call","id":1,"jsonrpc":"2.0"}} "#);
        prop_assert_eq!(talk.client(&call).sent, [(ToServer, call)]);
        let answer = format!(r#"{{"id":1,"result":{{"content":[],"structuredContent":{answer}}},"jsonrpc":"2.0"}}"#);
        prop_assert_eq!(talk.server(&answer).sent, [(ToClient, answer)]);
    }

    #[test]
    fn no_line_panics_and_none_passes_that_is_no_message(line in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut talk = Conversation::unguarded();
        for direction in [ToServer, ToClient] {
            let became = talk.line(direction, &line);
            prop_assert!(became.sent.iter().all(|(sent_to, _)| *sent_to != direction));
        }
    }
}
