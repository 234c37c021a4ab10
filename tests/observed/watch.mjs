// What one client was seen to report: lines, and the moment at which enough has been seen.
// It must not know any library.

/** Quiet is waited for in slices, so that a process that was kept waiting does not take its own lateness for quiet. */
const SLICES = 8;

/** What a line is about: its first word. */
const what = (line) => line.split(/[ :]/, 1)[0];

export class Watch {
  #lines = [];
  #slice = 0;
  #timer = null;
  #job;
  #state;
  #finish;

  /**
   * Ends when a line about `until` has been seen `count` times, when `quiet` milliseconds pass without a line, or when
   * `limit` milliseconds have passed. `state` tells how the client then stands.
   */
  constructor(job, state) {
    this.#job = job;
    this.#state = state;
    this.lines = new Promise((resolve) => (this.#finish = resolve));
    this.deadline = setTimeout(() => this.end(`cut off after ${job.limit} ms`), job.limit);
    this.#wait();
  }

  say(line) {
    if (this.#timer === null) return; // it is over
    this.#lines.push(line);
    this.#slice = 0;
    const { until, count } = this.#job;
    if (until && this.#lines.filter((seen) => what(seen) === until).length >= count) this.end();
  }

  /** Says this and listens no longer. */
  end(line) {
    if (this.#timer === null) return;
    clearTimeout(this.deadline);
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#finish(line ? [...this.#lines, line] : this.#lines);
  }

  #wait() {
    this.#timer = setTimeout(() => {
      this.#slice += 1;
      if (this.#slice >= SLICES) this.end(`nothing more within ${this.#job.quiet / 1000} s, ${this.#state()}`);
      else this.#wait();
    }, this.#job.quiet / SLICES);
  }
}

/** Does what the job says, in order: at once, or after the time that it names. */
export function soon({ acts, actsAfter }, act) {
  if (actsAfter === 0) acts.forEach(act);
  else setTimeout(() => acts.forEach(act), actsAfter);
}
