// The official Socket.IO server: echoes `message`, sends `broadcast` to everybody.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http);

io.on("connection", (socket) => {
  socket.on("message", (...args) => socket.emit("message", ...args));
  socket.on("broadcast", (...args) => io.emit("broadcast", ...args));
});

http.listen(0, "127.0.0.1", () => console.log(`socket.io on http://127.0.0.1:${http.address().port}`));
