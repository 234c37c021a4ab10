// What the tests share: an honest small server that can be told its verdicts, the app in this process, and the
// adapter as a process. Nothing here sleeps: one waits for what has been recorded.

import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { Server } from 'socket.io';

import { WebSocketClient, id, system } from '../digitwin/index.mjs';
import { Session } from '../session.mjs';

const LIMIT_MS = 10000;

/** A growing list one can wait on: `until(fits)` yields the first entry that fits, past or future. */
export class Records extends EventEmitter {
  all = [];

  add(entry) {
    this.all.push(entry);
    this.emit('entry');
  }

  async until(fits, what = fits) {
    const signal = AbortSignal.timeout(LIMIT_MS);
    for (;;) {
      const found = this.all.find(fits);
      if (found !== undefined) return found;
      await once(this, 'entry', { signal }).catch(() => {
        throw new Error(`waited in vain for ${what}; there is\n${JSON.stringify(this.all, null, 1)}`);
      });
    }
  }
}

export const accept = (socket, token) => {
  const isGuest = token.startsWith('guest_');
  socket.emit('session_created', { sessionId: 'sess_1', userId: token, isGuest, timestamp: Date.now() });
};

export const refuse = (code, message = code) => (socket) => {
  socket.emit('auth_error', { code, message, timestamp: Date.now() });
  socket.disconnect();
};

export const silent = () => {};

/**
 * Verdict n judges attempt n, the last all that follow. `rest` maps a path to an answer `[status, body]`.
 * `attempts` records for each attempt its token, moment, socket, and how many connections were open with it.
 */
export async function startServer(t, { verdicts = [accept], rest = {}, pingInterval = 25000 } = {}) {
  const attempts = new Records();
  const requests = new Records();
  const http = createServer((request, response) => {
    requests.add(`${request.method} ${request.url}`);
    const [status, body] = rest[request.url] ?? [404, ''];
    response.writeHead(status).end(body);
  });
  const server = new Server(http, { pingInterval, pingTimeout: 60000 });
  server.on('connection', (socket) => {
    const { token } = socket.handshake.auth;
    const attempt = { token, at: performance.now(), socket, overlap: server.engine.clientsCount };
    attempts.add(attempt);
    const verdict = verdicts[Math.min(attempts.all.length, verdicts.length) - 1];
    verdict(socket, token);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${http.address().port}`, attempts, requests, server };
}

/** The app in this process, as the adapter would hold it; what it reports ends up in `seen`. */
export function openApp(t, server, { token = 'header.payload.signature', options = {}, Client = WebSocketClient } = {}) {
  const seen = new Records();
  const notify = (method, params) => seen.add({ method, ...params });
  const given = { url: server.url, api: server.url, token, options };
  const session = new Session('s1', system(Client), given, notify);
  t.after(() => session.close());
  return {
    seen,
    session,
    act: (action, args = {}) => session.act(action, args),
    states: () => seen.all.filter(({ method }) => method === 'state').map(({ to }) => to),
    state: (name, nth = 1) => {
      const isIt = ({ method, to }) => method === 'state' && to === name;
      return seen.until((entry) => isIt(entry) && seen.all.filter(isIt).indexOf(entry) === nth - 1, `${name} #${nth}`);
    },
    logged: (text) => seen.until(({ method, message }) => method === 'log' && message === text, text),
    logs: (text) => seen.all.filter(({ method, message }) => method === 'log' && message === text),
    tokens: (op) => seen.all.filter((entry) => entry.method === 'token' && entry.op === op),
  };
}

/** The adapter as Sparring starts it. */
export function startAdapter(t, args = []) {
  const child = spawn(process.execPath, ['adapter.mjs', ...args], { cwd: new URL('..', import.meta.url) });
  const lines = new Records();
  const errors = new Records();
  createInterface({ input: child.stdout }).on('line', (line) => lines.add(JSON.parse(line)));
  createInterface({ input: child.stderr }).on('line', (line) => errors.add(line));
  t.after(() => child.kill());
  let last = 0;
  return {
    lines,
    errors,
    write: (text) => child.stdin.write(`${text}\n`),
    ask(method, params) {
      const request = { jsonrpc: '2.0', id: ++last, method, params };
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return lines.until(({ id: answered }) => answered === request.id, `the answer to ${method}`);
    },
    open: (server, session = 's1') => ({
      session,
      system: id,
      url: server?.url ?? 'http://127.0.0.1:9',
      api: server?.url ?? 'http://127.0.0.1:9',
      token: null,
      options: {},
    }),
    async end() {
      child.stdin.end();
      const [code] = await once(child, 'close');
      return code;
    },
  };
}
