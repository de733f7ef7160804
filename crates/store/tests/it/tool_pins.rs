//! What is known of tools: who comes first pins, and what differs later waits for approval.
use std::slice;
use std::sync::Arc;

use portcullis_store::{Durability, Store};
use portcullis_trace::pin::{PinState, ToolDefinition, ToolPin, ToolServer, ToolSighting};

use crate::backend::{Place, on_every_backend};
use crate::records::time;

on_every_backend!(
    tool_is_pinned_by_who_sees_it_first,
    untrusted_tool_waits_for_its_approval,
    change_waits_and_is_taken_back_by_the_server,
    approval_is_of_what_was_read,
    server_is_its_name_and_what_it_runs,
    forgotten_tool_is_pinned_anew,
    servers_are_told_from_those_that_were_renamed,
    long_definition_is_known_by_its_digest,
);

fn server(name: &str, target: &str) -> ToolServer {
    ToolServer {
        name: name.into(),
        target: target.into(),
        shown_as: format!("{name} at {target}").into(),
    }
}

fn definition(text: &str) -> ToolDefinition {
    ToolDefinition {
        digest: format!("digest of {text}").into(),
        text: Some(text.into()),
    }
}

fn trusted(tool: &str, text: &str) -> ToolSighting {
    ToolSighting {
        tool: tool.into(),
        definition: definition(text),
        is_trusted: true,
    }
}

fn note(store: &mut dyn Store, sighting: ToolSighting, at: i64) -> ToolPin {
    let noted = store.note_tools(&server("s", "t"), &[sighting], time(at));
    noted.unwrap().remove(0)
}

fn tool_is_pinned_by_who_sees_it_first(store: &mut dyn Store) {
    let pin = note(store, trusted("add", "one"), 1);
    assert_eq!((pin.state(), pin.since), (PinState::Pinned, time(1)));
    assert_eq!(pin.pinned, Some(definition("one")));

    let pin = note(store, trusted("add", "other"), 2);
    assert_eq!((pin.state(), pin.since), (PinState::Changed, time(2)));
    assert_eq!(pin.pinned, Some(definition("one")));
    assert_eq!(pin.seen, Some(definition("other")));
    assert_eq!(store.tool_pins(&server("s", "t")).unwrap(), [pin]);
}

fn untrusted_tool_waits_for_its_approval(store: &mut dyn Store) {
    let untrusted = ToolSighting {
        is_trusted: false,
        ..trusted("add", "one")
    };
    let pin = note(store, untrusted, 1);
    assert_eq!((pin.state(), &pin.pinned), (PinState::New, &None));
    assert_eq!(note(store, trusted("add", "one"), 2).state(), PinState::New);
    let approved = store.approve_tools(&server("s", "t"), &[pin], time(3));
    assert_eq!(approved.unwrap(), 1);
    assert_eq!(
        note(store, trusted("add", "one"), 4).state(),
        PinState::Pinned
    );
}

fn change_waits_and_is_taken_back_by_the_server(store: &mut dyn Store) {
    note(store, trusted("add", "one"), 1);
    note(store, trusted("add", "other"), 2);
    assert_eq!(note(store, trusted("add", "other"), 3).since, time(2));
    let pin = note(store, trusted("add", "one"), 4);
    assert_eq!((pin.state(), pin.since), (PinState::Pinned, time(4)));
}

fn approval_is_of_what_was_read(store: &mut dyn Store) {
    note(store, trusted("add", "one"), 1);
    let read = note(store, trusted("add", "other"), 2);
    note(store, trusted("add", "third"), 3);
    let mut approve = |pin: &ToolPin| {
        let approved = store.approve_tools(&server("s", "t"), slice::from_ref(pin), time(4));
        let pins = store.tool_pins(&server("s", "t")).unwrap();
        (approved.unwrap(), pins[0].clone())
    };
    let (approved, pin) = approve(&read);
    assert_eq!((approved, pin.state()), (0, PinState::Changed));
    let (approved, pin) = approve(&pin);
    assert_eq!((approved, pin.state()), (1, PinState::Pinned));
    assert_eq!(
        (&pin.pinned, pin.since),
        (&Some(definition("third")), time(4))
    );
    assert_eq!(approve(&pin).0, 0);
}

fn server_is_its_name_and_what_it_runs(store: &mut dyn Store) {
    note(store, trusted("add", "one"), 1);
    for other in [server("s", "other"), server("other", "t")] {
        assert_eq!(store.tool_pins(&other).unwrap(), []);
        let noted = store.note_tools(&other, &[trusted("add", "two")], time(2));
        assert_eq!(noted.unwrap()[0].state(), PinState::Pinned);
    }
    let pins = store.tool_pins(&server("s", "t")).unwrap();
    assert_eq!(pins[0].pinned, Some(definition("one")));
}

fn forgotten_tool_is_pinned_anew(store: &mut dyn Store) {
    note(store, trusted("add", "one"), 1);
    let names = ["add", "unknown"].map(Arc::from);
    assert_eq!(store.forget_tools(&server("s", "t"), &names).unwrap(), 1);
    assert_eq!(store.tool_servers().unwrap(), []);
    assert_eq!(
        note(store, trusted("add", "other"), 2).state(),
        PinState::Pinned
    );
}

fn servers_are_told_from_those_that_were_renamed(store: &mut dyn Store) {
    let servers = [
        server("a", "1"),
        server("a", "2"),
        server("b", "1"),
        server("b", "3"),
    ];
    for server in &servers {
        let tool = format!("of_{}_{}", server.name, server.target);
        store
            .note_tools(server, &[trusted(&tool, "x")], time(1))
            .unwrap();
    }
    assert_eq!(store.tool_servers().unwrap(), servers);
    let foreign = store.foreign_tools(&servers[0]).unwrap();
    let foreign: Vec<_> = foreign.iter().map(|it| (&it.server, &*it.tool)).collect();
    assert_eq!(foreign, [(&servers[3], "of_b_3")]);
}

fn long_definition_is_known_by_its_digest(store: &mut dyn Store) {
    let without_text = |text: &str| {
        let mut sighting = trusted("add", text);
        sighting.definition.text = None;
        sighting
    };
    note(store, without_text("one"), 1);
    assert_eq!(
        note(store, without_text("one"), 2).state(),
        PinState::Pinned
    );
    assert_eq!(
        note(store, without_text("two"), 3).state(),
        PinState::Changed
    );
}

/// Two sessions that meet a server at the same time.
#[test]
fn who_comes_second_learns_what_is_pinned() {
    for place in [Some(Place::sqlite()), Place::postgres()]
        .into_iter()
        .flatten()
    {
        let rounds = 20;
        for round in 0..rounds {
            let server = server("s", &round.to_string());
            let pinned = std::thread::scope(|scope| {
                let (place, server) = (&place, &server);
                let meet = |text: &'static str| {
                    scope.spawn(move || {
                        let mut store = place.open(Durability::Relaxed);
                        let noted = store.note_tools(server, &[trusted("add", text)], time(1));
                        noted.unwrap().remove(0).pinned.unwrap()
                    })
                };
                ["one", "other"]
                    .map(meet)
                    .map(|thread| thread.join().unwrap())
            });
            assert_eq!(pinned[0], pinned[1]);
        }
    }
}
