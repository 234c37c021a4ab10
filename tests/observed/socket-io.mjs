// What the official socket.io-client reports of one server.
// It must not know any fault.

import { io } from 'socket.io-client';

import { soon, Watch } from './watch.mjs';
import { kind, shape } from './words.mjs';

/** Shorter than the library's waits, and without chance; everything else is as an application gets it. */
const WAITS = { reconnectionDelay: 100, randomizationFactor: 0 };

const after = (text, ...parts) => [text, ...parts].filter(Boolean).join(', ');

/** An error of a transport with what lies beneath it: an HTTP status, the code of the system's error, or `ws`'s. */
function transportError(error) {
  const { message, description, context } = error;
  if (message === 'xhr poll error' || message === 'xhr post error') {
    const broken = context?.statusText;
    return after(message, broken instanceof Error ? kind(broken) : `status ${description}`);
  }
  if (description?.error || description?.message) return after(message, kind(description.error ?? description));
  return message;
}

function connectError(error) {
  // Only the error that the library makes of a CONNECT_ERROR has data, if undefined.
  if (!('data' in error)) return transportError(error);
  return after(`from the server ${JSON.stringify(error.message)}`, error.data && `data ${shape(error.data)}`);
}

function loss(details) {
  if (details instanceof Error) return transportError(details);
  return details?.context?.code === undefined ? undefined : closing(details.context);
}

const closing = ({ code, reason }) => (reason ? `close ${code} ${JSON.stringify(reason)}` : `close ${code}`);

function stateOf({ connected, active, io: manager }) {
  if (connected) return `connected over ${manager.engine.transport.name}`;
  if (!active) return 'disconnected for good';
  return manager.engine.readyState === 'open' ? 'open but not connected' : 'still trying';
}

const ACTS = {
  emit: (socket, watch, { emit: [event, ...args], ack }) => {
    if (ack === undefined) return socket.emit(event, ...args);
    const acknowledged = (error, ...values) =>
      watch.say(error ? `ack of ${event}: ${error.message}` : `ack of ${event}: ${values.map(shape).join(', ')}`);
    return socket.timeout(ack).emit(event, ...args, acknowledged);
  },
  send: (socket, _watch, { send }) => socket.send(send),
  disconnect: (socket) => socket.disconnect(),
};

/** Connects, does what the job says once, and tells what it saw. */
export async function observe(job) {
  const { url, ca, options, actsAt, shows, ignores, token } = job;
  const auth = token ? { token } : undefined;
  const socket = io(url, { ...WAITS, ca, ...options, auth, forceNew: true, autoConnect: false });
  const watch = new Watch(job, () => stateOf(socket));
  socket.on('connect_error', (error) => watch.say(`connect_error: ${connectError(error)}`));
  socket.on('disconnect', (reason, details) => watch.say(`disconnect: ${after(reason, loss(details))}`));
  socket.onAny((event, ...args) => {
    if (!ignores.includes(event)) watch.say(`event ${event} ${args.length ? args.map(shape).join(', ') : '()'}`);
  });
  socket.on('connect', () => watch.say('connect'));
  socket.once(actsAt ?? 'connect', () => soon(job, (what) => ACTS[Object.keys(what)[0]](socket, watch, what)));
  socket.io.on('reconnect_attempt', () => watch.say('reconnect_attempt'));
  if (shows.includes('ping')) socket.io.on('ping', () => watch.say('ping'));
  socket.connect();
  const lines = await watch.lines;
  socket.disconnect();
  return lines;
}
