use std::num::NonZeroUsize;

use portcullis_json::{Object, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use url::Url;

use super::*;
use crate::config::{
    ClassifierConfig, ClassifierService, ModelConfig, ModerationConfig, ServiceConfig,
};

const PATIENCE: Duration = Duration::from_secs(20);

async fn listen() -> (TcpListener, ServiceConfig) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let service = ServiceConfig {
        url: Url::parse(&url).unwrap(),
        headers: Vec::new(),
        timeout: PATIENCE,
        retries: 0,
        concurrency: NonZeroUsize::new(2).unwrap(),
    };
    (listener, service)
}

/// A request, once all of it is there.
async fn asked(listener: &TcpListener) -> (TcpStream, String) {
    let accepted = timeout(PATIENCE, listener.accept()).await;
    let (mut stream, _) = accepted.unwrap().unwrap();
    let mut request = String::new();
    while !request.ends_with('}') {
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).await.unwrap();
        assert!(count > 0, "{request}");
        request.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    (stream, request)
}

async fn reply(mut stream: TcpStream, body: &str) {
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
    let answer = format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await.unwrap();
}

fn call(detector: &'static str, text: &str, options: Object) -> DetectorCall {
    DetectorCall {
        detector,
        text: text.into(),
        options,
    }
}

fn value(answered: &Answered) -> &Value {
    &answered.as_ref().unwrap().value
}

#[tokio::test]
async fn an_answer_of_before_a_change_is_none_after_it() {
    let moderated_by = |service| DetectorsConfig {
        moderation: Some(ModerationConfig {
            service,
            model: None,
        }),
        patience: PATIENCE,
        ..DetectorsConfig::default()
    };
    let says = |score: f64| format!(r#"{{"results":[{{"category_scores":{{"hate":{score}}}}}]}}"#);
    let ((old, old_service), (new, new_service)) = (listen().await, listen().await);
    let detectors = ConfiguredDetectors::new(&moderated_by(old_service)).unwrap();
    let calls = [call("moderated", "x", Object::new())];
    let until = Instant::now() + PATIENCE;
    let slow = async {
        let (stream, _) = asked(&old).await;
        detectors.configure(&moderated_by(new_service)).unwrap();
        reply(stream, &says(0.1)).await;
    };
    let (before, ()) = tokio::join!(detectors.ask(&calls, until), slow);
    assert_eq!(value(&before[0]), &Value::Bool(false));
    assert!(matches!(detectors.answer(&calls[0]), Lookup::Later));

    let quick = async { reply(asked(&new).await.0, &says(0.9)).await };
    let (after, ()) = tokio::join!(detectors.ask(&calls, until), quick);
    assert_eq!(value(&after[0]), &Value::Bool(true));
    let Lookup::Ready(Ok(kept)) = detectors.answer(&calls[0]) else {
        panic!("the answer was not kept");
    };
    assert_eq!(kept.value, Value::Bool(true));
}

#[tokio::test]
async fn the_windows_of_a_text_are_asked_about_at_once() {
    let (listener, service) = listen().await;
    let classifier = ClassifierService {
        service,
        labels: vec!["INJECTION".to_owned()],
    };
    let config = DetectorsConfig {
        prompt_injection: [("c".to_owned(), ClassifierConfig::Service(classifier))].into(),
        patience: PATIENCE,
        ..DetectorsConfig::default()
    };
    let detectors = ConfiguredDetectors::new(&config).unwrap();
    let text = format!("{}{}", "a".repeat(1000), "b".repeat(800));
    let calls = [call(
        "prompt_injection",
        &text,
        [("model", "c".into())].into(),
    )];
    let service = async {
        // Neither is answered before both are there.
        let both = [asked(&listener).await, asked(&listener).await];
        for (stream, request) in both {
            let score = if request.contains("ab") { "0.9" } else { "0.5" };
            let body = format!(r#"[{{"label":"INJECTION","score":{score}}}]"#);
            reply(stream, &body).await;
        }
    };
    let until = Instant::now() + PATIENCE;
    let (answers, ()) = tokio::join!(detectors.ask(&calls, until), service);
    // What scores exactly the threshold reaches it.
    assert_eq!(value(&answers[0]), &Value::Bool(true));
    assert_eq!(
        answers[0].as_ref().unwrap().marks.first(),
        Some(&(800..1800))
    );
}

#[tokio::test]
async fn a_model_that_is_not_there_is_told_how_to_be_had() {
    let (_, service) = listen().await;
    let chat = ModelConfig {
        service: service.clone(),
        model: "m".to_owned(),
    };
    let moderation = ModerationConfig {
        service,
        model: Some("m".to_owned()),
    };
    let config = DetectorsConfig {
        chat: Some(chat),
        moderation: Some(moderation),
        ..DetectorsConfig::default()
    };
    let detectors = ConfiguredDetectors::new(&config).unwrap();
    let check = |detector, model: &str, expected: &str| {
        let call = call(detector, "x", [("model", model.into())].into());
        match detectors.answer(&call) {
            Lookup::Ready(Err(reason)) => assert_eq!(reason, expected),
            other => panic!("{other:?}"),
        }
    };
    let empty = |detector: &str| {
        format!(
            "`{detector}` is given an empty `model`: name one, or leave `model` out of the call"
        )
    };
    check("moderated", "", &empty("moderated"));
    check("prompt_injection", "", &empty("prompt_injection"));
    check("llm", "", &empty("llm"));
    check("llm_confirm", "", &empty("llm_confirm"));
    check(
        "moderated",
        "n",
        "`moderated` has no model `n`: set `detectors.moderation.model` to it, or leave `model` \
         out of the call",
    );
}

#[test]
fn of_many_reasons_why_calls_are_not_answered_the_first_are_told() {
    let call = |number| format!("    prompt_injection(m, model=\"m{number:02}\")\n");
    let calls: String = (0..UNANSWERED_MAX + 2).map(call).collect();
    let policy = Policy::load(&format!(
        "from invariant.detectors import prompt_injection\nraise \"x\" if:\n    (m: Message)\n{calls}"
    ));
    let detectors = ConfiguredDetectors::new(&DetectorsConfig::default()).unwrap();
    let told = detectors.unanswered(&policy.policy.unwrap());
    assert_eq!(told.len(), 20);
    for (number, Unanswered { reason, .. }) in told.iter().enumerate() {
        assert!(reason.contains(&format!("`m{number:02}`")), "{reason}");
    }
}
