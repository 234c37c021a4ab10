// How long to wait before the next attempt, and when to give up. It must not know of sockets, states or tokens.

/** Exponential backoff: base, base*factor, ... up to the cap. */
export class Backoff {
  #failures = 0;

  constructor({ backoffBase, backoffFactor, backoffCap }) {
    this.base = backoffBase;
    this.factor = backoffFactor;
    this.cap = backoffCap;
  }

  next() {
    return Math.min(this.base * this.factor ** this.#failures++, this.cap);
  }

  reset() {
    this.#failures = 0;
  }
}

/** The reconnect guard with the sliding window of reading DT-X-05: no eleventh within 60 s of the first of ten. */
export class Guard {
  #recent = [];
  #first;
  #count = 0;

  constructor({ guardLimit, guardWindow }) {
    this.limit = guardLimit;
    this.window = guardWindow;
  }

  /** What tripping it would be blamed on, or null while one more reconnection is allowed. */
  trippedAt(now) {
    if (this.#recent.length < this.limit) return null;
    const duration = now - this.#recent[0];
    return duration < this.window ? { count: this.limit + 1, duration: Math.round(duration) } : null;
  }

  record(now) {
    this.#first ??= now;
    this.#recent.push(now);
    if (this.#recent.length > this.limit) this.#recent.shift();
    return { attempt: ++this.#count, elapsedMs: Math.round(now - this.#first) };
  }

  reset() {
    this.#recent = [];
    this.#first = undefined;
    this.#count = 0;
  }
}
