use super::check;

#[test]
fn values_of_another_kind_are_errors() {
    check(
        "listen: 8787\n",
        &[
            "1:9 \"8787\" `8787` is not an IP address and a port -> write it as `127.0.0.1:8787` or `[::1]:8787`",
        ],
    );
    check(
        "listen: \":90\"\n",
        &[
            "1:9 \"\\\":90\\\"\" `:90` is not an IP address and a port -> write it as `127.0.0.1:90` or `[::1]:90`",
        ],
    );
    check(
        "listen: 87.5\n",
        &[
            "1:9 \"87.5\" expected an IP address and a port, such as `127.0.0.1:8787`, found a number with a fraction or an exponent",
        ],
    );
    check(
        "durability: strickt\n",
        &["1:13 \"strickt\" `strickt` is none of `relaxed`, `strict` -> did you mean `strict`?"],
    );
    check(
        "sessions: { max_sessions: -1, max_age: 24h }\nstreams: 15s\n",
        &[
            "1:27 \"-1\" expected a whole number, found a negative number",
            "2:10 \"15s\" expected a mapping, found text -> known here: `keep_alive`, `request_timeout`",
        ],
    );
    check(
        "servers: { a: { command: 7 } }\n",
        &["1:26 \"7\" expected a program or a list of a program and its arguments, found a number"],
    );
    check(
        "allowed_hosts: gateway.example\n",
        &["1:16 \"gateway.example\" expected a list, found text"],
    );
    check(
        "gateway: { enabled: yes }\n",
        &["1:21 \"yes\" expected `true` or `false`, found text"],
    );
    check(
        "parameters: { a: .nan }\n",
        &["1:18 \".\" not YAML: non-finite float `.nan` rejected by the configured policy"],
    );
    check(
        "parameters: { a: 1e999 }\n",
        &["1:18 \"1\" not YAML: non-finite float `1e999` rejected by the configured policy"],
    );
}
