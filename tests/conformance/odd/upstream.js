// upstream.js: a server that believes everything, and remembers every message that reaches it.
// Prints the port once it listens. `GET /seen` gives the messages since it was last asked.

import { createServer } from 'node:http';
import { ANSWERS } from './answers.js';
import { resultOf } from './messages.js';

const seen = [];

const server = createServer(async (request, response) => {
    if (request.url === '/seen') {
        json(response, seen.splice(0));
        return;
    }
    if (request.method === 'GET') {
        // It has nothing to say, but it could.
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
        return;
    }
    if (request.method === 'DELETE') {
        response.writeHead(200).end();
        return;
    }
    const text = await textOf(request);
    seen.push(text);
    const { id, method, params } = parsed(text);
    if (id === undefined) {
        response.writeHead(202).end();
    } else if (method === 'tools/call' && Object.hasOwn(ANSWERS, params?.name)) {
        ANSWERS[params.name].send(response, id);
    } else {
        const session = method === 'initialize' ? { 'mcp-session-id': 'upstream' } : {};
        json(response, resultOf(id, method), session);
    }
});

const json = (response, value, headers = {}) =>
    response
        .writeHead(200, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(value));

async function textOf(request) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
}

function parsed(text) {
    try {
        return JSON.parse(text) ?? {};
    } catch {
        return {};
    }
}

server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
