// What the official ws reports of one server.
// It must not know any fault.

import { WebSocket } from 'ws';

import { soon, Watch } from './watch.mjs';
import { kind, shape } from './words.mjs';

const STATES = ['still connecting', 'open', 'closing', 'closed'];

const ACTS = {
  send: (socket, { send }) => socket.send(send),
  ping: (socket, { ping }) => socket.ping(ping),
  close: (socket, { close }) => socket.close(close),
};

/** A message as text; JSON by its shape. */
function message(data, isBinary) {
  if (isBinary) return `binary ${shape(data)}`;
  try {
    return shape(JSON.parse(data.toString()));
  } catch {
    return shape(data.toString());
  }
}

const withReason = (code, reason) => (reason.length ? `${code} ${JSON.stringify(reason.toString())}` : `${code}`);

/** Connects, does what the job says, and tells what it saw until the socket is closed. */
export async function observe(job) {
  const { url, ca, options } = job;
  const socket = new WebSocket(url, { ca, ...options });
  const watch = new Watch(job, () => STATES[socket.readyState]);
  socket.on('message', (data, isBinary) => watch.say(`message ${message(data, isBinary)}`));
  socket.on('ping', (data) => watch.say(`ping ${shape(data.toString())}`));
  socket.on('pong', (data) => watch.say(`pong ${shape(data.toString())}`));
  socket.on('error', (error) => watch.say(`error: ${kind(error)}`));
  socket.on('close', (code, reason) => watch.end(`close ${withReason(code, reason)}`));
  socket.on('open', () => {
    watch.say('open');
    soon(job, (what) => ACTS[Object.keys(what)[0]](socket, what));
  });
  const lines = await watch.lines;
  socket.terminate();
  return lines;
}
