// The stand-in for the app's SecureStorage: one access token, and word of every use the client makes of it.
// It must not know what a token means.

export class SecureStorage {
  #token;
  #used;

  /** `used(op, token)` hears of the client's own reads and writes, not of those made from outside. */
  constructor(token, used) {
    this.#token = token;
    this.#used = used;
  }

  async getAccessToken() {
    this.#used('read', this.#token);
    return this.#token;
  }

  async setAccessToken(token) {
    this.#token = token;
    this.#used('stored', token);
  }

  /** The driver's view of the storage, past the client. */
  peek() {
    return this.#token;
  }

  /** The driver's hand in the storage. */
  put(token) {
    this.#token = token;
  }
}
