// main.js GATEWAY UPSTREAM: sends odd requests to a gateway, and calls that are answered oddly.
// Prints a page of Markdown; exits with 1 if something did not come out as it must.

import { ANSWERS } from './answers.js';
import { exchange, exchangeBytes } from './http.js';
import { call, INITIALIZE, INITIALIZED, LEGACY, STATELESS } from './messages.js';
import { HTTP_REQUESTS } from './requests/http.js';
import { ID_REQUESTS } from './requests/ids.js';
import { JSON_REQUESTS } from './requests/json.js';
import { STATELESS_REQUESTS } from './requests/stateless.js';

const [gateway, upstream] = process.argv.slice(2);
const { origin, host, pathname: mcp } = new URL(gateway);
// What a gateway may ask a server for its own sake.
const OWN_METHODS = [
    'initialize',
    'notifications/initialized',
    'server/discover',
    'tools/list',
    'ping'
];
const SETTLE_MILLISECONDS = 100;
const RETRIES = 5;

const HEADERS = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    connection: 'close'
};

/** Opens a session as far as the probe wants; gives the headers that go with it. */
async function open(session) {
    if (session === 'none') return {};
    const answer = await post(INITIALIZE, {});
    const headers = {
        'mcp-session-id': answer.headers['mcp-session-id'],
        'mcp-protocol-version': LEGACY
    };
    if (session !== 'half') await post(INITIALIZED, headers);
    return headers;
}

const post = (message, headers) => send({ body: message, headers: { ...HEADERS, ...headers } });

function send({ method = 'POST', path = mcp, headers, body }) {
    const payload = bytesOf(body);
    const length = payload &&
        !('content-length' in headers) && { 'content-length': payload.length };
    const pairs = Object.entries({ host, ...headers, ...length })
        .flatMap(([name, value]) => [value].flat().map((one) => [name, one]))
        .filter(([, value]) => value !== null && value !== undefined);
    return exchange(origin, {
        method,
        path,
        headers: pairs.map(([n, v]) => [n, String(v)]),
        body: payload
    });
}

function bytesOf(body) {
    if (body === undefined || Buffer.isBuffer(body)) return body;
    return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

const end = (headers) =>
    headers['mcp-session-id'] && send({ method: 'DELETE', headers: { ...HEADERS, ...headers } });

async function forwarded() {
    const { text } = await exchange(upstream, {
        method: 'GET',
        path: '/seen',
        headers: [['host', 'x']]
    });
    return JSON.parse(text).filter((message) => {
        try {
            return !OWN_METHODS.includes(JSON.parse(message).method);
        } catch {
            return true;
        }
    });
}

/** What came of a probe: an empty string if it is as it must be. */
async function probe(entry, own) {
    const session = own ?? (await open(entry.session));
    for (const message of entry.before ?? []) await post(message, session);
    if (entry.ended) await end(session);
    const meanwhile = entry.meanwhile && post(entry.meanwhile, session);
    if (meanwhile) await new Promise((resolve) => setTimeout(resolve, SETTLE_MILLISECONDS));
    await forwarded();
    let answer = await ask(entry, session);
    // The gateway closes before it has read everything: its answer can be lost on the way.
    for (let again = 0; entry.isTooLong && answer.status === 0 && again < RETRIES; again += 1) {
        answer = await ask(entry, session);
    }
    // What is acknowledged is forwarded afterwards, if it is.
    if (answer.status === 202)
        await new Promise((resolve) => setTimeout(resolve, SETTLE_MILLISECONDS));
    const facts = {
        answer,
        forwarded: await forwarded(),
        id: 'id' in entry ? entry.id : idOf(entry.body)
    };
    await meanwhile;
    if (!entry.ended) await end(session);
    return { answer, wrong: entry.outcome.wrong(facts) || '' };
}

function ask(entry, session) {
    if (entry.bytes) {
        const lines = Object.entries(session).map(([name, value]) => `${name}: ${value}`);
        const bytes = entry.bytes(mcp, host, lines);
        return exchangeBytes(
            origin,
            entry.withoutHost ? bytes.replace(`Host: ${host}\r\n`, '') : bytes
        );
    }
    const changes = typeof entry.headers === 'function' ? entry.headers(session) : entry.headers;
    return send({
        method: entry.method,
        path: entry.path?.(mcp),
        headers: { ...HEADERS, ...session, ...changes },
        body: entry.body
    });
}

function idOf(body) {
    try {
        const message = typeof body === 'string' ? JSON.parse(body) : body;
        return message?.method && 'id' in message ? message.id : message?.id;
    } catch {
        return undefined;
    }
}

const shown = ({ answer }) => {
    const { code } = answer.message?.error ?? {};
    const status = answer.status === 0 ? answer.text || 'closed' : `HTTP ${answer.status}`;
    return code === undefined ? status : `${status}, error ${code}`;
};
const visible = (text) =>
    text.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
const cell = (text) => visible(text).replaceAll('|', '\\|');

let count = 0;
let shortfalls = 0;
let problems = 0;

/** A shortfall that is known must be there: one that is mended is taken off the table. */
function judge({ outcome, shortfall }, wrong) {
    if (!wrong) return shortfall && 'it is as it must be: take its shortfall off the table';
    return shortfall ? undefined : `must be ${outcome.text}: ${visible(wrong)}`;
}

async function table(title, entries, own) {
    console.log(`\n## ${title}\n\n| what | must be | seen |\n|---|---|---|`);
    for (const entry of entries) {
        const result = await probe(entry, own);
        const problem = judge(entry, result.wrong);
        count += 1;
        shortfalls += result.wrong ? 1 : 0;
        if (problem) {
            problems += 1;
            console.error(`${title}: ${entry.name}: ${problem}`);
        }
        const note = entry.shortfall ?? result.wrong;
        const verdict = result.wrong ? `**${shown(result)}: ${note}**` : shown(result);
        console.log(`| ${cell(entry.name)} | ${cell(entry.outcome.text)} | ${cell(verdict)} |`);
    }
}

console.log(`# Odd inputs

What the gateway does with requests and answers that are wrong, odd or hostile.
Made by \`cargo xtask odd\`: every line is an exchange with a gateway that runs, in front of a server that believes everything and writes down what reaches it.
What is refused has not reached it; what is bold falls short of what it must be.`);
await table('Requests: JSON and the envelope', JSON_REQUESTS);
await table('Requests: ids, kinds and names', ID_REQUESTS);
await table('Requests: HTTP and sessions', HTTP_REQUESTS);
const STATELESS_HEADERS = {
    'mcp-protocol-version': STATELESS,
    'mcp-method': 'tools/call',
    'mcp-name': 'plain'
};
await table('Requests: revision 2026-07-28', STATELESS_REQUESTS, STATELESS_HEADERS);
const answers = Object.entries(ANSWERS).map(([name, { description, outcome }]) => ({
    name: description,
    body: call({}, { name }),
    outcome
}));
await table('Answers of a server to a call', answers);
console.error(
    `odd inputs: ${count - shortfalls} of ${count} as they must be, ${problems} surprises`
);
process.exit(problems > 0 ? 1 : 0);
