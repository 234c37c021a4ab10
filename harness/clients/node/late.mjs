// Measures whether this process's own timers fire late, so that no client is blamed for a busy machine.
// It must not know of clients or sessions.

const PERIOD_MS = 20;
const ALLOWED_MS = 5;

/** Under a clock that runs `speed` times fast, what the platform needs costs `speed` times as much. */
export function watchLateness(speed, report) {
  let timer;
  const arm = () => {
    const due = performance.now() + PERIOD_MS * speed;
    timer = setTimeout(() => {
      const by = performance.now() - due;
      if (by > ALLOWED_MS * speed) report({ at: performance.timeOrigin + performance.now(), by });
      arm();
    }, PERIOD_MS * speed).unref();
  };
  arm();
  return () => clearTimeout(timer);
}
