// Broken: recovers from auth_error in time, but keeps the rejected token in place of a guest token.
export default (WebSocketClient) =>
  class extends WebSocketClient {
    async useGuestToken() {}
  };
