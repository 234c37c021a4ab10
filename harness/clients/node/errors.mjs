// The errors of the adapter protocol, and the check of a request's fields that raises them.
// It must not know any method, system or action.

export class RpcError extends Error {
  constructor(code, message, data) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export const invalidRequest = () => new RpcError(-32600, 'not a JSON-RPC 2.0 request');
export const unknownMethod = (method) => new RpcError(-32601, `unknown method: ${method}`);
export const badField = (field, want) => new RpcError(-32602, `${field}: expected ${want}`, { field });
export const unsupported = (action) => new RpcError(-32001, `unsupported action: ${action}`, { action });
export const noSession = (session) => new RpcError(-32002, `no such session: ${session}`, { session });

/** What went wrong in an action, in the three words the protocol has for it. */
export function actionFailed(error) {
  const kind = error.code === 'ECONNREFUSED' ? 'refused' : error.code === 'ETIMEDOUT' ? 'timeout' : 'failed';
  return new RpcError(-32003, `action failed: ${error.message}`, { error: kind });
}

const isMap = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

const KINDS = {
  string: (value) => typeof value === 'string' && value !== '',
  integer: Number.isInteger,
  map: isMap,
  'string or null': (value) => value === null || typeof value === 'string',
  url: (value) => typeof value === 'string' && URL.canParse(value),
};

/** Returns `map[name]` if it is of the kind; otherwise raises the error that names the field. */
export function field(map, name, kind) {
  if (!isMap(map) || !KINDS[kind](map[name])) throw badField(name, kind);
  return map[name];
}
