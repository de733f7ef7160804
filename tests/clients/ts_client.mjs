// What the official TypeScript client does and sees: one line of JSON for each scenario.
//
//     ts_client.mjs stdio COMMAND ARGUMENT... | sse URL | http URL

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
    CreateMessageRequestSchema,
    ElicitRequestSchema,
    ListRootsRequestSchema,
    LoggingMessageNotificationSchema,
    ResourceUpdatedNotificationSchema
} from '@modelcontextprotocol/sdk/types.js';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MILLISECONDS = 100;
const SCENARIO_MILLISECONDS = 60_000;
const CANCEL_AFTER_MILLISECONDS = 500;
const DYNAMIC_RESOURCE = 'demo://resource/dynamic/text/1';
const STATIC_DOCUMENT = 'demo://resource/static/document/architecture.md';
// The server registers these once it knows what the client can do.
const LATE_TOOLS = ['get-roots-list', 'trigger-elicitation-request', 'trigger-sampling-request'];

const [transport, target, ...rest] = process.argv.slice(2);
const person = { sampled: [], elicited: [], logged: [], updated: [] };
const client = new Client(
    { name: 'portcullis-tests', version: '1.0.0' },
    { capabilities: { sampling: {}, elicitation: { form: {} }, roots: {} } }
);
client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
    person.sampled.push(params);
    const content = { type: 'text', text: 'an answer ☃' };
    return { role: 'assistant', model: 'scripted', stopReason: 'endTurn', content };
});
client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    person.elicited.push(params);
    return { action: 'accept', content: { name: 'Ada', check: true } };
});
client.setRequestHandler(ListRootsRequestSchema, () => ({
    roots: [{ uri: 'file:///project', name: 'project' }]
}));
client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    person.logged.push(params);
});
client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    person.updated.push(params.uri);
});

function connection() {
    if (transport === 'stdio') {
        return new StdioClientTransport({ command: target, args: rest, stderr: 'ignore' });
    }
    const url = new URL(target);
    return transport === 'sse'
        ? new SSEClientTransport(url)
        : new StreamableHTTPClientTransport(url);
}

const call = (name, values, options) =>
    client.callTool({ name, arguments: values }, undefined, options);

async function until(condition) {
    while (!(await condition())) await sleep(POLL_MILLISECONDS);
}

const SCENARIOS = {
    async handshake() {
        await client.ping();
        return [client.getServerVersion(), client.getServerCapabilities()];
    },
    async listTools() {
        let tools = [];
        await until(async () => {
            ({ tools } = await client.listTools());
            return LATE_TOOLS.every((name) => tools.some((tool) => tool.name === name));
        });
        return tools;
    },
    async callTools() {
        const echo = await call('echo', { message: 'snow ☃ \u2028 "quoted" \\u0041' });
        assert.match(echo.content[0].text, /snow ☃/);
        const wrong = await call('get-sum', { a: 'no number' });
        assert(wrong.isError);
        const structured = await call('get-structured-content', { location: 'Chicago' });
        assert(structured.structuredContent);
        return [echo, wrong, structured, await call('get-tiny-image', {})];
    },
    async readResources() {
        const document = await client.readResource({ uri: STATIC_DOCUMENT });
        assert(document.contents.length > 0);
        return [await client.listResources(), await client.listResourceTemplates(), document];
    },
    async getPrompts() {
        const prompt = await client.getPrompt({
            name: 'args-prompt',
            arguments: { city: 'Zürich' }
        });
        assert.match(JSON.stringify(prompt), /Zürich/);
        return [await client.listPrompts(), prompt];
    },
    async complete() {
        const { completion } = await client.complete({
            ref: { type: 'ref/prompt', name: 'completable-prompt' },
            argument: { name: 'department', value: 'E' }
        });
        assert(completion.values.length > 0);
        return completion;
    },
    async answerSampling() {
        const result = await call('trigger-sampling-request', { prompt: 'p', maxTokens: 10 });
        assert.equal(person.sampled.length, 1);
        assert.match(JSON.stringify(result), /an answer ☃/);
        return [person.sampled, result];
    },
    async answerElicitation() {
        const result = await call('trigger-elicitation-request', {});
        assert.equal(person.elicited.length, 1);
        assert.match(JSON.stringify(result), /Ada/);
        return [person.elicited, result];
    },
    async listRoots() {
        const result = await call('get-roots-list', {});
        assert.match(JSON.stringify(result), /file:\/\/\/project/);
        return result;
    },
    async followProgress() {
        const steps = [];
        const options = { onprogress: (step) => steps.push(step) };
        const operation = { duration: 1, steps: 4 };
        const result = await call('trigger-long-running-operation', operation, options);
        // This client forgets the last step when the result follows at once.
        const first = steps.slice(0, 3);
        assert.deepEqual(
            first.map(({ progress }) => progress),
            [1, 2, 3]
        );
        return [first, result];
    },
    async cancel() {
        const options = { signal: AbortSignal.timeout(CANCEL_AFTER_MILLISECONDS) };
        const operation = { duration: 2, steps: 2 };
        await assert.rejects(call('trigger-long-running-operation', operation, options));
        await sleep(operation.duration * 1000);
        return call('echo', { message: 'after the cancellation' });
    },
    async receiveLogs() {
        await client.setLoggingLevel('debug');
        const before = person.logged.length;
        await call('toggle-simulated-logging', {});
        await until(() => person.logged.length > before);
        const stopped = await call('toggle-simulated-logging', {});
        // Which message the server logs is chance; that it has all its parts is not.
        return [nameless(stopped), Object.keys(person.logged.at(-1)).sort()];
    },
    async subscribe() {
        await client.subscribeResource({ uri: DYNAMIC_RESOURCE });
        await call('toggle-subscriber-updates', {});
        await until(() => person.updated.includes(DYNAMIC_RESOURCE));
        const stopped = await call('toggle-subscriber-updates', {});
        await client.unsubscribeResource({ uri: DYNAMIC_RESOURCE });
        return nameless(stopped);
    }
};

/** Over HTTP the server names the session, which has another name each time. */
function nameless(result) {
    return JSON.stringify(result).replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'SESSION');
}

/** Waits no longer than a scenario may take. */
function inTime(scenario) {
    const late = sleep(SCENARIO_MILLISECONDS, undefined, { ref: false });
    return Promise.race([
        scenario(),
        late.then(() => assert.fail(`it has not ended in ${SCENARIO_MILLISECONDS} ms`))
    ]);
}

async function report(name, scenario) {
    try {
        console.log(JSON.stringify({ name, result: await inTime(scenario) }));
        return true;
    } catch (error) {
        console.log(JSON.stringify({ name, error: String(error) }));
        return false;
    }
}

if (await report('connect', () => client.connect(connection()))) {
    for (const [name, scenario] of Object.entries(SCENARIOS)) await report(name, scenario);
    await client.close();
}
process.exit(0);
