// Broken: a failed token refresh is tried again without end, instead of falling back to a guest token.
import { setTimeout as pause } from 'node:timers/promises';

export default (WebSocketClient) =>
  class extends WebSocketClient {
    async refreshToken(signal) {
      let refreshed = false;
      while (!refreshed && !signal.aborted) {
        refreshed = await super.refreshToken(signal).catch(() => false);
        await pause(100); // only so that it does not drown the machine
      }
      return refreshed;
    }
  };
