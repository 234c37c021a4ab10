// The numbers of the document and of its reference profile, each of which `open` may override by name.
// It must not know what they are used for.

const DOCUMENTED = {
  connectTimeout: 30000,
  sessionTimeout: 10000,
  guestDelay: 1000,
  refreshTimeout: 30000, // no number in the document; the longest wait it allows anywhere
  backoffBase: 1000,
  backoffFactor: 2,
  backoffCap: 30000,
  guardLimit: 10,
  guardWindow: 60000,
};

export function withDefaults(given = {}) {
  const known = Object.entries(given).filter(([name, value]) => name in DOCUMENTED && typeof value === 'number');
  return { ...DOCUMENTED, ...Object.fromEntries(known) };
}
