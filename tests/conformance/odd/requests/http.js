// HTTP: types, lengths, paths, origins, sessions and revisions.

import { call, callText, INITIALIZE, LEGACY } from '../messages.js';
import { answered, error, forwarded, malformed, oneOf, opened, refused } from '../outcomes.js';

const request = (name, headers, outcome, more = {}) => ({
    name,
    body: call(),
    headers,
    outcome,
    ...more
});
const at = (name, path, outcome = refused(404), more = {}) => ({
    name,
    body: call(),
    path,
    outcome,
    ...more
});
const by = (method, outcome, more = {}) => ({ name: method, method, outcome, ...more });
const stream = { accept: 'text/event-stream', 'content-type': null };
const many = (count, name, value) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}${index}`, value]));

/** Bytes that no library writes. `session` stands for the headers of the session. */
const bytes = (name, lines, outcome, body = callText({})) => ({
    name,
    bytes: (path, host, session) =>
        [
            `POST ${path} HTTP/1.1`,
            `Host: ${host}`,
            'Content-Type: application/json',
            'Accept: application/json, text/event-stream',
            ...session,
            ...lines(body),
            '',
            body
        ].join('\r\n'),
    outcome
});
const length = (body) => `Content-Length: ${Buffer.byteLength(body)}`;
const refusedByHttp = refused(400);

export const HTTP_REQUESTS = [
    request(
        '`Application/JSON; charset=utf-8`',
        { 'content-type': 'Application/JSON; charset=utf-8' },
        forwarded()
    ),
    request(
        '`charset=utf-16`',
        { 'content-type': 'application/json; charset=utf-16' },
        refused(415)
    ),
    request('`text/plain`', { 'content-type': 'text/plain' }, refused(415)),
    request('no `Content-Type`', { 'content-type': null }, refused(415)),
    request('`Accept` of JSON only', { accept: 'application/json' }, refused(406)),
    request('`Accept` of streams only', { accept: 'text/event-stream' }, refused(406)),
    request('`Accept: */*`', { accept: '*/*' }, refused(406)),
    request('no `Accept`', { accept: null }, refused(406)),
    request(
        '`Accept` with `q=0`',
        { accept: 'application/json;q=0, text/event-stream' },
        refused(406)
    ),
    request(
        '`Accept` in two headers',
        { accept: ['application/json', 'text/event-stream'] },
        forwarded()
    ),
    bytes(
        'a length and chunks',
        (body) => [length(body), 'Transfer-Encoding: chunked'],
        refusedByHttp
    ),
    bytes('two lengths', (body) => [length(body), 'Content-Length: 3'], refusedByHttp),
    bytes(
        'a length with a sign',
        (body) => [`Content-Length: +${Buffer.byteLength(body)}`],
        refusedByHttp
    ),
    bytes(
        'an unknown encoding of the transfer',
        () => ['Transfer-Encoding: xchunked'],
        oneOf(refusedByHttp, refused(501))
    ),
    bytes('a header over two lines', (body) => [length(body), 'X-Folded: a', ' b'], refusedByHttp),
    bytes('a blank before a colon', (body) => [length(body), 'X-Blank : a'], refusedByHttp),
    bytes('two hosts', (body) => [length(body), 'Host: other'], refusedByHttp),
    {
        ...bytes('no host', (body) => [length(body)], refusedByHttp),
        withoutHost: true
    },
    request('300 headers', many(300, 'x-many-', 'a'), oneOf(refused(431), refusedByHttp)),
    request(
        'a header of 64 KiB',
        { 'x-long': 'x'.repeat(65_536) },
        oneOf(refused(431), refusedByHttp)
    ),
    at('a slash behind the path', (path) => `${path}/`),
    at('a slash before the path', (path) => `/${path}`),
    at('`..` in the path', (path) => `/x/..${path}`),
    at('a parameter in the path', (path) => `${path};a=b`),
    at('an unknown server', () => '/servers/nobody/mcp'),
    at('a letter of the path in escapes', (path) => path.replace(/mcp$/, '%6dcp')),
    at('a query', (path) => `${path}?x=1`, oneOf(refused(404), forwarded())),
    at(
        'another authority in the target',
        (path) => `http://evil.example${path}`,
        oneOf(refusedByHttp, refused(403), refused(404), refused(421))
    ),
    request('`Origin` of another site', { origin: 'http://evil.example' }, refused(403)),
    request('`Origin: null`', { origin: 'null' }, refused(403)),
    request('two origins', { origin: ['http://localhost', 'http://evil.example'] }, refused(403)),
    request('`Origin` with a path', { origin: 'http://localhost/a' }, refused(403)),
    request('`Origin` of this machine', { origin: 'http://localhost:1234' }, forwarded()),
    request('`Host` of another site', { host: 'evil.example' }, refused(403)),
    request('`Host` that only begins well', { host: 'localhost.evil.example' }, refused(403)),
    request(
        '`Host` with a user',
        { host: 'localhost@evil.example' },
        oneOf(refused(403), refusedByHttp)
    ),
    by('PUT', refused(405), { body: call() }),
    by('PATCH', refused(405), { body: call() }),
    by('HEAD', refused(405)),
    by('TRACE', oneOf(refused(405), refusedByHttp)),
    by('OPTIONS', refused(405), {
        headers: { origin: 'http://localhost', 'access-control-request-method': 'POST' }
    }),
    request('no session', { 'mcp-session-id': null }, refused(400)),
    request('an unknown session', { 'mcp-session-id': 'nobody' }, refused(404, -32001)),
    request(
        'a session of 10 kB',
        { 'mcp-session-id': 'x'.repeat(10_000) },
        oneOf(refused(404), refusedByHttp)
    ),
    request(
        'a session in other letters',
        { 'mcp-session-id': '\u00e9\u00e9' },
        oneOf(refused(404), refusedByHttp)
    ),
    request(
        'two sessions',
        ({ 'mcp-session-id': id }) => ({ 'mcp-session-id': [id, 'other'] }),
        refusedByHttp
    ),
    { name: 'a session that was ended', ended: true, body: call(), outcome: refused(404, -32001) },
    { name: 'a call before `initialize`', session: 'none', body: call(), outcome: refused(400) },
    {
        name: 'a call before `notifications/initialized`',
        session: 'half',
        body: call(),
        outcome: oneOf(refused(400), error(-32600))
    },
    {
        name: '`ping` before `notifications/initialized`',
        session: 'half',
        body: { jsonrpc: '2.0', id: 7, method: 'ping' },
        outcome: answered
    },
    {
        name: '`initialize` with an unknown session',
        session: 'none',
        headers: { 'mcp-session-id': 'nobody' },
        body: { ...INITIALIZE, id: 7 },
        outcome: answered
    },
    {
        name: '`initialize` in a batch',
        session: 'none',
        body: [{ ...INITIALIZE, id: 7 }],
        outcome: malformed,
        id: undefined
    },
    request('an unknown revision', { 'mcp-protocol-version': '1999-01-01' }, refusedByHttp),
    request(
        'another revision than agreed on',
        { 'mcp-protocol-version': '2025-06-18' },
        refusedByHttp
    ),
    request('no revision', { 'mcp-protocol-version': null }, forwarded()),
    request('two revisions', { 'mcp-protocol-version': [LEGACY, '2025-06-18'] }, refusedByHttp),
    by('GET', opened, { name: 'GET of the stream', headers: stream }),
    by('GET', oneOf(refused(406), refused(405)), {
        name: 'GET without `Accept`',
        headers: { accept: null }
    }),
    by('GET', oneOf(refused(406), refused(405)), {
        name: 'GET of JSON',
        headers: { accept: 'application/json' }
    }),
    by('GET', oneOf(refusedByHttp, refused(405)), {
        name: 'GET without a session',
        headers: { ...stream, 'mcp-session-id': null }
    }),
    by('GET', refusedByHttp, {
        name: 'GET after an event that nobody sent',
        headers: { ...stream, 'last-event-id': 'nobody' }
    }),
    by('DELETE', oneOf(refusedByHttp, refused(404)), {
        name: 'DELETE of an unknown session',
        headers: { 'mcp-session-id': 'nobody' }
    })
];
