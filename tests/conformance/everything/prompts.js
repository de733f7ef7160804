// Prompts: plain, with arguments, with a resource, with a picture, and one that asks back.

import { inputRequired, inputResponse } from '@modelcontextprotocol/server';
import { embedded, image, text } from './media.js';
import { jsonSchema, texts } from './schemas.js';

const user = (...contents) => ({
    messages: contents.map((content) => ({ role: 'user', content }))
});

export function registerPrompts(server) {
    server.registerPrompt('test_simple_prompt', { description: 'Has no arguments' }, () =>
        user(text('This is a simple prompt for testing.'))
    );
    server.registerPrompt(
        'test_prompt_with_arguments',
        {
            description: 'Has two arguments',
            argsSchema: jsonSchema(
                texts({ arg1: 'First test argument', arg2: 'Second test argument' })
            )
        },
        ({ arg1, arg2 }) => user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))
    );
    server.registerPrompt(
        'test_prompt_with_embedded_resource',
        {
            description: 'Has a resource in it',
            argsSchema: jsonSchema(texts({ resourceUri: 'URI of the resource to embed' }))
        },
        ({ resourceUri }) =>
            user(
                embedded(resourceUri, 'text/plain', 'Embedded resource content for testing.'),
                text('Please process the embedded resource above.')
            )
    );
    server.registerPrompt('test_prompt_with_image', { description: 'Has a picture in it' }, () =>
        user(image, text('Please analyze the image above.'))
    );
    server.registerPrompt(
        'test_input_required_result_prompt',
        { description: 'Asks for its context' },
        (context) => {
            const view = inputResponse(context.mcpReq.inputResponses, 'user_context');
            if (view.kind === 'elicit') return user(text(`Context: ${view.content?.context}`));
            const user_context = inputRequired.elicit({
                message: 'What context should the prompt use?',
                requestedSchema: texts({ context: 'The context' })
            });
            return inputRequired({ inputRequests: { user_context } });
        }
    );
}

const CITIES = ['paris', 'park', 'party'];

export function completion({ argument }) {
    const values = CITIES.filter((city) => city.startsWith(argument.value));
    return { completion: { values, total: values.length, hasMore: false } };
}
