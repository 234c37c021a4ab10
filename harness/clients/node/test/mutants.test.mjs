// Every mutant must really misbehave, and in the way its comment says. Whether Sparring notices is tested elsewhere.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { WebSocketClient } from '../digitwin/index.mjs';
import { accept, openApp, refuse, silent, startServer } from './support.mjs';

const FOLDER = new URL('../../../../tests/mutants/', import.meta.url);
const rejected = Array(11).fill(refuse('AUTH_INVALID'));

/** Runs mutant `name`; `check` gets the app, connected to a server with these verdicts, and the server. */
function mutant(name, { verdicts, rest, options }, check) {
  test(name, async (t) => {
    const { default: override } = await import(new URL(`${name}.mjs`, FOLDER));
    const server = await startServer(t, { verdicts, rest });
    const app = openApp(t, server, { options, Client: override(WebSocketClient) });
    await app.act('connect');
    await check(app, server);
  });
}

const until = (list, count) => list.until(() => list.all.length >= count, `${count} of them`);

mutant('no-session-timeout', { verdicts: [silent], options: { sessionTimeout: 1 } }, async (app) => {
  await app.state('authenticating');
  assert.deepEqual(await app.session.close(), { sockets: 0, timers: 0 }); // no timer ran that could end it
  assert.deepEqual(app.states().slice(1), ['authenticating', 'disconnected']);
});

const dropped = (socket) => socket.disconnect();
mutant('constant-backoff', { verdicts: [dropped], options: { backoffBase: 20 } }, async (app, server) => {
  await until(server.attempts, 5);
  const delays = app.logs('Scheduling reconnection').map(({ fields }) => fields.delay);
  assert.deepEqual(new Set(delays), new Set([20]));
});

mutant('no-guard', { verdicts: [...rejected, accept], options: { guestDelay: 1 } }, async (app) => {
  await app.state('connected'); // on attempt 12
});

const failing = { '/auth/refresh': [500, ''] };
mutant('refresh-loop', { verdicts: [refuse('AUTH_EXPIRED')], rest: failing }, async (app, server) => {
  await until(server.requests, 3);
  assert.equal(app.states().at(-1), 'error');
});

const refuseThen = { verdicts: [refuse('AUTH_INVALID'), accept], options: { guestDelay: 20, backoffBase: 20 } };
for (const name of ['ignores-auth-error', 'keeps-invalid-token']) {
  mutant(name, refuseThen, async (app, { attempts }) => {
    await app.state('connected');
    assert.equal(attempts.all[1].token, attempts.all[0].token);
    assert.equal(app.logs('Authentication error').length, name === 'keeps-invalid-token' ? 1 : 0);
  });
}

mutant('upper-case-guest-uuid', refuseThen, async (app, { attempts }) => {
  await app.state('connected');
  assert.match(attempts.all[1].token, /^guest_[0-9A-F-]{36}_\d{13}$/);
});

const silentThen = { verdicts: [silent, accept], options: { sessionTimeout: 50, backoffBase: 20 } };
mutant('two-sockets-at-once', silentThen, async (app, { attempts }) => {
  await app.state('connected');
  assert.equal(attempts.all[1].overlap, 2);
  assert.equal((await app.session.close()).sockets, 1);
});

mutant('state-reported-twice', refuseThen, async (app) => {
  await app.state('connected');
  assert.deepEqual(app.states().slice(2, 4), ['error', 'error']);
});

const afterRefusal = (socket, token) => {
  socket.emit('auth_error', { code: 'AUTH_INVALID', message: '', timestamp: 0 });
  accept(socket, token);
};
mutant('late-session-created-accepted', { verdicts: [afterRefusal] }, async (app) => {
  await app.state('connected');
  assert.ok(app.states().includes('error'));
});
