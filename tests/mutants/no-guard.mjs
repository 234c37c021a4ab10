// Broken: no number of reconnections within a minute stops it.
export default (WebSocketClient) =>
  class extends WebSocketClient {
    guardTripped() {
      return null;
    }
  };
