// What a user would see and press: status, guest banner, sign-in. It has no look, only content.
// It must not know sockets, retries or the adapter protocol.

import { tokenIn } from '../rest.mjs';
import { ConnectionState } from './client.mjs';

const GUEST_TEXTS = ['Guest Mode', 'Sign in to save your data'];

export class Screen {
  #controls = { Skip: () => this.#skipSignIn(), 'Sign In': () => this.#signIn() };
  #leaving = new AbortController();

  constructor(client, storage) {
    this.client = client;
    this.storage = storage;
    this.status = client.connectionState;
    client.on('connectionStateChange', (state) => (this.status = state));
  }

  /** The guest banner, or the sign-in screen while nobody has asked for a connection. */
  show() {
    const guest = this.client.session?.isGuest === true;
    const atStart = this.status === ConnectionState.DISCONNECTED;
    const controls = atStart ? ['Skip', 'Sign In'] : guest ? ['Sign In'] : [];
    return { status: this.status, texts: guest ? [...GUEST_TEXTS] : [], controls };
  }

  async press(control) {
    if (!Object.hasOwn(this.#controls, control)) throw new Error(`no such control: ${control}`);
    await this.#controls[control]();
  }

  leave() {
    this.#leaving.abort();
  }

  async #skipSignIn() {
    await this.storage.setAccessToken(this.client.generateGuestToken());
    this.client.connect();
  }

  /** Keeps the guest session until there is a JWT to replace it with. */
  async #signIn() {
    const answer = await this.client.post('/auth/sign-in', {}, this.#leaving.signal);
    if (answer.status !== 200) throw new Error(`sign-in answered with status ${answer.status}`);
    await this.storage.setAccessToken(tokenIn(answer));
    this.client.reconnect();
  }
}
