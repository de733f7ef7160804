// The events of one session, so that a client can go on where its stream was closed.

export class Events {
    #events = [];

    async storeEvent(stream, message) {
        this.#events.push({ stream, message });
        return String(this.#events.length);
    }

    async getStreamIdForEventId(id) {
        return this.#events[Number(id) - 1]?.stream;
    }

    async replayEventsAfter(last, { send }) {
        const stream = await this.getStreamIdForEventId(last);
        for (let index = Number(last); index < this.#events.length; index += 1) {
            const event = this.#events[index];
            // An empty message only gave the stream its first id.
            if (event.stream === stream && 'jsonrpc' in event.message) {
                await send(String(index + 1), event.message);
            }
        }
        return stream;
    }
}
