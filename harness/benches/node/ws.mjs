// The usual WebSocket server: echoes messages, sends those of type `broadcast` to everybody.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });

server.on("connection", (socket) => {
  socket.on("error", () => {}); // a client that resets
  socket.on("message", (data, binary) => {
    if (data.toString().startsWith('{"type":"broadcast"')) {
      for (const client of server.clients) client.send(data, { binary });
    } else {
      socket.send(data, { binary });
    }
  });
});

server.on("listening", () => console.log(`ws on http://127.0.0.1:${server.address().port}`));
