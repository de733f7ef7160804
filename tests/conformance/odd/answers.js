// Odd answers of a server to a call, by the name of the tool, and what the client must get.

import { gzipSync } from 'node:zlib';
import { failed, oneOf, passed } from './outcomes.js';

const TEXT = 'ok ☃ 😀';
const STAYS_OPEN_MILLISECONDS = 10_000;
const LONG_BYTES = 20 * 1024 * 1024;

const response = (id, text = TEXT) => ({
    jsonrpc: '2.0',
    id,
    result: { content: [{ type: 'text', text }] }
});
const written = (id) => JSON.stringify(response(id));
const event = (data, eol = '\n') => `event: message${eol}data: ${data}${eol}${eol}`;

/** Puts a byte into the text that no UTF-8 has. */
export function notUtf8(text, mark = 'ok') {
    const [before, after] = text.split(mark);
    return Buffer.concat([Buffer.from(before), Buffer.from([0xff]), Buffer.from(after)]);
}

/** A whole body at once. */
const body =
    (make, headers = { 'content-type': 'application/json' }, status = 200) =>
    (answer, id) =>
        answer.writeHead(status, headers).end(make(id));
const json = (make) => body(make);
const stream = (make, headers = {}) =>
    body(make, { 'content-type': 'text/event-stream', ...headers });
/** A stream of which the parts are sent one by one. */
const parts = (make, end) => async (answer, id) => {
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const part of make(id)) {
        answer.write(part);
        await new Promise(setImmediate);
    }
    end(answer);
};
const typed = (type) => body(written, { 'content-type': type });

const SLOW_MILLISECONDS = 1000;
/** Answers as it should, but late. */
const slowly = (answer, id) => setTimeout(() => json(written)(answer, id), SLOW_MILLISECONDS);

const odd = (description, send, outcome) => ({ description, send, outcome });
const refusedOrDecoded = oneOf(passed, failed);

export const ANSWERS = {
    'json-plain': odd('JSON, as it should be', json(written), passed),
    'json-slow': odd('JSON, a second later', slowly, passed),
    'json-charset': odd(
        'JSON with `charset=utf-8`',
        typed('application/json; charset=utf-8'),
        passed
    ),
    'json-upper-type': odd('`Application/JSON`', typed('Application/JSON'), passed),
    'json-gzip': odd(
        'JSON in gzip, which nobody asked for',
        body((id) => gzipSync(written(id)), {
            'content-type': 'application/json',
            'content-encoding': 'gzip'
        }),
        refusedOrDecoded
    ),
    'json-bom': odd(
        'JSON after a byte order mark',
        json((id) => `\ufeff${written(id)}`),
        passed
    ),
    'json-no-type': odd('JSON without `Content-Type`', body(written, {}), failed),
    'json-as-html': odd('JSON labelled as HTML', typed('text/html'), failed),
    'json-as-stream': odd('JSON labelled as a stream', typed('text/event-stream'), failed),
    'json-array': odd(
        'a list of one response',
        json((id) => `[${written(id)}]`),
        failed
    ),
    'json-other-id': odd(
        'a response to another request',
        json(() => written(987_654)),
        failed
    ),
    'json-id-as-string': odd(
        'the id of the request as a string',
        json((id) => written(String(id))),
        failed
    ),
    'json-duplicate-name': odd(
        '`result` twice',
        json((id) => written(id).replace('"result"', '"result":{"content":[]},"result"')),
        failed
    ),
    'json-result-and-error': odd(
        '`result` and `error`',
        json((id) => JSON.stringify({ ...response(id), error: { code: 1, message: 'boom' } })),
        failed
    ),
    'json-invalid-utf8': odd(
        'a byte that is not UTF-8',
        json((id) => notUtf8(written(id))),
        failed
    ),
    'json-lone-surrogate': odd(
        'half of a surrogate pair',
        json((id) => written(id).replace('ok', '\\ud800')),
        failed
    ),
    'json-nesting': odd(
        '20,000 lists in each other',
        json((id) =>
            written(id).replace(
                '"content":',
                `"x":${'['.repeat(20_000)}${']'.repeat(20_000)},"content":`
            )
        ),
        failed
    ),
    'json-too-long': odd(
        'more than a message may have',
        json((id) => JSON.stringify(response(id, 'x'.repeat(LONG_BYTES)))),
        failed
    ),
    'sse-lf': odd(
        'an event, as it should be',
        stream((id) => event(written(id))),
        passed
    ),
    'sse-crlf': odd(
        'CRLF',
        stream((id) => event(written(id), '\r\n')),
        passed
    ),
    'sse-cr': odd(
        'CR',
        stream((id) => event(written(id), '\r')),
        passed
    ),
    'sse-no-name': odd(
        'no `event`',
        stream((id) => `data: ${written(id)}\n\n`),
        passed
    ),
    'sse-no-blank': odd(
        'no blank after the colons',
        stream((id) => `event:message\ndata:${written(id)}\n\n`),
        passed
    ),
    'sse-other-name': odd(
        'an event of another name, then the end',
        stream((id) => `event: response\ndata: ${written(id)}\n\n`),
        failed
    ),
    'sse-many-lines': odd(
        'one response in many `data` lines',
        stream((id) => {
            const lines = JSON.stringify(response(id), undefined, 1).split('\n');
            return `event: message\n${lines.map((line) => `data: ${line}\n`).join('')}\n`;
        }),
        passed
    ),
    'sse-bom': odd(
        'a byte order mark',
        stream((id) => `\ufeff${event(written(id))}`),
        passed
    ),
    'sse-comments': odd(
        'comments between and within events',
        stream((id) => `: hello\n\n:\nevent: message\n: within\ndata: ${written(id)}\n\n`),
        passed
    ),
    'sse-ids': odd(
        'an empty event with an id and `retry` first',
        stream((id) => `id: e1\nretry: 5000\ndata: \n\nid: e2\n${event(written(id))}`),
        passed
    ),
    'sse-unknown-field': odd(
        'a field that nobody knows',
        stream((id) => `foo: bar\n${event(written(id))}`),
        passed
    ),
    'sse-charset': odd(
        'a stream with `charset=utf-8`',
        stream((id) => event(written(id)), { 'content-type': 'text/event-stream; charset=utf-8' }),
        passed
    ),
    'sse-gzip': odd(
        'a stream in gzip, which nobody asked for',
        stream((id) => gzipSync(event(written(id))), { 'content-encoding': 'gzip' }),
        refusedOrDecoded
    ),
    'sse-bytes': odd(
        'one byte at a time',
        parts(
            (id) => [...Buffer.from(event(written(id), '\r\n'))].map((byte) => Buffer.from([byte])),
            (answer) => answer.end()
        ),
        passed
    ),
    'sse-no-last-line': odd(
        'no blank line at the end',
        stream((id) => `event: message\ndata: ${written(id)}\n`),
        failed
    ),
    'sse-invalid-utf8': odd(
        'an event that is not UTF-8',
        stream((id) => notUtf8(event(written(id)))),
        failed
    ),
    'sse-bad-then-good': odd(
        'an event that is no JSON, then the response',
        stream((id) => `${event('{oops')}${event(written(id))}`),
        failed
    ),
    'sse-unknown-id-first': odd(
        'a response that nobody waits for, then the response',
        stream((id) => event(written(987_654)) + event(written(id))),
        passed
    ),
    'sse-twice': odd(
        'the response, then another one',
        stream((id) => event(written(id)) + event(JSON.stringify(response(id, 'SECOND')))),
        passed
    ),
    'sse-notification-after': odd(
        'the response, then a notification',
        stream((id) => {
            const params = { level: 'info', data: 'late' };
            const late = { jsonrpc: '2.0', method: 'notifications/message', params };
            return event(written(id)) + event(JSON.stringify(late));
        }),
        passed
    ),
    'sse-array': odd(
        'a list in an event',
        stream((id) => event(`[${written(id)}]`)),
        failed
    ),
    'sse-stays-open': odd(
        'the response, then nothing for a long time',
        parts(
            (id) => [event(written(id))],
            (answer) => setTimeout(() => answer.end(), STAYS_OPEN_MILLISECONDS).unref()
        ),
        passed
    ),
    'sse-endless-line': odd(
        'a line without an end',
        parts(
            () => Array.from({ length: 20 }, () => `data: ${'x'.repeat(LONG_BYTES / 20)}`),
            (answer) => answer.end()
        ),
        failed
    ),
    'sse-empty': odd(
        'a stream that ends without a response',
        stream(() => ': nothing\n\n'),
        failed
    ),
    'sse-cut': odd(
        'a connection that breaks within an event',
        parts(
            (id) => [event(written(id)).slice(0, 40)],
            (answer) => answer.destroy()
        ),
        failed
    ),
    'http-500': odd(
        'HTTP 500 with a text',
        body(() => 'boom', { 'content-type': 'text/plain' }, 500),
        failed
    ),
    'http-400-html': odd(
        'HTTP 400 with a page',
        body(() => '<html>boom</html>', { 'content-type': 'text/html' }, 400),
        failed
    ),
    'http-302': odd(
        'HTTP 302 to another host',
        body(() => '', { location: 'http://127.0.0.2:9/mcp' }, 302),
        failed
    ),
    'http-202': odd(
        'HTTP 202 for a request',
        body(() => '', {}, 202),
        failed
    ),
    'http-204': odd(
        'HTTP 204 for a request',
        body(() => '', {}, 204),
        failed
    )
};
