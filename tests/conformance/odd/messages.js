// Messages that are as they should be; the tables change something about them.

import { ANSWERS } from './answers.js';

export const LEGACY = '2025-11-25';
export const STATELESS = '2026-07-28';
const PREFIX = 'io.modelcontextprotocol/';

const identity = { name: 'odd', version: '1' };
const inputSchema = { type: 'object' };

export const META = {
    [`${PREFIX}protocolVersion`]: STATELESS,
    [`${PREFIX}clientInfo`]: identity,
    [`${PREFIX}clientCapabilities`]: {}
};
export const metaWithout = (member) =>
    Object.fromEntries(Object.entries(META).filter(([name]) => name !== PREFIX + member));

export const INITIALIZE = {
    jsonrpc: '2.0',
    id: 'initialize',
    method: 'initialize',
    params: { protocolVersion: LEGACY, capabilities: {}, clientInfo: identity }
};
export const INITIALIZED = { jsonrpc: '2.0', method: 'notifications/initialized' };

/** A call of a tool that answers; `changes` are members of the message. */
export const call = (changes = {}, params = {}) => ({
    jsonrpc: '2.0',
    id: 7,
    method: 'tools/call',
    params: { name: 'plain', arguments: {}, ...params },
    ...changes
});

/** The same as text, with these texts in the place of some values. */
export const callText = ({ id = '7', method = '"tools/call"', name = '"plain"', values = '{}' }) =>
    `{"jsonrpc":"2.0","id":${id},"method":${method},"params":{"name":${name},"arguments":${values}}}`;

export const stateless = (method, params = {}, changes = {}) => ({
    jsonrpc: '2.0',
    id: 7,
    method,
    params: { ...params, _meta: META },
    ...changes
});
export const statelessCall = (params = {}) =>
    stateless('tools/call', { name: 'plain', arguments: {}, ...params });

const TOOLS = ['plain', ...Object.keys(ANSWERS)].map((name) => ({ name, inputSchema }));
const CACHED = { ttlMs: 0, cacheScope: 'private' };
const RESULTS = {
    initialize: {
        protocolVersion: LEGACY,
        capabilities: { tools: {}, resources: {} },
        serverInfo: identity
    },
    'server/discover': {
        supportedVersions: [STATELESS],
        capabilities: { tools: {}, resources: {} },
        ...CACHED
    },
    'tools/list': { tools: TOOLS, ...CACHED },
    'resources/read': { contents: [], ...CACHED },
    'tools/call': { content: [{ type: 'text', text: 'done' }] }
};

/** What the server answers: members that one of the revisions does not have do no harm. */
export function resultOf(id, method) {
    const result = { resultType: 'complete', ...RESULTS[method] };
    if (method === 'initialize') delete result.resultType;
    return { jsonrpc: '2.0', id, result };
}
