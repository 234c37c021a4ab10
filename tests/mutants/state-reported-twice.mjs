// Broken: reports error twice, as the document's printed code would.
export default (WebSocketClient) =>
  class extends WebSocketClient {
    setConnectionState(state) {
      super.setConnectionState(state);
      if (state === 'error') this.emit('connectionStateChange', state);
    }
  };
