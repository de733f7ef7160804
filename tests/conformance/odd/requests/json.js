// JSON and the envelope.

import { gzipSync } from 'node:zlib';
import { notUtf8 } from '../answers.js';
import { call, callText } from '../messages.js';
import { dropped, error, forwarded, malformed, oneOf, refused } from '../outcomes.js';

const text = (name, body, outcome = malformed, more = {}) => ({ name, body, outcome, ...more });
/** The id of what cannot be read is not known. */
const unreadable = { id: undefined };
const values = (name, spelling, outcome = malformed) =>
    text(
        name,
        callText({ values: `{"a":${spelling}}` }),
        outcome,
        outcome === malformed ? unreadable : {}
    );
const PLAIN = callText({});
const TOO_LONG = callText({ values: `{"a":"${'x'.repeat(17 * 1024 * 1024)}"}` });

export const JSON_REQUESTS = [
    text('as it should be', PLAIN, forwarded()),
    text(
        '`method` twice: a list, then a call',
        '{"jsonrpc":"2.0","id":7,"method":"tools/list","method":"tools/call","params":{"name":"plain","arguments":{}}}',
        malformed,
        unreadable
    ),
    text(
        '`params.name` twice',
        PLAIN.replace('"name"', '"name":"other","name"'),
        malformed,
        unreadable
    ),
    text(
        '`name` twice, once in escapes',
        PLAIN.replace('"name"', '"\\u006eame":"other","name"'),
        malformed,
        unreadable
    ),
    text('an argument twice', callText({ values: '{"a":1,"a":2}' }), malformed, unreadable),
    text('`name` in escapes', PLAIN.replace('"name"', '"\\u006eame"'), forwarded()),
    text('`Method`', PLAIN.replace('"method"', '"Method"')),
    text('`Params`', PLAIN.replace('"params"', '"Params"')),
    text('`params.Name`', PLAIN.replace('"name"', '"Name"')),
    text('`paramſ`, with a long s', PLAIN.replace('"params"', '"param\u017f"')),
    text('`params.name` and `params.Name`', PLAIN.replace('"name"', '"Name":"other","name"')),
    text('`name` with a NUL behind it', PLAIN.replace('"name"', '"name\\u0000":"other","name"')),
    text(
        'a byte that is not UTF-8',
        notUtf8(callText({ values: '{"a":"ok"}' })),
        malformed,
        unreadable
    ),
    text('a byte order mark', `\ufeff${PLAIN}`, malformed, unreadable),
    text('UTF-16', Buffer.from(PLAIN, 'utf16le'), malformed, unreadable),
    text('half of a surrogate pair as id', callText({ id: '"\\ud800"' }), malformed, unreadable),
    text(
        'half of a surrogate pair in the name',
        callText({ name: '"\\ud800"' }),
        malformed,
        unreadable
    ),
    values('half of a surrogate pair in an argument', '"\\ud800"'),
    text('NUL in the id', callText({ id: '"a\\u0000b"' }), malformed, unreadable),
    text(
        'NUL in the name of a tool',
        callText({ name: '"pl\\u0000ain"' }),
        oneOf(malformed, error(-32602))
    ),
    text('a line feed in the name of a method', callText({ method: '"tools/call\\n"' })),
    values(
        'control characters in an argument',
        '"a\\u0000\\u001b[31m"',
        forwarded('a\\u0000\\u001b[31m')
    ),
    values('200 lists in each other', `${'['.repeat(200)}1${']'.repeat(200)}`),
    values('20,000 lists in each other', `${'['.repeat(20_000)}1${']'.repeat(20_000)}`),
    text(
        'two million numbers',
        callText({ values: `{"a":[${'0,'.repeat(2_000_000)}0]}` }),
        oneOf(malformed, refused(413)),
        unreadable
    ),
    text('17 MiB', TOO_LONG, refused(413), { isTooLong: true }),
    text('17 MiB without a length', TOO_LONG, refused(413), {
        isTooLong: true,
        headers: { 'transfer-encoding': 'chunked', 'content-length': null }
    }),
    values('`1e400`', '1e400'),
    values('`-0`', '-0', forwarded(':-0}')),
    values('`1.0`', '1.0', forwarded(':1.0}')),
    values('a number of 40 digits', '1'.repeat(40), forwarded(`:${'1'.repeat(40)}}`)),
    values('`NaN`', 'NaN'),
    values('`Infinity`', 'Infinity'),
    values('a leading zero', '01'),
    text('a comment', `/* hello */${PLAIN}`, malformed, unreadable),
    text('a comma too many', callText({ values: '{"a":1,}' }), malformed, unreadable),
    text('single quotes', PLAIN.replaceAll('"', "'"), malformed, unreadable),
    text('something behind the message', `${PLAIN} {}`, malformed, unreadable),
    text('two messages in two lines', `${PLAIN}\n${PLAIN}`, malformed, unreadable),
    text('half a message', PLAIN.slice(0, 40), malformed, unreadable),
    text('nothing', '', malformed, unreadable),
    text('a number', '42', malformed, unreadable),
    text('a string', '"tools/call"', malformed, unreadable),
    text('`null`', 'null', malformed, unreadable),
    text('a batch', `[${PLAIN}]`, malformed, unreadable),
    text('an empty batch', '[]', malformed, unreadable),
    text('no `jsonrpc`', { ...call(), jsonrpc: undefined }),
    text('`jsonrpc` 1.0', { ...call(), jsonrpc: '1.0' }),
    text('`jsonrpc` as a number', { ...call(), jsonrpc: 2.0 }),
    text('a request with `result`', { ...call(), result: {} }),
    text('a request with `error`', { ...call(), error: { code: 1, message: 'x' } }),
    text('a response with `result` and `error`', {
        jsonrpc: '2.0',
        id: 7,
        result: {},
        error: { code: 1, message: 'x' }
    }),
    text('a member more', { ...call(), x: 1 }),
    text('`params` a list', { ...call(), params: [] }),
    text('`params` null', { ...call(), params: null }),
    text('`params` a string', { ...call(), params: 'plain' }),
    text(
        '`arguments` null',
        callText({ values: 'null' }),
        oneOf(malformed, error(-32602), forwarded('"arguments":{}'))
    ),
    text('`arguments` a string', callText({ values: '"{}"' }), error(-32602)),
    text('`arguments` a list', callText({ values: '[]' }), error(-32602)),
    text('`_meta` a string', call({}, { _meta: 'x' }), error(-32602)),
    text(
        'a progress token that is a list',
        call({}, { _meta: { progressToken: [] } }),
        error(-32602)
    ),
    values('`__proto__` in an argument', '{"__proto__":{"x":1}}', forwarded('"__proto__"')),
    text('a tool called `__proto__`', callText({ name: '"__proto__"' }), error(-32602)),
    text('a tool called `constructor`', callText({ name: '"constructor"' }), error(-32602)),
    text('a body in gzip', gzipSync(PLAIN), refused(415), {
        headers: { 'content-encoding': 'gzip' }
    }),
    text('a response to nobody', { jsonrpc: '2.0', id: 424_242, result: {} }, dropped),
    text(
        'an error to nobody',
        { jsonrpc: '2.0', id: 'x', error: { code: 1, message: 'x' } },
        dropped
    )
];
