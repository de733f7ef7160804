// The tasks extension of revision 2026-07-28: tools that answer with a task, and the methods with
// which its client follows, feeds and cancels it.

import {
    inputRequired,
    inputResponse,
    MissingRequiredClientCapabilityError,
    ProtocolError,
    ProtocolErrorCode
} from '@modelcontextprotocol/server';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { text } from './media.js';
import { jsonSchema, noArguments, texts } from './schemas.js';

const EXTENSION = 'io.modelcontextprotocol/tasks';
const NEEDED = { requiredCapabilities: { extensions: { [EXTENSION]: {} } } };
const TTL_MILLISECONDS = 300_000;
const POLL_MILLISECONDS = 250;
const JOB_MILLISECONDS = 500;
const FINAL = ['completed', 'failed', 'cancelled'];

export const extensions = { [EXTENSION]: {} };

/** One for all requests: a request of the stateless revision has a server of its own. */
const tasks = new Map();

class Task {
    #status = 'working';
    #outcome = {};
    #questions = {};
    #answers = {};
    #answered;
    #changedAt = new Date();
    #cancelled = new AbortController();

    /** `work` gets this task and gives the result of the call. */
    constructor(work) {
        this.id = randomUUID();
        this.createdAt = this.#changedAt;
        tasks.set(this.id, this);
        setTimeout(() => tasks.delete(this.id), TTL_MILLISECONDS).unref();
        work(this).then(
            (result) => this.#settle('completed', { result }),
            ({ message }) => this.#settle('failed', { error: { code: -32603, message } })
        );
    }

    get signal() {
        return this.#cancelled.signal;
    }

    get summary() {
        return {
            taskId: this.id,
            status: this.#status,
            createdAt: this.createdAt.toISOString(),
            lastUpdatedAt: this.#changedAt.toISOString(),
            ttlMs: TTL_MILLISECONDS,
            pollIntervalMs: POLL_MILLISECONDS
        };
    }

    get details() {
        const asked = this.#status === 'input_required' && { inputRequests: this.#questions };
        return { ...this.summary, ...asked, ...this.#outcome };
    }

    /** Waits until every question has an answer. */
    ask(questions) {
        this.#questions = { ...questions };
        this.#become('input_required');
        return new Promise((resolve) => (this.#answered = resolve));
    }

    answer(responses) {
        for (const key of Object.keys(responses)) {
            if (!Object.hasOwn(this.#questions, key)) continue;
            this.#answers[key] = responses[key];
            delete this.#questions[key];
        }
        if (this.#status === 'input_required' && Object.keys(this.#questions).length === 0) {
            this.#become('working');
            this.#answered(this.#answers);
        }
    }

    cancel() {
        this.#settle('cancelled', {});
        this.#cancelled.abort();
    }

    #settle(status, outcome) {
        if (FINAL.includes(this.#status)) return;
        this.#outcome = outcome;
        this.#become(status);
    }

    #become(status) {
        this.#status = status;
        this.#changedAt = new Date();
    }
}

const canFollow = ({ mcpReq: { envelope } }) =>
    EXTENSION in (envelope?.['io.modelcontextprotocol/clientCapabilities']?.extensions ?? {});

const answer = (words) => ({ content: [text(words)] });

const begun = (work) => ({ resultType: 'task', ...new Task(work).summary });

const elicit = (message) => inputRequired.elicit({ message, requestedSchema: CONFIRM });
const CONFIRM = { type: 'object', properties: { confirm: { type: 'boolean' } } };

export function registerTasks(server) {
    const register = (name, description, inputSchema, run) =>
        server.registerTool(name, { description, inputSchema }, run);
    /** Without the extension there is nobody to whom the task could be given. */
    const registerJob = (name, description, inputSchema, run) =>
        register(name, description, inputSchema, (values, context) => {
            if (!canFollow(context)) throw new MissingRequiredClientCapabilityError(NEEDED);
            return run(values, context);
        });

    register('greet', 'Greets', jsonSchema(texts({ name: 'Whom' })), ({ name }) =>
        answer(`Hello, ${name}!`)
    );
    register('slow_compute', 'Takes its time', jsonSchema(COMPUTE), (values, context) => {
        const work = async ({ signal } = {}) => {
            await sleep(values.seconds * 1000, undefined, { signal, ref: false });
            return answer(`computed ${values.label ?? 'it'}`);
        };
        return canFollow(context) ? begun(work) : work();
    });
    registerJob('failing_job', 'Fails as a tool', noArguments, () =>
        begun(async () => {
            await sleep(JOB_MILLISECONDS);
            return { ...answer('the job has failed'), isError: true };
        })
    );
    registerJob('protocol_error_job', 'Fails as a server', noArguments, () =>
        begun(async () => {
            await sleep(JOB_MILLISECONDS);
            throw new Error('the job has broken down');
        })
    );
    registerJob(
        'confirm_delete',
        'Asks before it deletes',
        jsonSchema(texts({ filename: 'What to delete' })),
        ({ filename }) =>
            begun(async (task) => {
                const { sure } = await task.ask({ sure: elicit(`Delete ${filename}?`) });
                return answer(sure.action === 'accept' ? `deleted ${filename}` : 'kept');
            })
    );
    registerJob('multi_input', 'Asks two things at once', noArguments, () =>
        begun(async (task) => {
            const answers = await task.ask({ first: elicit('First?'), second: elicit('Second?') });
            return answer(`answered: ${Object.keys(answers).join(', ')}`);
        })
    );
    registerJob('test_tool_with_task', 'Asks, then works', noArguments, (_values, context) => {
        const view = inputResponse(context.mcpReq.inputResponses, 'user_name');
        if (view.kind === 'elicit')
            return begun(async () => answer(`Hello, ${view.content?.name}!`));
        const requestedSchema = texts({ name: 'A name' });
        const user_name = inputRequired.elicit({ message: 'What is your name?', requestedSchema });
        return inputRequired({ inputRequests: { user_name } });
    });

    const handle = (method, act) =>
        server.server.setRequestHandler(method, { params: jsonSchema(ANY) }, (params, context) => {
            if (!canFollow(context)) throw new MissingRequiredClientCapabilityError(NEEDED);
            const task = tasks.get(params.taskId);
            if (!task) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Unknown task');
            return act(task, context.mcpReq) ?? {};
        });
    handle('tasks/get', (task) => task.details);
    handle('tasks/update', (task, { inputResponses }) => task.answer(inputResponses ?? {}));
    handle('tasks/cancel', (task) => task.cancel());
}

const ANY = { type: 'object' };
const COMPUTE = {
    type: 'object',
    properties: { seconds: { type: 'number' }, label: { type: 'string' } },
    required: ['seconds']
};
