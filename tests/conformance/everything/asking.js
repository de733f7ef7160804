// Tools that ask the client before they answer. They are written once: to a client of the
// stateless revision the questions are a result, to an older one they are requests.

import {
    createRequestStateCodec,
    inputRequired,
    inputResponse
} from '@modelcontextprotocol/server';
import { randomBytes } from 'node:crypto';
import { text } from './media.js';
import { jsonSchema, CHOICES, CONFIRMATION, DEFAULTS, noArguments, texts } from './schemas.js';

export const states = createRequestStateCodec({ key: randomBytes(32) });

const elicit = (message, requestedSchema) => inputRequired.elicit({ message, requestedSchema });
const sample = (prompt, maxTokens) =>
    inputRequired.createMessage({ messages: [{ role: 'user', content: text(prompt) }], maxTokens });
const NAME = texts({ name: 'A name' });

const answer = (...lines) => ({ content: lines.map(text) });

/** What the client answered, or nothing as soon as one answer is missing or of another kind. */
function answers(context, kinds) {
    const views = Object.entries(kinds).map(([key, kind]) => {
        const view = inputResponse(context.mcpReq.inputResponses, key);
        return view.kind === kind ? view : undefined;
    });
    return views.every(Boolean) ? views : undefined;
}

const sampled = ({ result }) =>
    [result.content]
        .flat()
        .map((block) => block.text)
        .join('');
const elicited = ({ action, content }) =>
    `action=${action}, content=${JSON.stringify(content ?? {})}`;

/** A tool of one question. */
function asking(server, name, description, schema, question, kind, read) {
    server.registerTool(name, { description, inputSchema: schema }, (values, context) => {
        const [answered] = answers(context, { [question.key]: kind }) ?? [];
        return answered
            ? answer(read(answered))
            : inputRequired({ inputRequests: { [question.key]: question.of(values) } });
    });
}

export function registerAsking(server) {
    asking(
        server,
        'test_sampling',
        'Asks the model of the client',
        jsonSchema(texts({ prompt: 'What to ask' })),
        { key: 'sample', of: ({ prompt }) => sample(prompt, 100) },
        'sampling',
        (view) => `LLM response: ${sampled(view)}`
    );
    const contact = texts({ username: "User's response", email: "User's email address" });
    asking(
        server,
        'test_elicitation',
        'Asks the person at the client',
        jsonSchema(texts({ message: 'What to ask' })),
        { key: 'contact', of: ({ message }) => elicit(message, contact) },
        'elicit',
        (view) => `User response: ${elicited(view)}`
    );
    for (const [name, schema] of [
        ['test_elicitation_sep1034_defaults', DEFAULTS],
        ['test_elicitation_sep1330_enums', CHOICES]
    ]) {
        asking(
            server,
            name,
            'Asks for a form to be filled in',
            noArguments,
            { key: 'form', of: () => elicit('Please fill in the form', schema) },
            'elicit',
            (view) => `Elicitation completed: ${elicited(view)}`
        );
    }
    asking(
        server,
        'test_input_required_result_elicitation',
        'Asks for a name',
        noArguments,
        { key: 'user_name', of: () => elicit('What is your name?', NAME) },
        'elicit',
        ({ content }) => `Hello, ${content?.name}!`
    );
    asking(
        server,
        'test_input_required_result_sampling',
        'Asks for a capital',
        noArguments,
        { key: 'capital_question', of: () => sample('What is the capital of France?', 100) },
        'sampling',
        sampled
    );
    asking(
        server,
        'test_input_required_result_list_roots',
        'Asks for the roots',
        noArguments,
        { key: 'client_roots', of: () => inputRequired.listRoots() },
        'roots',
        ({ roots }) => roots.map(({ uri }) => uri).join(' ')
    );
    asking(
        server,
        'test_missing_capability',
        'Needs a client that samples',
        noArguments,
        { key: 'sample', of: () => sample('Are you there?', 10) },
        'sampling',
        sampled
    );
    registerRounds(server);
}

/** Tools of several questions, whose state travels through the client. */
function registerRounds(server) {
    const register = (name, description, round) =>
        server.registerTool(name, { description, inputSchema: noArguments }, (_values, context) =>
            round(context)
        );

    const confirmed = async (context) => {
        const state = context.mcpReq.requestState();
        if (answers(context, { confirm: 'elicit' }) && state?.asked === 'confirm')
            return answer('state-ok');
        return inputRequired({
            inputRequests: { confirm: elicit('Please confirm', CONFIRMATION) },
            requestState: await states.mint({ asked: 'confirm' })
        });
    };
    register('test_input_required_result_request_state', 'Keeps state', confirmed);
    register('test_input_required_result_tampered_state', 'Refuses forged state', confirmed);

    register('test_input_required_result_multiple_inputs', 'Asks three things', async (context) => {
        const kinds = { user_name: 'elicit', greeting: 'sampling', client_roots: 'roots' };
        const views = answers(context, kinds);
        if (views) {
            const [name, greeting, { roots }] = views;
            return answer(`${sampled(greeting)} ${name.content?.name}: ${roots.length} roots`);
        }
        return inputRequired({
            inputRequests: {
                user_name: elicit('What is your name?', NAME),
                greeting: sample('Generate a greeting', 50),
                client_roots: inputRequired.listRoots()
            },
            requestState: await states.mint({ asked: 'all' })
        });
    });

    register('test_input_required_result_multi_round', 'Asks twice', async (context) => {
        const state = context.mcpReq.requestState();
        const first = answers(context, { step1: 'elicit' });
        const second = answers(context, { step2: 'elicit' });
        if (second && state?.name !== undefined)
            return answer(`${state.name} likes ${second[0].content?.color}`);
        if (first) {
            const color = texts({ color: 'A color' });
            return inputRequired({
                inputRequests: { step2: elicit('Step 2: What is your favorite color?', color) },
                requestState: await states.mint({ name: first[0].content?.name })
            });
        }
        return inputRequired({
            inputRequests: { step1: elicit('Step 1: What is your name?', NAME) },
            requestState: await states.mint({})
        });
    });

    register('test_input_required_result_capabilities', 'Asks what it may', (context) => {
        const envelope = context.mcpReq.envelope ?? {};
        const able = envelope['io.modelcontextprotocol/clientCapabilities'] ?? {};
        const inputRequests = {
            ...(able.elicitation && { user_name: elicit('What is your name?', NAME) }),
            ...(able.sampling && { greeting: sample('Generate a greeting', 50) })
        };
        return Object.keys(inputRequests).length > 0 && !context.mcpReq.inputResponses
            ? inputRequired({ inputRequests })
            : answer('nothing to ask');
    });

    register('test_streaming_elicitation', 'Logs, then asks', async (context) => {
        const view = answers(context, { user_name: 'elicit' });
        if (view) return answer(elicited(view[0]));
        await context.mcpReq.log('info', 'about to ask');
        return inputRequired({ inputRequests: { user_name: elicit('What is your name?', NAME) } });
    });
}
