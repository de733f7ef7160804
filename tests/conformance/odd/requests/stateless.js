// Revision 2026-07-28: what headers say must be what the body says.

import { call, INITIALIZE, META, metaWithout, stateless, statelessCall } from '../messages.js';
import { answered, dropped, error, forwarded, malformed, oneOf, refused } from '../outcomes.js';

const request = (name, headers, outcome, body = statelessCall(), more = {}) => ({
    name,
    headers,
    outcome,
    body,
    ...more
});
const mismatch = refused(400, -32020);
const withMeta = (meta) => ({
    ...statelessCall(),
    params: { ...statelessCall().params, _meta: meta }
});
const version = (version) => ({ ...META, 'io.modelcontextprotocol/protocolVersion': version });
const method = (name, outcome, params = {}) => ({
    name: `\`${name}\``,
    headers: { 'mcp-method': name, 'mcp-name': null },
    body: stateless(name, params),
    outcome
});
const notFound = refused(404, -32601);

export const STATELESS_REQUESTS = [
    request('as it should be', {}, forwarded()),
    method('server/discover', answered),
    request('no `Mcp-Name`', { 'mcp-name': null }, mismatch),
    request('another `Mcp-Name`', { 'mcp-name': 'other' }, mismatch),
    request('`Mcp-Name` in other letters', { 'mcp-name': 'PLAIN' }, mismatch),
    request('`Mcp-Name` in base64', { 'mcp-name': '=?base64?cGxhaW4=?=' }, forwarded()),
    request('`Mcp-Name` in bad base64', { 'mcp-name': '=?base64?@@@?=' }, mismatch),
    request('`Mcp-Name` between blanks', { 'mcp-name': '  plain  ' }, forwarded()),
    request('`Mcp-Name` twice, good first', { 'mcp-name': ['plain', 'other'] }, mismatch),
    request('`Mcp-Name` twice, good last', { 'mcp-name': ['other', 'plain'] }, mismatch),
    request('`Mcp-Name` twice, the same', { 'mcp-name': ['plain', 'plain'] }, mismatch),
    request('no `Mcp-Method`', { 'mcp-method': null }, mismatch),
    request('another `Mcp-Method`', { 'mcp-method': 'tools/list' }, mismatch),
    request('`Mcp-Method` in other letters', { 'mcp-method': 'Tools/Call' }, mismatch),
    request('`Mcp-Method` twice', { 'mcp-method': ['tools/call', 'tools/list'] }, mismatch),
    request(
        'no `MCP-Protocol-Version`',
        { 'mcp-protocol-version': null },
        oneOf(mismatch, malformed)
    ),
    request(
        'another `MCP-Protocol-Version`',
        { 'mcp-protocol-version': '2025-11-25' },
        oneOf(mismatch, malformed)
    ),
    request(
        '`MCP-Protocol-Version` twice',
        { 'mcp-protocol-version': ['2026-07-28', '2025-11-25'] },
        mismatch
    ),
    request(
        'an unknown revision',
        { 'mcp-protocol-version': '2099-01-01' },
        refused(400, -32022),
        withMeta(version('2099-01-01'))
    ),
    request('no `_meta`', {}, refused(400, -32602), call()),
    request(
        'no revision in `_meta`',
        {},
        refused(400, -32602),
        withMeta(metaWithout('protocolVersion'))
    ),
    request(
        'no capabilities in `_meta`',
        {},
        refused(400, -32602),
        withMeta(metaWithout('clientCapabilities'))
    ),
    request('no client in `_meta`', {}, forwarded(), withMeta(metaWithout('clientInfo'))),
    request(
        '`_meta` of this revision, headers of another',
        { 'mcp-protocol-version': '2025-11-25', 'mcp-method': null, 'mcp-name': null },
        oneOf(mismatch, malformed)
    ),
    method('nobody/knows', notFound),
    method('ping', notFound),
    method('logging/setLevel', notFound, { level: 'debug' }),
    {
        ...method('initialize', oneOf(notFound, malformed, refused(400, -32022))),
        body: stateless('initialize', INITIALIZE.params)
    },
    request('a session', { 'mcp-session-id': 'nobody' }, forwarded()),
    { name: 'GET', method: 'GET', headers: { accept: 'text/event-stream' }, outcome: refused(405) },
    { name: 'DELETE', method: 'DELETE', outcome: refused(405) },
    { name: 'a batch', body: [statelessCall()], outcome: malformed, id: undefined },
    {
        name: 'a response',
        body: { jsonrpc: '2.0', id: 7, result: {} },
        headers: { 'mcp-method': null, 'mcp-name': null },
        outcome: refused(400, -32600, -32700)
    },
    {
        name: 'a cancellation',
        body: {
            jsonrpc: '2.0',
            method: 'notifications/cancelled',
            params: { requestId: 7, _meta: META }
        },
        headers: { 'mcp-method': 'notifications/cancelled', 'mcp-name': null },
        outcome: dropped
    },
    {
        name: 'state that nobody gave, to be continued',
        body: statelessCall({ requestState: 'x', inputResponses: { a: { action: 'accept' } } }),
        outcome: oneOf(forwarded(), error(-32602))
    },
    {
        name: '`params.name` twice, the header says the first',
        headers: { 'mcp-name': 'other' },
        body: JSON.stringify(statelessCall()).replace('"name"', '"name":"other","name"'),
        outcome: oneOf(malformed, mismatch),
        id: undefined
    }
];
