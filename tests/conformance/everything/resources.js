// Resources: a text, a picture, a template, and one to subscribe to.

import { ResourceTemplate } from '@modelcontextprotocol/server';
import { PNG } from './media.js';

export function registerResources(server) {
    const register = (name, uri, mimeType, content) =>
        server.registerResource(name, uri, { description: `A ${name}`, mimeType }, () => ({
            contents: [{ uri, mimeType, ...content }]
        }));

    register('static text', 'test://static-text', 'text/plain', {
        text: 'This is the content of the static text resource.'
    });
    register('static binary', 'test://static-binary', 'image/png', { blob: PNG });
    register('watched resource', 'test://watched-resource', 'text/plain', { text: 'Watch me.' });

    server.registerResource(
        'template',
        new ResourceTemplate('test://template/{id}/data', { list: undefined }),
        { description: 'Data for an id', mimeType: 'application/json' },
        (uri, { id }) => ({
            contents: [
                {
                    uri: uri.href,
                    mimeType: 'application/json',
                    text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` })
                }
            ]
        })
    );
}
