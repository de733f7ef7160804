// One HTTP exchange, with every byte of the request in our hands.

import { request as open } from 'node:http';
import { connect } from 'node:net';

const ANSWER_MILLISECONDS_MAX = 5000;
const EVENT = /^data: ?(.*)$/gm;

/**
 * Sends a request and waits for its answer: the first response on it, or its end.
 * `headers` is a list of pairs, since some come twice.
 */
export function exchange(origin, { method, path, headers, body }) {
    const { hostname, port } = new URL(origin);
    return new Promise((resolve) => {
        const started = performance.now();
        const end = (status, text, answer = {}) => {
            clearTimeout(late);
            request.destroy();
            const milliseconds = performance.now() - started;
            resolve({ status, text, message: messageOf(text), headers: answer, milliseconds });
        };
        const request = open({
            hostname,
            port,
            method,
            path,
            headers: headers.flat(),
            setHost: false,
            agent: false
        });
        const late = setTimeout(() => end(0, 'no answer in time'), ANSWER_MILLISECONDS_MAX);
        request.on('error', (error) => end(0, String(error.code ?? error.message)));
        request.on('response', (response) => {
            const { statusCode, headers: answer } = response;
            const isStream = /event-stream/.test(answer['content-type'] ?? '');
            // A stream without a request stays open: that it was opened is its answer.
            if (isStream && method === 'GET') return end(statusCode, '', answer);
            let text = '';
            response.setEncoding('utf8');
            response.on('data', (part) => {
                text += part;
                if (isStream && messageOf(text)) end(statusCode, text, answer);
            });
            response.on('end', () => end(statusCode, text, answer));
            response.on('error', (error) => end(statusCode, `${text}<${error.code}>`, answer));
        });
        request.end(body);
    });
}

/** Sends bytes that no HTTP library would; gives the status alone, or 0 if there was none. */
export function exchangeBytes(origin, bytes) {
    const { hostname, port } = new URL(origin);
    return new Promise((resolve) => {
        let text = '';
        const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(bytes));
        const end = () => {
            socket.destroy();
            const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0);
            const body = text.split('\r\n\r\n').slice(1).join('\r\n\r\n');
            resolve({ status, text: body, message: messageOf(body), headers: {}, milliseconds: 0 });
        };
        socket.setTimeout(ANSWER_MILLISECONDS_MAX, end);
        socket.on('data', (part) => {
            text += part.toString('latin1');
            if (text.includes('\r\n\r\n')) setTimeout(end, 50);
        });
        socket.on('close', end);
        socket.on('error', end);
    });
}

/** The first response in a body, which is JSON or a stream of events. */
function messageOf(text) {
    const events = [...text.matchAll(EVENT)].map(([, data]) => data);
    for (const candidate of [text, ...events]) {
        try {
            const message = JSON.parse(candidate);
            if (message && ('result' in message || 'error' in message)) return message;
        } catch {
            // It is not whole yet, or no JSON at all.
        }
    }
    return undefined;
}
