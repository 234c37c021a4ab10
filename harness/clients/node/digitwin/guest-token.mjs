// Guest tokens: made, recognised and checked as the document prints it. It must not know where they are kept.

import { randomUUID } from 'node:crypto';

const PATTERN = /^guest_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}_\d+$/;

export const generateGuestToken = () => `guest_${randomUUID()}_${Date.now()}`;

/** Whether a token claims to be a guest's. It may still be malformed. */
export const isGuestToken = (token) => token?.startsWith('guest_') ?? false;

export const isWellFormed = (token) => PATTERN.test(token);

/** The document knows two kinds only: what does not claim to be a guest's is called a JWT, an absent token too. */
export const tokenType = (token) => (isGuestToken(token) ? 'guest' : 'jwt');
