// The server that the suite wants to find, for one session or one request.

import { McpServer } from '@modelcontextprotocol/server';
import { registerAsking, states } from './asking.js';
import { completion, registerPrompts } from './prompts.js';
import { registerResources } from './resources.js';
import { extensions, registerTasks } from './tasks.js';
import { registerTools } from './tools.js';

const IDENTITY = { name: 'portcullis-everything', version: '1.0.0' };
const CAPABILITIES = {
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
    completions: {},
    logging: {}
};

/** `notify` says on open subscriptions that a list has changed; without it the server says it itself. */
export function everything(era, notify) {
    const server = new McpServer(IDENTITY, {
        capabilities: era === 'legacy' ? CAPABILITIES : { ...CAPABILITIES, extensions },
        instructions: 'Everything that the conformance suite asks for.',
        requestState: { verify: states.verify }
    });
    registerTools(server, {
        tools: () => (notify ? notify.toolsChanged() : server.sendToolListChanged()),
        prompts: () => (notify ? notify.promptsChanged() : server.sendPromptListChanged())
    });
    registerAsking(server);
    registerPrompts(server);
    registerResources(server);
    const { server: protocol } = server;
    protocol.setRequestHandler('completion/complete', ({ params }) => completion(params));
    if (era === 'legacy') {
        // The stateless revision has no such requests.
        protocol.setRequestHandler('resources/subscribe', () => ({}));
        protocol.setRequestHandler('resources/unsubscribe', () => ({}));
    } else {
        registerTasks(server);
    }
    return server;
}
