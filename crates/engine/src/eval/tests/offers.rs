//! Domains that several rules offer alike.

use crate::Limits;
use crate::testing::{Silent, check_steps, check_whole, events, limited, outcome};

const ALIKE: &str = "\
raise \"alpha\" if:
    (c: ToolCall)
    (argument: str) in c.function.arguments
    \"alpha\" in argument

raise \"beta\" if:
    (c: ToolCall)
    (argument: str) in c.function.arguments
    \"beta\" in argument
";

#[test]
fn they_are_made_of_the_value_at_hand() {
    let trace = "call: a {\"x\": \"beta\"}\ncall: b {\"x\": \"alpha\", \"y\": \"beta\"}\ncall: c";
    check_whole(ALIKE, trace, "alpha beta beta");
    check_steps(ALIKE, trace, &["beta", "alpha beta", ""]);
}

#[test]
fn each_rule_pays_for_its_own() {
    let rule = "\
raise \"no\" if:
    (o: ToolOutput)
    (content: str) in text(o)
    \"alpha\" in content
";
    let trace = events("out: one\nout: two");
    let needed = |rules: usize| {
        let policy = rule.repeat(rules);
        let suffices = |fuel: &u64| {
            let limits = Limits {
                fuel: *fuel,
                ..Limits::default()
            };
            let step = limited(&policy, limits).push(&trace, &Silent);
            outcome(&step).is_empty()
        };
        (0..1_000).find(suffices).unwrap()
    };
    let one = needed(1);
    assert!(one > 0);
    assert_eq!((needed(2), needed(3)), (2 * one, 3 * one));
}
