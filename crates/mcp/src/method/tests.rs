use super::*;
use Peer::{Client, Server};

#[test]
fn known_names_are_read_by_exact_bytes() {
    for method in Method::KNOWN {
        assert_eq!(Method::parse(method.as_str()), *method);
        assert_eq!(method.spec().map(|spec| spec.name), Some(method.as_str()));
    }
    // Row 44.
    for unknown in [
        "Tools/Call",
        "tools/call ",
        "tools//call",
        "ｔools/call",
        "",
        "tools",
    ] {
        let method = Method::parse(unknown);
        assert_eq!(method.spec(), None, "{unknown:?}");
        assert_eq!(method.as_str(), unknown);
    }
}

#[test]
fn kind_follows_the_name() {
    for method in Method::KNOWN {
        let below = method.as_str().starts_with("notifications/");
        assert_eq!(
            method.kind() == Some(MethodKind::Notification),
            below,
            "{method}"
        );
    }
    assert_eq!(
        Method::parse("notifications/x").kind(),
        Some(MethodKind::Notification)
    );
    assert_eq!(Method::parse("x").kind(), None);
}

#[test]
fn senders_change_with_the_revision() {
    let check = |name: &str, sender: Peer, expected: [bool; 5]| {
        let method = Method::parse(name);
        let may = Revision::ALL.map(|revision| method.may_come_from(sender, revision));
        assert_eq!(may, expected, "{name} from {sender:?}");
    };
    check("initialize", Client, [true, true, true, true, false]);
    check("initialize", Server, [false; 5]);
    check(
        "server/discover",
        Client,
        [false, false, false, false, true],
    );
    check("tools/call", Client, [true; 5]);
    check("tools/call", Server, [false; 5]);
    check(
        "sampling/createMessage",
        Server,
        [true, true, true, true, false],
    );
    check(
        "elicitation/create",
        Server,
        [false, false, true, true, false],
    );
    check("tasks/get", Client, [false, false, false, true, true]);
    check("tasks/get", Server, [false, false, false, true, false]);
    check(
        "notifications/progress",
        Client,
        [true, true, true, true, false],
    );
    check("notifications/progress", Server, [true; 5]);
    check("x/y", Client, [false; 5]);
}

#[test]
fn every_method_has_a_sender_and_readable_paths() {
    for method in Method::KNOWN {
        let spec = method.spec().unwrap();
        let sent = Revision::ALL.into_iter().any(|revision| {
            method.may_come_from(Client, revision) || method.may_come_from(Server, revision)
        });
        assert!(sent, "{method}");
        for path in spec.to_model.iter().chain(spec.to_server) {
            let part = path.split('.').next();
            let has_result = spec.kind == MethodKind::Request;
            assert!(
                part == Some("params") || part == Some("result") && has_result,
                "{path}"
            );
        }
    }
}
