// One session: an application of some system, its notifications stamped and named, its leftovers counted.
// It must not know which system that is, nor how messages are written.

import { RpcError, actionFailed, unsupported } from './errors.mjs';
import { Network } from './network.mjs';
import { Timers } from './timers.mjs';

/** The wall clock with a fraction. It follows a warped clock as ordinary timers do. */
const now = () => performance.timeOrigin + performance.now();

export class Session {
  #network = new Network();
  #timers = new Timers();
  #lastState;

  constructor(id, system, given, notify) {
    this.id = id;
    this.system = system;
    this.notify = notify;
    this.#lastState = system.initialState;
    this.app = system.open({ ...given, network: this.#network, timers: this.#timers, report: this.#reporter() });
  }

  async act(action, args) {
    if (!this.system.actions.includes(action)) throw unsupported(action);
    try {
      return (await this.app.act(action, args)) ?? null;
    } catch (error) {
      throw error instanceof RpcError ? error : actionFailed(error);
    }
  }

  /** The client goes first, as when its application ends; what is then still there was left behind. */
  async close() {
    await this.app.destroy();
    const left = { sockets: this.#network.open, timers: this.#timers.pending };
    this.notify = () => {}; // what a broken client says of its cleaning up belongs to no session any more
    this.#timers.stop();
    this.#network.cut();
    return left;
  }

  #reporter() {
    const tell = (method, params) => this.notify(method, { session: this.id, at: now(), ...params });
    return {
      // The previous state is the adapter's own memory, so that a repeated report shows as one.
      state: (to) => {
        tell('state', { from: this.#lastState, to });
        this.#lastState = to;
      },
      event: (name, data) => tell('event', { name, data: data ?? null }),
      token: (op, kind, token) => tell('token', { op, kind, prefix: (token ?? '').slice(0, 10) }),
      log: (level, message, fields) => tell('log', { level, message, fields }),
    };
  }
}
