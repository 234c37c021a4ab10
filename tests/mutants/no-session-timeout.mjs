// Broken: waits for session_created without end.
export default (WebSocketClient) =>
  class extends WebSocketClient {
    startSessionTimeout() {}
  };
