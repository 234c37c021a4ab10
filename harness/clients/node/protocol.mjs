// The loop of the adapter protocol, version 1: requests in, answers and notifications out.
// Bad input gets one clear error and never ends the process. It must not know what a client does inside a session.

import { createInterface } from 'node:readline';

import { RpcError, badField, field, invalidRequest, noSession, unknownMethod } from './errors.mjs';
import { watchLateness } from './late.mjs';
import { Session } from './session.mjs';

const VERSION = 1;
const MAX_SESSIONS = 64;

/** Serves until the input ends and everything opened is closed again. */
export async function serve({ input, output, identity, systems, speed }) {
  const send = (message) => output.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const adapter = new Adapter({ identity, systems, speed, notify: (method, params) => send({ method, params }) });
  const underWay = new Set();

  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    const answering = answer(adapter, line, send).finally(() => underWay.delete(answering));
    underWay.add(answering);
  }
  await adapter.closeAll();
  await Promise.all(underWay);
}

async function answer(adapter, line, send) {
  const request = parse(line);
  if (request === undefined) return;
  const id = request?.id;
  try {
    const result = await adapter.handle(request);
    if (id !== undefined) send({ id, result });
  } catch (error) {
    if (!(error instanceof RpcError)) console.error(error);
    if (id !== undefined) send({ id, error: describe(error) });
    else console.error(`request without id: ${error.message}`);
  }
}

/** A line that is not JSON cannot be answered: there is no id to answer to. */
function parse(line) {
  if (line.trim() === '') return undefined;
  try {
    return JSON.parse(line);
  } catch {
    console.error(`ignored, not JSON: ${line.slice(0, 80)}`);
    return undefined;
  }
}

function describe(error) {
  const { code, message, data } = error instanceof RpcError ? error : { code: -32603, message: String(error) };
  return { code, message, ...(data && { data }) };
}

class Adapter {
  #sessions = new Map();
  #methods = {
    initialize: (params) => this.#initialize(params),
    open: (params) => this.#open(params),
    act: (params) => this.#act(params),
    close: (params) => this.#close(params),
  };

  constructor({ identity, systems, speed, notify }) {
    this.identity = identity;
    this.systems = systems;
    this.speed = speed;
    this.notify = notify;
  }

  async handle(request) {
    const { jsonrpc, method, params } = request ?? {};
    if (jsonrpc !== '2.0' || typeof method !== 'string') throw invalidRequest();
    if (!Object.hasOwn(this.#methods, method)) throw unknownMethod(method);
    return this.#methods[method](params);
  }

  async closeAll() {
    this.stopWatching?.();
    await Promise.all([...this.#sessions.keys()].map((session) => this.#close({ session })));
  }

  #initialize(params) {
    if (field(params, 'protocol', 'integer') !== VERSION) throw badField('protocol', String(VERSION));
    // No part of these clients draws from a seed: their waits have no jitter, and their tokens must be unique.
    field(params, 'seed', 'integer');
    this.stopWatching ??= watchLateness(this.speed, (late) => this.notify('late', late));
    const systems = [...this.systems.values()];
    return {
      protocol: VERSION,
      ...this.identity,
      systems: [...this.systems.keys()],
      actions: [...new Set(systems.flatMap((system) => system.actions))],
      exposes: ['states', 'events', 'tokens', 'logs'],
      declarations: Object.assign({}, ...systems.map((system) => system.declarations)),
      max_sessions: MAX_SESSIONS,
    };
  }

  #open(params) {
    const id = field(params, 'session', 'string');
    if (this.#sessions.has(id)) throw badField('session', 'an id that is not in use');
    const system = this.systems.get(field(params, 'system', 'string'));
    if (!system) throw badField('system', `one of ${[...this.systems.keys()].join(', ')}`);
    const given = {
      url: field(params, 'url', 'url'),
      api: field(params, 'api', 'url'),
      token: field(params, 'token', 'string or null'),
      options: field(params, 'options', 'map'),
    };
    this.#sessions.set(id, new Session(id, system, given, this.notify));
    return {};
  }

  async #act(params) {
    const session = this.#session(params);
    return { value: await session.act(field(params, 'action', 'string'), field(params, 'args', 'map')) };
  }

  #close(params) {
    const session = this.#session(params);
    this.#sessions.delete(session.id);
    return session.close();
  }

  #session(params) {
    const id = field(params, 'session', 'string');
    const session = this.#sessions.get(id);
    if (!session) throw noSession(id);
    return session;
  }
}
