// What may become of a request: a text for the table, and a check that says what is wrong.

/** `wrong` gets the answer, the messages that reached the server, and the request's id. */
const outcome = (text, wrong) => ({ text, wrong });

const notForwarded = ({ forwarded }) =>
    forwarded.length > 0 && `it reached the server: ${forwarded[0].slice(0, 100)}`;
const hasStatus =
    (statuses) =>
    ({ answer }) =>
        !statuses.includes(answer.status) && `status ${answer.status}`;
const hasCode =
    (codes) =>
    ({ answer }) =>
        !codes.includes(answer.message?.error?.code) && `error ${answer.message?.error?.code}`;
/** An id that could not be read must not be made up. */
const hasId = ({ answer, id }) =>
    answer.message?.id !== id &&
    `the answer is to ${JSON.stringify(answer.message?.id)}, not to ${JSON.stringify(id)}`;
const all =
    (...checks) =>
    (facts) =>
        checks.map((check) => check(facts)).find(Boolean);

const codes = (list) => (list.length > 0 ? `, error ${list.join(' or ')}` : '');

/** The default for what is no message: HTTP 400 and an error of JSON-RPC. */
export const malformed = outcome(
    'HTTP 400, error -32600 or -32700',
    all(notForwarded, hasStatus([400]), hasCode([-32600, -32700]), hasId)
);
export const refused = (status, ...list) =>
    outcome(
        `HTTP ${status}${codes(list)}`,
        all(notForwarded, hasStatus([status]), list.length > 0 ? hasCode(list) : () => false)
    );
/** An error of JSON-RPC for a request; older revisions give it status 200, some answer 400. */
export const error = (...list) =>
    outcome(
        `error ${list.join(' or ')}`,
        all(notForwarded, hasStatus([200, 400]), hasCode(list), hasId)
    );
export const dropped = outcome('HTTP 202, not forwarded', all(notForwarded, hasStatus([202])));
/** It reaches the server; `spelling` must be in what the server reads. */
export const forwarded = (spelling) =>
    outcome(
        spelling === undefined ? 'forwarded' : 'forwarded as it was written',
        all(
            hasStatus([200]),
            hasId,
            ({ forwarded }) => forwarded.length !== 1 && `${forwarded.length} messages arrived`,
            ({ forwarded }) =>
                spelling !== undefined &&
                !forwarded[0]?.includes(spelling) &&
                `the server read ${String(forwarded[0]).slice(0, 200)}`
        )
    );
/** The gateway answers by itself, with a result. */
export const answered = outcome(
    'HTTP 200 and a result',
    all(hasStatus([200]), hasId, ({ answer }) => !answer.message?.result && 'no result')
);
export const opened = outcome('HTTP 200 and a stream', hasStatus([200]));
export const oneOf = (...outcomes) =>
    outcome(outcomes.map(({ text }) => text).join('; or '), (facts) => {
        const reasons = outcomes.map(({ wrong }) => wrong(facts));
        return reasons.every(Boolean) && reasons.join('; and ');
    });

/** The waiting client gets a result: the one with this text. */
export const passed = outcome(
    'the result',
    all(
        hasStatus([200]),
        hasId,
        ({ answer }) =>
            !JSON.stringify(answer.message?.result ?? '').includes('ok ☃') &&
            `no such result: ${answer.text.slice(0, 200)}`,
        ({ answer }) => answer.milliseconds > 3000 && `only after ${answer.milliseconds} ms`
    )
);
/** The waiting client gets an error at once, which repeats nothing that the server said. */
export const failed = outcome(
    'an error',
    all(
        hasId,
        ({ answer }) =>
            !answer.message?.error && `status ${answer.status}, ${answer.text.slice(0, 200)}`,
        ({ answer }) => /ok ☃|boom|<html/.test(answer.text) && 'the error repeats the server',
        ({ answer }) => answer.milliseconds > 3000 && `only after ${answer.milliseconds} ms`
    )
);
