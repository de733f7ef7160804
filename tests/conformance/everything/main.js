// main.js http [PORT]   both eras at http://127.0.0.1:PORT/mcp; prints the port once it listens
// main.js stdio         both eras over standard streams

import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { listen } from './http.js';
import { everything } from './server.js';

const [transport, port] = process.argv.slice(2);
if (transport === 'http') {
    listen(Number(port ?? 0));
} else if (transport === 'stdio') {
    serveStdio(({ era }) => everything(era));
} else {
    console.error('usage: main.js http [PORT] | stdio');
    process.exit(2);
}
