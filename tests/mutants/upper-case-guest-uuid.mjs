// Broken: writes the uuid of its guest tokens in upper case.
export default (WebSocketClient) =>
  class extends WebSocketClient {
    generateGuestToken() {
      const [prefix, uuid, timestamp] = super.generateGuestToken().split('_');
      return [prefix, uuid.toUpperCase(), timestamp].join('_');
    }
  };
