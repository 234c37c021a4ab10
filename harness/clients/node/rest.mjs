// One JSON request over HTTP and its answer, with a limit and a way to cancel it. It must not know what is asked.

import http from 'node:http';
import https from 'node:https';

function timeout(url) {
  return Object.assign(new Error(`no answer from ${new URL(url).pathname}`), { code: 'ETIMEDOUT' });
}

function send(url, body, { agent, signal }, answered, failed) {
  const { request } = url.startsWith('https:') ? https : http;
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const sent = request(url, { method: 'POST', agent, signal, headers }, (response) => {
    const chunks = [];
    response.on('data', (chunk) => chunks.push(chunk));
    response.on('error', failed);
    response.on('end', () => answered({ status: response.statusCode, text: Buffer.concat(chunks).toString() }));
  });
  sent.on('error', failed);
  sent.end(body);
  return sent;
}

/** Resolves to `{status, text}`; rejects on refusal, loss, cancellation or after `limit` milliseconds. */
export function postJson(url, value, { agent, signal, timers, limit }) {
  return new Promise((resolve, reject) => {
    const finish = (settle) => (result) => {
      timers.clear(timer);
      settle(result);
    };
    const timer = timers.set(() => sent.destroy(timeout(url)), limit);
    const sent = send(url, JSON.stringify(value), { agent, signal }, finish(resolve), finish(reject));
  });
}

/** The `token` member of an answer's body; throws when the body is not JSON or has none. */
export function tokenIn({ text }) {
  const token = JSON.parse(text)?.token;
  if (typeof token !== 'string' || token === '') throw new Error('the answer holds no token');
  return token;
}
