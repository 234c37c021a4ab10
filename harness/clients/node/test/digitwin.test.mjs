// The documented DigiTwin client against an honest server, with the document's waits shortened where they are long.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';

import { accept, openApp, refuse, silent, startServer } from './support.mjs';

const GUEST = /^guest_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}_\d{13}$/;
const JWT = 'header.payload.signature';
const refreshed = { '/auth/refresh': [200, '{"token":"new.payload.signature"}'] };

const upgraded = ({ conn }) => conn.transport.name === 'websocket' || once(conn, 'upgrade');

test('connects by polling, upgrades, and reports its session once', async (t) => {
  const server = await startServer(t);
  const app = openApp(t, server);
  assert.deepEqual(app.states(), []);
  await app.act('connect');
  assert.deepEqual(app.states(), ['connecting']);
  await app.state('connected');
  const { socket, token } = server.attempts.all[0];
  await upgraded(socket);
  assert.equal(token, JWT);
  assert.equal(socket.handshake.query.transport, 'polling');
  assert.deepEqual(app.states(), ['connecting', 'authenticating', 'connected']);
  const { data } = await app.seen.until(({ name }) => name === 'sessionCreated', 'sessionCreated');
  assert.deepEqual(Object.keys(data), ['sessionId', 'userId', 'isGuest', 'timestamp']);
  assert.deepEqual(await app.session.close(), { sockets: 0, timers: 0 });
});

for (const [what, onUpgrade] of [
  ['refused', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n')],
  ['never answered', (_, socket) => socket.resume().on('end', () => socket.destroy())],
]) {
  test(`an upgrade that is ${what} leaves the session on polling`, async (t) => {
    const server = await startServer(t, { pingInterval: 50 });
    server.server.httpServer.removeAllListeners('upgrade').on('upgrade', onUpgrade);
    const app = openApp(t, server);
    await app.act('connect');
    await app.state('connected');
    const { conn } = server.attempts.all[0].socket;
    await once(conn, 'heartbeat');
    assert.equal(conn.transport.name, 'polling');
    assert.deepEqual(app.states(), ['connecting', 'authenticating', 'connected']);
    const gone = once(conn, 'close');
    assert.deepEqual(await app.session.close(), { sockets: 0, timers: 0 });
    await gone;
  });
}

test('a second connect() opens nothing, and a repeated session_created changes nothing', async (t) => {
  const twice = (socket, token) => [accept(socket, token), accept(socket, token), socket.emit('unheard-of', 1)];
  const server = await startServer(t, { verdicts: [twice], pingInterval: 50 });
  const app = openApp(t, server);
  await app.act('connect');
  await app.act('connect');
  await app.state('connected');
  await app.act('connect');
  await once(server.attempts.all[0].socket.conn, 'heartbeat'); // so it has read all that came before the ping
  assert.equal(server.attempts.all.length, 1);
  assert.equal(app.seen.all.filter(({ name }) => name === 'sessionCreated').length, 1);
});

test('AUTH_INVALID ends in a new guest session after one second', async (t) => {
  const server = await startServer(t, { verdicts: [refuse('AUTH_INVALID'), accept], rest: refreshed });
  const app = openApp(t, server);
  await app.act('connect');
  await app.state('connected');
  const [first, second] = server.attempts.all;
  assert.match(second.token, GUEST);
  assert.ok(second.at - first.at >= 950);
  assert.equal(second.overlap, 1);
  const path = ['connecting', 'authenticating'];
  assert.deepEqual(app.states(), [...path, 'error', 'reconnecting', ...path, 'connected']);
  assert.deepEqual(server.requests.all, []);
  assert.deepEqual((await app.act('read_storage')).token, second.token);
  assert.deepEqual(app.tokens('stored').map(({ kind }) => kind), ['guest']);
  assert.equal(app.logs('Switched to guest mode').length, 1);
  const { fields } = await app.logged('Authentication error');
  assert.deepEqual(fields, { code: 'AUTH_INVALID', message: 'AUTH_INVALID', tokenType: 'jwt' });
});

test('an empty storage falls back on AUTH_REQUIRED', async (t) => {
  const server = await startServer(t, { verdicts: [refuse('AUTH_REQUIRED'), accept] });
  const app = openApp(t, server, { token: null, options: { guestDelay: 50 } });
  await app.act('connect');
  await app.state('connected');
  assert.equal(server.attempts.all[0].token, undefined);
  assert.match(server.attempts.all[1].token, GUEST);
});

test('AUTH_EXPIRED is followed by one refresh and an immediate reconnect', async (t) => {
  const server = await startServer(t, { verdicts: [refuse('AUTH_EXPIRED', ''), accept], rest: refreshed });
  const app = openApp(t, server);
  await app.act('connect');
  await app.state('connected');
  const [first, second] = server.attempts.all;
  assert.equal(second.token, 'new.payload.signature');
  assert.ok(second.at - first.at < 500);
  assert.deepEqual(server.requests.all, ['POST /auth/refresh']);
});

for (const [what, answer, thrown] of [
  ['401', [401, ''], 0],
  ['403', [403, ''], 0],
  ['500', [500, ''], 1],
  ['no JSON', [200, '<html>'], 1],
  ['no token', [200, '{}'], 1],
  ['the rejected token', [200, JSON.stringify({ token: JWT })], 1],
]) {
  test(`a refresh answered with ${what} ends in guest mode`, async (t) => {
    const rest = { '/auth/refresh': answer };
    const server = await startServer(t, { verdicts: [refuse('AUTH_EXPIRED'), accept], rest });
    const app = openApp(t, server, { options: { guestDelay: 50 } });
    await app.act('connect');
    await app.state('connected');
    assert.match(server.attempts.all[1].token, GUEST);
    assert.equal(app.logs('Token refresh failed').length, thrown);
    assert.deepEqual(server.requests.all, ['POST /auth/refresh']);
  });
}

test('a server that stays silent times out, with the same token and under backoff', async (t) => {
  const server = await startServer(t, { verdicts: [silent, silent, accept] });
  const app = openApp(t, server, { options: { sessionTimeout: 200, backoffBase: 50 } });
  await app.act('connect');
  await app.state('connected');
  assert.deepEqual(server.attempts.all.map(({ token }) => token), [JWT, JWT, JWT]);
  assert.deepEqual(server.attempts.all.map(({ overlap }) => overlap), [1, 1, 1]);
  const waits = app.logs('Scheduling reconnection').map(({ fields }) => fields.delay);
  assert.deepEqual(waits, [50, 100]);
  assert.equal(app.logs('Timeout waiting for session_created').length, 2);
});

test('a late session_created is not taken for success', async (t) => {
  const late = (socket, token) => socket.on('disconnect', () => accept(socket, token));
  const refuseLate = (socket, token) => {
    socket.emit('auth_error', { code: 'AUTH_INVALID', message: '', timestamp: 0 });
    accept(socket, token);
  };
  const server = await startServer(t, { verdicts: [refuseLate, late, accept] });
  const app = openApp(t, server, { options: { sessionTimeout: 200, backoffBase: 50, guestDelay: 50 } });
  await app.act('connect');
  await app.state('connected');
  const failed = ['connecting', 'authenticating', 'error', 'reconnecting'];
  assert.deepEqual(app.states(), [...failed, ...failed, 'connecting', 'authenticating', 'connected']);
});

test('malformed verdicts are neither success nor a reason to lose the token', async (t) => {
  const malformed = (socket) => [socket.emit('session_created', {}), socket.emit('session_created')];
  const verdicts = [malformed, (s) => s.emit('auth_error'), refuse('AUTH_BANNED'), refuse(7), accept];
  const server = await startServer(t, { verdicts });
  const app = openApp(t, server, { options: { sessionTimeout: 200, backoffBase: 20 } });
  await app.act('connect');
  await app.state('connected');
  assert.deepEqual(new Set(server.attempts.all.map(({ token }) => token)), new Set([JWT]));
  assert.deepEqual(app.tokens('stored'), []);
});

test('a lost session is resumed, with the counters cleared', async (t) => {
  const server = await startServer(t);
  const app = openApp(t, server, { options: { backoffBase: 20 } });
  await app.act('connect');
  await app.state('connected');
  server.attempts.all[0].socket.disconnect();
  await app.state('connected', 2);
  await upgraded(server.attempts.all[1].socket);
  server.attempts.all[1].socket.conn.close();
  await app.state('connected', 3);
  const lost = ['disconnected', 'reconnecting', 'connecting', 'authenticating', 'connected'];
  assert.deepEqual(app.states().slice(3), [...lost, ...lost]);
  assert.deepEqual(app.logs('Scheduling reconnection').map(({ fields }) => fields.delay), [20, 20]);
});

test('a disconnect without a verdict keeps the token', async (t) => {
  const drop = async (socket) => (await upgraded(socket), socket.conn.close());
  const server = await startServer(t, { verdicts: [drop, accept] });
  const app = openApp(t, server, { options: { backoffBase: 20 } });
  await app.act('connect');
  await app.state('connected');
  assert.deepEqual(app.states().slice(1, 4), ['authenticating', 'error', 'reconnecting']);
  assert.equal(server.attempts.all[1].token, JWT);
});

test('auth_error in mid-session leads to error and recovery', async (t) => {
  const server = await startServer(t, { rest: refreshed });
  const app = openApp(t, server);
  await app.act('connect');
  await app.state('connected');
  refuse('AUTH_EXPIRED')(server.attempts.all[0].socket);
  await app.state('connected', 2);
  assert.deepEqual(app.states().slice(3, 6), ['error', 'reconnecting', 'connecting']);
  assert.equal(server.attempts.all[1].token, 'new.payload.signature');
});

test('the guard allows ten reconnections and rests in error; connect() re-arms it', async (t) => {
  const verdicts = [...Array(11).fill(refuse('AUTH_INVALID')), accept];
  const server = await startServer(t, { verdicts });
  const app = openApp(t, server, { options: { guestDelay: 1 } });
  await app.act('connect');
  const { fields } = await app.logged('Too many reconnection attempts');
  assert.equal(fields.count, 11);
  assert.equal(server.attempts.all.length, 11);
  assert.equal(new Set(server.attempts.all.map(({ token }) => token)).size, 11);
  assert.equal((await app.act('read_state')).state, 'error');
  const scheduled = app.logs('Scheduling reconnection').map(({ fields }) => fields.attempt);
  assert.deepEqual(scheduled, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  await app.act('connect');
  await app.state('connected');
  assert.equal(app.states().at(-3), 'connecting');
});

test('the guard forgets what lies outside its window', async (t) => {
  const verdicts = [...Array(13).fill(refuse('AUTH_INVALID')), accept];
  const server = await startServer(t, { verdicts });
  const app = openApp(t, server, { options: { guestDelay: 20, guardWindow: 100 } });
  await app.act('connect');
  await app.state('connected');
  assert.equal(server.attempts.all.length, 14);
});

test('a peer that answers nothing is given up at the limit and let go of', async (t) => {
  const peer = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(peer, 'listening');
  t.after(() => peer.close());
  const app = openApp(t, { url: `http://127.0.0.1:${peer.address().port}` }, { options: { connectTimeout: 200 } });
  const accepted = once(peer, 'connection');
  await app.act('connect');
  const [socket] = await accepted;
  const ended = once(socket.resume(), 'end');
  await app.state('reconnecting');
  await ended;
  assert.deepEqual(app.states(), ['connecting', 'error', 'reconnecting']);
  assert.deepEqual(await app.session.close(), { sockets: 0, timers: 0 });
});

test('a CONNECT that is never acknowledged is given up at the limit', async (t) => {
  const server = await startServer(t);
  server.server.use(() => {});
  const app = openApp(t, server, { options: { connectTimeout: 300 } });
  await app.act('connect');
  await app.state('reconnecting');
  assert.deepEqual(app.states(), ['connecting', 'error', 'reconnecting']);
});

test('disconnect() ends every state for good', async (t) => {
  const server = await startServer(t, { verdicts: [silent, accept, refuse('AUTH_INVALID')] });
  const app = openApp(t, server);
  await app.act('connect');
  await app.act('disconnect'); // while connecting
  for (const state of ['authenticating', 'connected', 'reconnecting']) {
    await app.act('connect');
    await app.seen.until(() => app.states().at(-1) === state, state);
    await app.act('disconnect');
    assert.equal(app.states().at(-1), 'disconnected');
  }
  assert.equal(server.attempts.all.length, 3);
  assert.deepEqual(await app.session.close(), { sockets: 0, timers: 0 });
});

test('disconnect() during a refresh cancels it and leaves the storage alone', async (t) => {
  const server = await startServer(t, { verdicts: [refuse('AUTH_EXPIRED')] });
  const hung = createServer().listen(0, '127.0.0.1');
  await once(hung, 'listening');
  t.after(() => hung.close());
  const app = openApp(t, server);
  app.session.app.client.api = `http://127.0.0.1:${hung.address().port}`;
  const asked = once(hung, 'connection');
  await app.act('connect');
  (await asked)[0].on('error', () => {});
  await app.act('connect'); // nothing starts while the refresh is pending
  await app.act('disconnect');
  assert.deepEqual(app.states().slice(-2), ['error', 'disconnected']);
  assert.deepEqual(await app.session.close(), { sockets: 0, timers: 0 });
  assert.deepEqual(app.tokens('stored'), []);
  assert.equal(app.logs('Token refresh failed').length, 0);
});

test('a token changed during the wait is the one presented', async (t) => {
  const server = await startServer(t, { verdicts: [(socket) => socket.disconnect(), accept] });
  const app = openApp(t, server, { options: { backoffBase: 100 } });
  await app.act('connect');
  await app.state('reconnecting');
  await app.act('set_token', { token: 'other.payload.signature' });
  await app.state('connected');
  assert.equal(server.attempts.all[1].token, 'other.payload.signature');
});

test('a malformed guest token is diagnosed and replaced', async (t) => {
  const stored = 'guest_550E8400-E29B-41D4-A716-446655440000_1733547600000';
  const server = await startServer(t);
  const app = openApp(t, server, { token: stored });
  await app.act('connect');
  await app.state('connected');
  const { level, fields } = await app.logged('Guest token validation');
  assert.deepEqual([level, fields], ['debug', { isValid: false, token: 'guest_550E8400-E29B-...' }]);
  assert.match(server.attempts.all[0].token, GUEST);
});

test('skip, guest banner, sign-in', async (t) => {
  const server = await startServer(t, { rest: { '/auth/sign-in': [200, JSON.stringify({ token: JWT })] } });
  const app = openApp(t, server, { token: null });
  const screen = async () => (await app.act('read_state')).screen;
  await app.act('press_control', { control: 'Skip' });
  await app.state('connected');
  assert.match(server.attempts.all[0].token, GUEST);
  const texts = ['Guest Mode', 'Sign in to save your data'];
  assert.deepEqual(await screen(), { status: 'connected', texts, controls: ['Sign In'] });
  await app.act('press_control', { control: 'Sign In' });
  await app.state('connected', 2);
  assert.equal(server.attempts.all[1].token, JWT);
  assert.deepEqual(await screen(), { status: 'connected', texts: [], controls: [] });
});

test('the logs tell everything but a complete token', async (t) => {
  const server = await startServer(t, { verdicts: [refuse('AUTH_INVALID'), silent, accept] });
  const app = openApp(t, server, { options: { guestDelay: 20, backoffBase: 20, sessionTimeout: 100 } });
  await app.act('connect');
  await app.state('connected');
  const logs = await app.act('read_logs');
  for (const { token } of server.attempts.all) assert.ok(!JSON.stringify(logs).includes(token));
  const changes = logs.filter(({ message }) => message === 'Connection state changed').map(({ fields }) => fields);
  changes.slice(1).forEach(({ from }, index) => assert.equal(from, changes[index].to));
  assert.equal((await app.logged('Transport established')).level, 'info');
  assert.ok((await app.logged('Session created')).fields.durationMs >= 0);
  const { fields } = await app.logged('Connecting with token');
  assert.deepEqual(fields, { tokenType: 'jwt', tokenLength: JWT.length, tokenPrefix: 'header.pay' });
});
