// How values and errors are told, so that the words are the same on every machine: kinds and codes, no texts of the
// system. It must not know any client.

/** Members whose value says what kind of message it is; of the others the name is enough. */
const TELLING = ['type', 'code', 'error', 'reason', 'status'];

/** The longest text that is quoted. */
const LONGEST = 40;

const quoted = (text) =>
  text.length > LONGEST ? `text of ${Buffer.byteLength(text)} bytes` : JSON.stringify(text);

const plain = (value) => (/^[\w .-]+$/.test(value) ? value : JSON.stringify(value));

/** `{code: AUTH_INVALID, message}`: the shape of a value, with the values that tell what it is about. */
export function shape(value) {
  if (typeof value === 'string') return quoted(value);
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return `${value.byteLength} bytes`;
  if (Array.isArray(value)) return `[${value.map(shape).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const members = Object.entries(value).map(([name, member]) =>
    TELLING.includes(name) && typeof member !== 'object' ? `${name}: ${plain(member)}` : name,
  );
  return `{${members.join(', ')}}`;
}

/**
 * The code of an error of the system or of a library; the status of an HTTP answer, the number of a
 * TLS alert; else the library's own words.
 */
export function kind(error) {
  const status = /^Unexpected server response: (\d+)$/.exec(error?.message);
  if (status) return `unexpected response ${status[1]}`;
  const alert = /SSL alert number (\d+)/.exec(error?.message);
  if (alert) return `TLS alert ${alert[1]}`;
  return error?.code ?? error?.message ?? 'no description';
}
