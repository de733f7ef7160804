// Streamable HTTP for both eras at one address: sessions for the older revisions, none for 2026-07-28.

import {
    localhostHostValidation,
    localhostOriginValidation,
    NodeStreamableHTTPServerTransport,
    toNodeHandler,
    toWebRequest
} from '@modelcontextprotocol/node';
import {
    createMcpHandler,
    isInitializeRequest,
    isLegacyRequest
} from '@modelcontextprotocol/server';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Events } from './events.js';
import { everything } from './server.js';

const RETRY_MILLISECONDS = 500;
const BODY_BYTES_MAX = 4 * 1024 * 1024;

export function listen(port) {
    const sessions = new Map();
    const modern = createMcpHandler((context) => everything(context.era, modern.notify), {
        legacy: 'reject'
    });
    const stateless = toNodeHandler(modern);
    const isLocalHost = localhostHostValidation();
    const isLocalOrigin = localhostOriginValidation();

    const http = createServer(async (request, response) => {
        if (!isLocalHost(request, response) || !isLocalOrigin(request, response)) return;
        if (new URL(request.url, 'http://localhost').pathname !== '/mcp') {
            response.writeHead(404).end();
            return;
        }
        try {
            const body = request.method === 'POST' ? await bodyOf(request) : undefined;
            if (await isLegacyRequest(await toWebRequest(request, body))) {
                await stateful(sessions, request, response, body);
            } else {
                await stateless(request, response, body);
            }
        } catch (error) {
            refuse(response, error.status ?? 500, error.code ?? -32603, error.message);
        }
    });
    http.listen(port, '127.0.0.1', () => console.log(`listening on ${http.address().port}`));
}

async function stateful(sessions, request, response, body) {
    const id = request.headers['mcp-session-id'];
    if (id !== undefined && !sessions.has(id)) {
        refuse(response, 404, -32001, 'Session not found');
    } else if (id !== undefined) {
        await sessions.get(id).handleRequest(request, response, body);
    } else if (isInitializeRequest(body)) {
        const transport = new NodeStreamableHTTPServerTransport({
            sessionIdGenerator: randomUUID,
            onsessioninitialized: (id) => void sessions.set(id, transport),
            onsessionclosed: (id) => void sessions.delete(id),
            eventStore: new Events(),
            retryInterval: RETRY_MILLISECONDS
        });
        await everything('legacy').connect(transport);
        await transport.handleRequest(request, response, body);
    } else {
        refuse(response, 400, -32000, 'Bad Request: no session');
    }
}

async function bodyOf(request) {
    const chunks = [];
    let size = 0;
    for await (const chunk of request) {
        size += chunk.length;
        if (size > BODY_BYTES_MAX) throw wrong(413, -32600, 'Payload too large');
        chunks.push(chunk);
    }
    try {
        return JSON.parse(Buffer.concat(chunks).toString('utf8'));
    } catch {
        throw wrong(400, -32700, 'Parse error');
    }
}

const wrong = (status, code, message) => Object.assign(new Error(message), { status, code });

function refuse(response, status, code, message) {
    if (response.headersSent) {
        response.destroy();
        return;
    }
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', error: { code, message } }));
}
