// The TCP connections of one session: counted, and cut when a peer does not let go of them.
// It must not know what is spoken over them.

import http from 'node:http';
import https from 'node:https';

const tracked = (Agent) =>
  class extends Agent {
    live = new Set();

    createConnection(...args) {
      const socket = super.createConnection(...args);
      this.live.add(socket);
      socket.once('close', () => {
        this.live.delete(socket);
        if (this.live.size === 0) this.emit('drained');
      });
      return socket;
    }

    /** Waits until the peer has let go of every connection, at most for `limit` milliseconds. */
    drained(timers, limit) {
      if (this.live.size === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = timers.set(resolve, limit);
        this.once('drained', () => {
          timers.clear(timer);
          resolve();
        });
      });
    }

    cut() {
      for (const socket of this.live) socket.destroy();
      this.live.clear(); // their close events come later
    }
  };

const HttpAgent = tracked(http.Agent);
const HttpsAgent = tracked(https.Agent);

export class Network {
  #agents = new Set();

  get open() {
    return [...this.#agents].reduce((sum, agent) => sum + agent.live.size, 0);
  }

  /** An agent of its own for each attempt. It keeps no connection alive, as the libraries' default does not. */
  agentFor(url) {
    const secure = ['https:', 'wss:'].includes(new URL(url).protocol);
    const agent = secure ? new HttpsAgent() : new HttpAgent();
    this.#agents.add(agent);
    return agent;
  }

  cut() {
    for (const agent of this.#agents) agent.cut();
  }
}
