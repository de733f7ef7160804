use portcullis_engine::Policy;
#[test]
fn corpus() {
    let text = std::fs::read_to_string("/work/shared/corpus/policy/visible.jsonl").unwrap();
    let mut n = 0;
    for line in text.lines() {
        let case = portcullis_json::parse(
            line.as_bytes()
                .to_vec()
                .as_slice()
                .iter()
                .map(|b| *b as char)
                .collect::<String>()
                .as_str(),
            &portcullis_json::Limits::lenient(),
        )
        .unwrap();
        let portcullis_json::Value::Object(case) = case else {
            panic!()
        };
        let policy = case.get("policy").unwrap().as_str().unwrap();
        let id = case.get("id").unwrap().as_str().unwrap();
        let feature = case.get("feature").unwrap().as_str().unwrap();
        let loaded = Policy::load(policy);
        for d in loaded.diagnostics {
            n += 1;
            let text = policy.get(d.span().range()).unwrap_or("??");
            println!(
                "{id} {feature} {:?} {}: {} | {text:?} | {:?}",
                d.severity, d.code.0, d.message, d.help
            );
        }
    }
    println!("{n}");
}
