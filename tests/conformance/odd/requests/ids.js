// Ids, kinds of messages, and the names of methods and tools.

import { call, callText, INITIALIZE } from '../messages.js';
import { dropped, error, forwarded, malformed, oneOf, refused } from '../outcomes.js';

const id = (name, spelling, outcome = malformed) => ({
    name: `id ${name}`,
    body: callText({ id: spelling }),
    outcome,
    // What is refused for its id cannot be answered with it.
    id: outcome === malformed ? undefined : JSON.parse(spelling)
});
const notification = (name, method, params = {}, outcome = dropped) => ({
    name,
    body: { jsonrpc: '2.0', method, params },
    outcome
});
const method = (name, method) => ({
    name,
    body: callText({ method: JSON.stringify(method) }),
    outcome: oneOf(error(-32601), malformed)
});
/** Whatever a name looks like: policies and the server see its bytes. */
const tool = (description, name) => ({
    name: description,
    body: callText({ name: JSON.stringify(name) }),
    outcome: forwarded(name)
});
const resource = (name, uri, outcome = forwarded(uri)) => ({
    name,
    body: { jsonrpc: '2.0', id: 7, method: 'resources/read', params: { uri } },
    outcome
});

export const ID_REQUESTS = [
    id('`null`', 'null'),
    id('`1.5`', '1.5'),
    id('`true`', 'true'),
    id('`{}`', '{}'),
    id('`[]`', '[]'),
    id('`1e2`', '1e2'),
    id('`-0`', '-0'),
    id('`1.0`', '1.0'),
    id('2^53+1', '9007199254740993'),
    id('of 20 digits', '12345678901234567890'),
    id('of 5,000 characters', `"${'x'.repeat(5000)}"`),
    id('of 256 characters', `"${'x'.repeat(256)}"`, forwarded()),
    id('`-1`', '-1', forwarded()),
    id('`0`', '0', forwarded()),
    id('`"7"`, a string', '"7"', forwarded()),
    id('`""`', '""', forwarded()),
    {
        name: 'an id again, after the answer',
        before: [call()],
        body: call(),
        outcome: forwarded()
    },
    {
        name: 'an id again, before the answer',
        meanwhile: call({}, { name: 'json-slow' }),
        body: call(),
        outcome: refused(400, -32600)
    },
    {
        name: 'a call without an id',
        body: call({ id: undefined }),
        outcome: malformed,
        id: undefined
    },
    {
        name: 'a list without an id',
        body: { jsonrpc: '2.0', method: 'tools/list' },
        outcome: malformed,
        id: undefined
    },
    {
        name: 'a notification with an id',
        body: {
            jsonrpc: '2.0',
            id: 7,
            method: 'notifications/cancelled',
            params: { requestId: 1 }
        },
        outcome: oneOf(malformed, error(-32601))
    },
    notification('a notification that nobody knows', 'notifications/nobody'),
    notification('a cancellation of nothing', 'notifications/cancelled', { requestId: 99 }),
    notification('a cancellation by the other type', 'notifications/cancelled', { requestId: '7' }),
    notification('progress of nothing', 'notifications/progress', {
        progressToken: 'nobody',
        progress: 1
    }),
    {
        name: 'a second `initialize`',
        body: { ...INITIALIZE, id: 7 },
        outcome: refused(400, -32600)
    },
    method('`Tools/Call`', 'Tools/Call'),
    method('`tools/call` and a blank', 'tools/call '),
    method('`tools//call`', 'tools//call'),
    method('`tools/call` in full-width letters', 'ｔｏｏｌｓ/ｃａｌｌ'),
    method('a method that nobody knows', 'nobody/knows'),
    tool('a tool name with a blank', 'plain '),
    tool('a tool name with a zero-width blank', 'pl\u200bain'),
    tool('a tool name that runs from right to left', '\u202eplain'),
    tool('a tool name with a Cyrillic letter', 'pl\u0430in'),
    tool('a tool name in NFC', 'caf\u00e9'),
    tool('a tool name in NFD', 'cafe\u0301'),
    resource('a URI with `..`', 'file:///a/../../etc/passwd'),
    resource('a URI with `%2e%2e`', 'file:///a/%2e%2e/secret'),
    resource('a URI of a share', 'file://host/share'),
    resource('a URI with NUL', 'file:///a\u0000b', oneOf(malformed, error(-32602)))
];
