// Broken: stops listening to the connection of a failed attempt, but does not close it.
export default (WebSocketClient) =>
  class extends WebSocketClient {
    abandon(attempt, state) {
      if (state !== 'error') return super.abandon(attempt, state);
      attempt.silence();
    }
  };
