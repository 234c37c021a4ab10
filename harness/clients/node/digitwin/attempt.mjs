// One connection attempt: its socket, its one running deadline, and its end. Once silent it is heard no more.
// It must not know states, tokens or what happens after it.

import { io } from 'socket.io-client';

/** How long a peer may take to finish a closing it was asked for, before its connections are cut. */
const LINGER_MS = 500;

export class Attempt {
  #timers;
  #agent;
  #deadline = null;
  #handlers = [];

  constructor({ url, network, timers }) {
    this.url = url;
    this.#timers = timers;
    this.#agent = network.agentFor(url);
    this.startedAt = timers.now();
    this.silent = false;
  }

  get elapsed() {
    return Math.round(this.#timers.now() - this.startedAt);
  }

  on(event, handler) {
    this.#handlers.push([event, (...args) => this.silent || handler(...args)]);
  }

  /** Opens the connection, with every handler in place before the first byte. */
  open(options) {
    this.socket = io(this.url, { ...options, agent: this.#agent, forceNew: true, autoConnect: false });
    for (const [event, handler] of this.#handlers) this.socket.on(event, handler);
    this.socket.connect();
  }

  setDeadline(delay, action) {
    this.clearDeadline();
    this.#deadline = this.#timers.set(action, delay);
  }

  clearDeadline() {
    this.#timers.clear(this.#deadline);
    this.#deadline = null;
  }

  silence() {
    this.silent = true;
    this.clearDeadline();
  }

  /**
   * Says goodbye where somebody listens, then lets go. A handshake that was never answered is cut at once:
   * the library would leave it open, and a late answer would found a session that nobody uses.
   */
  async close() {
    if (!this.socket) return;
    const open = this.socket.io.engine?.readyState === 'open';
    this.socket.disconnect();
    if (open) await this.#agent.drained(this.#timers, LINGER_MS);
    this.#agent.cut();
  }
}
