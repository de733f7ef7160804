// The smallest picture and the smallest sound that are what they say.

// One red pixel.
export const PNG =
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

// Eight samples of silence, one channel, 8 kHz.
export const WAV = 'UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQgAAACAgICAgICAgA==';

export const image = { type: 'image', data: PNG, mimeType: 'image/png' };
export const audio = { type: 'audio', data: WAV, mimeType: 'audio/wav' };
export const text = (text) => ({ type: 'text', text });
export const embedded = (uri, mimeType, text) => ({
    type: 'resource',
    resource: { uri, mimeType, text }
});
