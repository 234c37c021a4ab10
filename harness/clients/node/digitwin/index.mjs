// The DigiTwin application behind the adapter: puts client, storage and screen together and names its actions.
// It must not know how requests arrive or notifications leave.

import { field } from '../errors.mjs';
import { ConnectionState, WebSocketClient } from './client.mjs';
import { isGuestToken } from './guest-token.mjs';
import { Screen } from './screen.mjs';
import { SecureStorage } from './storage.mjs';

export { WebSocketClient };

export const id = 'digitwin';

const LOGS_KEPT = 1000;

const kindOf = (token) => (!token ? 'none' : isGuestToken(token) ? 'guest' : 'jwt');

const ACTIONS = {
  connect: ({ client }) => client.connect(),
  disconnect: ({ client }) => client.disconnect(),
  reconnect: ({ client }) => client.reconnect(),
  destroy: (app) => app.destroy(),
  set_token: ({ storage }, args) => storage.put(field(args, 'token', 'string or null')),
  clear_storage: ({ storage }) => storage.put(null),
  read_storage: ({ storage }) => ({ token: storage.peek() }),
  read_state: ({ client, screen }) => ({ state: client.connectionState, screen: screen.show() }),
  read_logs: ({ logs }) => [...logs],
  press_control: ({ screen }, args) => screen.press(field(args, 'control', 'string')),
};

/** The system with this class for a client, which may be one broken on purpose. */
export function system(Client) {
  return {
    actions: Object.keys(ACTIONS),
    initialState: ConnectionState.DISCONNECTED,
    declarations: { state_map: Object.fromEntries(Object.values(ConnectionState).map((name) => [name, name])) },
    open: (given) => new App(Client, given),
  };
}

class App {
  logs = [];

  constructor(Client, { token, report, ...given }) {
    this.storage = new SecureStorage(token, (op, used) => report.token(op, kindOf(used), used));
    this.client = new Client({ ...given, storage: this.storage, logger: this.#logger(report) });
    this.screen = new Screen(this.client, this.storage);
    this.client.on('connectionStateChange', (state) => {
      report.state(state);
      report.event('connectionStateChange', state);
    });
    this.client.on('sessionCreated', (data) => report.event('sessionCreated', data));
  }

  async act(action, args) {
    return ACTIONS[action](this, args);
  }

  destroy() {
    this.screen.leave();
    return this.client.destroy();
  }

  #logger(report) {
    const write = (level) => (message, fields = {}) => {
      this.logs.push({ level, message, fields });
      if (this.logs.length > LOGS_KEPT) this.logs.shift();
      report.log(level, message, fields);
    };
    return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  }
}
