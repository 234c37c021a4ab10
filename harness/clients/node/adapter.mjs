#!/usr/bin/env node
// The entry: reads the command line, loads overrides and starts the protocol loop.
// It must not know any message of the protocol, nor any system.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import * as digitwin from './digitwin/index.mjs';
import { identity } from './identity.mjs';
import { serve } from './protocol.mjs';

// Standard output carries the protocol alone, whatever a library prints.
console.log = console.error;
console.info = console.error;

/** An override breaks a client on purpose: its default export takes the client's class and returns another. */
async function withOverrides(Client, files) {
  for (const file of files) {
    const { default: override } = await import(pathToFileURL(resolve(file)));
    Client = override(Client);
  }
  return Client;
}

function readArguments() {
  try {
    return parseArgs({ options: { override: { type: 'string', multiple: true, default: [] } } }).values;
  } catch (error) {
    console.error(`${error.message}\nusage: adapter.mjs [--override FILE]...`);
    process.exit(2);
  }
}

const { override } = readArguments();
const Client = await withOverrides(digitwin.WebSocketClient, override);
const speed = Number(process.env.SPARRING_SPEED) || 1;

// When nobody reads any more, there is nobody left to report to.
process.stdout.on('error', () => process.exit(1));
await serve({
  input: process.stdin,
  output: process.stdout,
  identity,
  speed,
  systems: new Map([[digitwin.id, digitwin.system(Client)]]),
});
process.stdout.write('', () => process.exit(0));
