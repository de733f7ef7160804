// JSON Schemas for arguments, and those that a person is asked to fill in.

import { fromJsonSchema } from '@modelcontextprotocol/server';

export const jsonSchema = (schema) => fromJsonSchema(schema);
export const noArguments = jsonSchema({ type: 'object', properties: {} });

export const texts = (descriptions) => ({
    type: 'object',
    properties: Object.fromEntries(
        Object.entries(descriptions).map(([name, description]) => [
            name,
            { type: 'string', description }
        ])
    ),
    required: Object.keys(descriptions)
});

export const DEFAULTS = {
    type: 'object',
    properties: {
        name: { type: 'string', default: 'John Doe' },
        age: { type: 'integer', default: 30 },
        score: { type: 'number', default: 95.5 },
        status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
        verified: { type: 'boolean', default: true }
    }
};

const OPTIONS = ['option1', 'option2', 'option3'];
const titled = (noun) =>
    ['First', 'Second', 'Third'].map((ordinal, index) => ({
        const: `value${index + 1}`,
        title: `${ordinal} ${noun}`
    }));

export const CHOICES = {
    type: 'object',
    properties: {
        untitledSingle: { type: 'string', enum: OPTIONS },
        titledSingle: { type: 'string', oneOf: titled('Option') },
        legacyEnum: {
            type: 'string',
            enum: ['opt1', 'opt2', 'opt3'],
            enumNames: ['Option One', 'Option Two', 'Option Three']
        },
        untitledMulti: { type: 'array', items: { type: 'string', enum: OPTIONS } },
        titledMulti: { type: 'array', items: { anyOf: titled('Choice') } }
    }
};

export const CONFIRMATION = {
    type: 'object',
    properties: { ok: { type: 'boolean' } },
    required: ['ok']
};
