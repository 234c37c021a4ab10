// Who this adapter is: its name and version, and the library under it. It must not know what either can do.

import { readFileSync } from 'node:fs';

function manifest(path) {
  const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
  return { name, version };
}

export const identity = {
  name: 'node',
  version: manifest('./package.json').version,
  library: manifest('./node_modules/socket.io-client/package.json'),
};
