// Timers that are counted, so that a client that forgets one can be told. It must not know what they are for.

export class Timers {
  #running = new Set();
  #stopped = false;

  get pending() {
    return this.#running.size;
  }

  now() {
    return performance.now();
  }

  set(action, delay) {
    if (this.#stopped) return null;
    const timer = setTimeout(() => {
      this.#running.delete(timer);
      action();
    }, delay);
    this.#running.add(timer);
    return timer;
  }

  clear(timer) {
    clearTimeout(timer);
    this.#running.delete(timer);
  }

  /** Ends them all, and lets no new one begin. */
  stop() {
    this.#stopped = true;
    for (const timer of [...this.#running]) this.clear(timer);
  }
}
