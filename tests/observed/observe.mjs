#!/usr/bin/env node
// Tells what the official clients report. Jobs come on standard input, one JSON object a line, and run at once; the
// first line of standard output names the libraries' versions, each further one answers a job.
// It must not know any fault.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

import * as socketIo from './socket-io.mjs';
import * as websocket from './websocket.mjs';

const CLIENTS = { 'socket.io-client': socketIo, ws: websocket };

const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const version = (library) => {
  // The entry of a package need not be beside its manifest.
  const [root] = createRequire(import.meta.url).resolve(library).split(`/node_modules/${library}/`);
  return createRequire(import.meta.url)(`${root}/node_modules/${library}/package.json`).version;
};

async function run(job) {
  try {
    print({ id: job.id, lines: await CLIENTS[job.client].observe(job) });
  } catch (error) {
    print({ id: job.id, lines: [`threw ${error.stack}`] });
  }
}

print({ versions: Object.fromEntries(Object.keys(CLIENTS).map((name) => [name, version(name)])) });
const jobs = [];
for await (const line of createInterface({ input: process.stdin })) jobs.push(run(JSON.parse(line)));
await Promise.all(jobs);
process.exit(0);
