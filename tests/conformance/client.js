// client.js URL: a client that asks a server for everything it has, as the suite's client scenarios want.

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const url = process.argv.at(-1);
const { MCP_CONFORMANCE_PROTOCOL_VERSION: revision, MCP_CONFORMANCE_CONTEXT: context } =
    process.env;
const isStateless = revision >= '2026';
const { toolCalls = [] } = JSON.parse(context || '{}');

const client = new Client(
    { name: 'portcullis-conformance', version: '1.0.0' },
    {
        capabilities: {
            sampling: {},
            roots: {},
            elicitation: { form: { applyDefaults: true } }
        },
        versionNegotiation: isStateless ? { mode: 'auto' } : undefined
    }
);
client.setRequestHandler('sampling/createMessage', () => ({
    role: 'assistant',
    model: 'scripted',
    stopReason: 'endTurn',
    content: { type: 'text', text: 'an answer' }
}));
client.setRequestHandler('elicitation/create', ({ params }) => ({
    action: 'accept',
    // What has no default is confirmed.
    content: 'confirmed' in params.requestedSchema.properties ? { confirmed: true } : {}
}));
client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///project' }] }));

await client.connect(new StreamableHTTPClientTransport(new URL(url)));
const offered = client.getServerCapabilities() ?? {};

const { tools } = await client.listTools();
const given = new Map(toolCalls.map((call) => [call.name, call.arguments]));
for (const tool of tools) {
    const call = { name: tool.name, arguments: given.get(tool.name) ?? argumentsFor(tool) };
    await ask(() => client.callTool(call));
}
if (offered.resources) {
    const { resources } = await client.listResources();
    for (const { uri } of resources) await ask(() => client.readResource({ uri }));
}
if (offered.prompts) {
    const { prompts } = await client.listPrompts();
    for (const { name } of prompts) await ask(() => client.getPrompt({ name }));
}
await client.close();

/** Some servers answer wrongly on purpose: that must not keep the others from being asked. */
async function ask(request) {
    try {
        await request();
    } catch (error) {
        console.log(String(error));
    }
}

function argumentsFor({ inputSchema: { properties = {}, required = [] } }) {
    const values = { string: 'a text', integer: 1, number: 5, boolean: true, array: [] };
    // A tool that takes a schema is given the richest one there is.
    const object = tools.find((tool) => '$defs' in tool.inputSchema)?.inputSchema ?? {};
    return Object.fromEntries(
        required.map((name) => [name, { ...values, object }[properties[name]?.type]])
    );
}
