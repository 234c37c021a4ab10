// Broken: waits one second before every retry, however many have failed.
export default (WebSocketClient) =>
  class extends WebSocketClient {
    backoffDelay() {
      return this.options.backoffBase;
    }
  };
