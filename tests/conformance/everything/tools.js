// Tools that answer by themselves: every kind of content, errors, progress and log messages.

import { setTimeout as sleep } from 'node:timers/promises';
import { audio, embedded, image, text } from './media.js';
import { jsonSchema, noArguments } from './schemas.js';

const STEP_MILLISECONDS = 50;

export function registerTools(server, changes) {
    const working = (name, description, work) =>
        server.registerTool(name, { description, inputSchema: noArguments }, work);
    const answering = (name, description, ...content) =>
        working(name, description, () => ({ content }));

    answering(
        'test_simple_text',
        'Answers with a text',
        text('This is a simple text response for testing.')
    );
    answering('test_image_content', 'Answers with a picture', image);
    answering('test_audio_content', 'Answers with a sound', audio);
    answering(
        'test_embedded_resource',
        'Answers with a resource',
        embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')
    );
    answering(
        'test_multiple_content_types',
        'Answers with a text, a picture and a resource',
        text('Multiple content types test:'),
        image,
        embedded(
            'test://mixed-content-resource',
            'application/json',
            JSON.stringify({ test: 'data', value: 123 })
        )
    );

    working('test_trigger_tool_change', 'Says that the list of tools has changed', () =>
        said('tools changed', changes.tools)
    );
    working('test_trigger_prompt_change', 'Says that the list of prompts has changed', () =>
        said('prompts changed', changes.prompts)
    );
    working('test_error_handling', 'Fails', () => {
        throw new Error('This tool intentionally returns an error for testing');
    });
    working('test_tool_with_progress', 'Reports its progress', withProgress);
    working('test_tool_with_logging', 'Logs while it works', withLogging);
    working('test_logging_tool', 'Logs while it works', withLogging);
    working('test_reconnection', 'Closes its stream before it answers', withReconnection);

    server.registerTool(
        'json_schema_2020_12_tool',
        { description: 'Has a schema of many keywords', inputSchema: jsonSchema(CONTACT) },
        () => ({ content: [text('accepted')] })
    );
    server.registerTool(
        'test_mirrored_header',
        { description: 'Has an argument that a header mirrors', inputSchema: jsonSchema(REGION) },
        ({ region }) => ({ content: [text(`region: ${region}`)] })
    );
}

function said(message, change) {
    change();
    return { content: [text(message)] };
}

async function withProgress(_arguments, context) {
    const { progressToken } = context.mcpReq._meta ?? {};
    for (const progress of [0, 50, 100]) {
        if (progress > 0) await sleep(STEP_MILLISECONDS);
        if (progressToken !== undefined) {
            await context.mcpReq.notify({
                method: 'notifications/progress',
                params: { progressToken, progress, total: 100 }
            });
        }
    }
    return { content: [text('progress reported')] };
}

async function withLogging(_arguments, context) {
    await context.mcpReq.log('info', 'Tool execution started');
    await sleep(STEP_MILLISECONDS);
    await context.mcpReq.log('info', 'Tool processing data');
    await sleep(STEP_MILLISECONDS);
    await context.mcpReq.log('info', 'Tool execution completed');
    return { content: [text('logged')] };
}

async function withReconnection(_arguments, context) {
    context.http?.closeSSE?.();
    // The client needs a moment without a stream, or nothing is resumed.
    await sleep(2 * STEP_MILLISECONDS);
    return { content: [text('answered after the stream was closed')] };
}

const CONTACT = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: {
        address: {
            $anchor: 'addressDef',
            type: 'object',
            properties: { street: { type: 'string' }, city: { type: 'string' } }
        }
    },
    properties: {
        name: { type: 'string' },
        address: { $ref: '#/$defs/address' },
        contactMethod: { type: 'string', enum: ['phone', 'email'] },
        phone: { type: 'string' },
        email: { type: 'string' }
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false
};

const REGION = {
    type: 'object',
    properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
    required: ['region']
};
