// The protocol loop, seen from outside: errors, bad input, the end.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { silent, startAdapter, startServer } from './support.mjs';

test('initialize says who it is and what it can do', async (t) => {
  const { result } = await startAdapter(t).ask('initialize', { protocol: 1, seed: 7 });
  assert.equal(result.protocol, 1);
  assert.equal(result.library.name, 'socket.io-client');
  assert.deepEqual(result.systems, ['digitwin']);
  assert.ok(result.actions.includes('press_control'));
  assert.deepEqual(result.exposes, ['states', 'events', 'tokens', 'logs']);
});

test('another protocol version is refused', async (t) => {
  const { error } = await startAdapter(t).ask('initialize', { protocol: 2, seed: 7 });
  assert.deepEqual([error.code, error.data], [-32602, { field: 'protocol' }]);
});

test('an unknown method is refused', async (t) => {
  const { error } = await startAdapter(t).ask('toString', {});
  assert.equal(error.code, -32601);
});

for (const name of ['session', 'system', 'url', 'api', 'token', 'options']) {
  test(`open without ${name} names the field`, async (t) => {
    const adapter = startAdapter(t);
    const { [name]: _, ...params } = adapter.open();
    const { error } = await adapter.ask('open', params);
    assert.deepEqual([error.code, error.data], [-32602, { field: name }]);
  });
}

for (const [name, wrong] of [['session', 7], ['system', 'nonesuch'], ['url', 'no url'], ['token', 1], ['options', []]]) {
  test(`open with a wrong ${name} names the field`, async (t) => {
    const adapter = startAdapter(t);
    const { error } = await adapter.ask('open', { ...adapter.open(), [name]: wrong });
    assert.deepEqual([error.code, error.data], [-32602, { field: name }]);
  });
}

test('a session id serves once at a time', async (t) => {
  const adapter = startAdapter(t);
  assert.deepEqual((await adapter.ask('open', adapter.open())).result, {});
  assert.equal((await adapter.ask('open', adapter.open())).error.code, -32602);
  assert.deepEqual((await adapter.ask('close', { session: 's1' })).result, { sockets: 0, timers: 0 });
  assert.deepEqual((await adapter.ask('open', adapter.open())).result, {});
});

test('an unknown session is refused', async (t) => {
  const adapter = startAdapter(t);
  for (const [method, params] of [['act', { action: 'connect', args: {} }], ['close', {}]]) {
    const { error } = await adapter.ask(method, { session: 'gone', ...params });
    assert.deepEqual([error.code, error.data], [-32002, { session: 'gone' }]);
  }
});

test('an unsupported action is refused, and one without its argument names it', async (t) => {
  const adapter = startAdapter(t);
  await adapter.ask('open', adapter.open());
  const act = (action, args) => adapter.ask('act', { session: 's1', action, args });
  assert.deepEqual((await act('send', {})).error.data, { action: 'send' });
  assert.equal((await act('constructor', {})).error.code, -32001);
  assert.deepEqual((await act('set_token', {})).error.data, { field: 'token' });
  assert.deepEqual((await act('connect')).error.data, { field: 'args' });
  assert.deepEqual((await act('press_control', { control: 'Sign Up' })).error.data, { error: 'failed' });
  assert.deepEqual((await act('press_control', { control: 'Sign In' })).error.data, { error: 'refused' });
});

test('the storage is driven without a word of the client', async (t) => {
  const adapter = startAdapter(t);
  await adapter.ask('open', adapter.open());
  const act = (action, args = {}) => adapter.ask('act', { session: 's1', action, args });
  await act('set_token', { token: 'abc' });
  assert.deepEqual((await act('read_storage')).result, { value: { token: 'abc' } });
  assert.deepEqual((await act('clear_storage')).result, { value: null });
  assert.deepEqual((await act('read_storage')).result, { value: { token: null } });
  const { value } = (await act('read_state')).result;
  assert.deepEqual(value, { state: 'disconnected', screen: { status: 'disconnected', texts: [], controls: ['Skip', 'Sign In'] } });
  assert.deepEqual(adapter.lines.all.filter(({ method }) => method), []);
});

test('a line that is not JSON is ignored and logged', async (t) => {
  const adapter = startAdapter(t);
  adapter.write('{"jsonrpc": "2.0", "id"');
  adapter.write('');
  await adapter.errors.until((line) => line.startsWith('ignored, not JSON'), 'a word of it');
  assert.ok((await adapter.ask('initialize', { protocol: 1, seed: 1 })).result);
  assert.equal(adapter.lines.all.length, 1);
});

test('JSON that is not a request gets one error where it has an id', async (t) => {
  const adapter = startAdapter(t);
  for (const line of ['null', '[]', '7', '{"jsonrpc":"2.0","method":"close"}', '{"id":77}']) adapter.write(line);
  const { error } = await adapter.lines.until(({ id }) => id === 77, 'the answer');
  assert.equal(error.code, -32600);
  assert.equal(adapter.lines.all.length, 1);
});

test('the end of input closes what is open and exits with 0', async (t) => {
  const server = await startServer(t, { verdicts: [silent] });
  const adapter = startAdapter(t);
  for (const session of ['s1', 's2']) {
    await adapter.ask('open', { ...adapter.open(server, session), token: 'jwt' });
    await adapter.ask('act', { session, action: 'connect', args: {} });
  }
  await server.attempts.until(() => server.attempts.all.length === 2, 'two connections');
  assert.equal(await adapter.end(), 0);
  const last = adapter.lines.all.filter(({ method }) => method === 'state').slice(-2);
  assert.deepEqual(last.map(({ params }) => params.to), ['disconnected', 'disconnected']);
});

test('the end of an empty input exits with 0', async (t) => {
  assert.equal(await startAdapter(t).end(), 0);
});
