// Broken: does not listen to auth_error, and so retries with the rejected token.
export default (WebSocketClient) =>
  class extends WebSocketClient {
    onAuthError() {}
  };
