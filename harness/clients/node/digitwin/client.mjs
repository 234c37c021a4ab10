// The document's WebSocketClient, its gaps filled by the catalogue's readings: states, verdicts, recovery, retries.
// Its methods bear the document's names where it has some. It must not know the adapter protocol, nor the screen.

import { EventEmitter } from 'node:events';

import { postJson, tokenIn } from '../rest.mjs';
import { Attempt } from './attempt.mjs';
import { generateGuestToken, isGuestToken, isWellFormed, tokenType } from './guest-token.mjs';
import { withDefaults } from './options.mjs';
import { Backoff, Guard } from './reconnect.mjs';

export const ConnectionState = Object.freeze({
  DISCONNECTED: 'disconnected',
  CONNECTING: 'connecting',
  AUTHENTICATING: 'authenticating',
  CONNECTED: 'connected',
  ERROR: 'error',
  RECONNECTING: 'reconnecting',
});

const { DISCONNECTED, CONNECTING, AUTHENTICATING, CONNECTED, ERROR, RECONNECTING } = ConnectionState;

const isText = (value) => typeof value === 'string' && value !== '';

export class WebSocketClient extends EventEmitter {
  connectionState = DISCONNECTED;
  session = null; // what session_created brought, while connected
  attempt = null; // the one connection attempt or session under way
  recovery = null; // what auth_error started, until a reconnect is scheduled
  reconnectTimer = null; // the one pending reconnect
  token = null; // what the present attempt carries
  closing = new Set(); // connections that are saying goodbye
  destroyed = false;

  constructor({ url, api, storage, logger, network, timers, options }) {
    super();
    Object.assign(this, { url, api, storage, logger, network, timers });
    this.options = withDefaults(options);
    this.backoff = new Backoff(this.options);
    this.guard = new Guard(this.options);
  }

  // --- what the application calls ---

  /** Starts an attempt, or does nothing while one is under way. An explicit call re-arms guard and backoff. */
  connect() {
    if (this.destroyed) throw new Error('the client has been destroyed');
    if (this.attempt || this.recovery) return;
    this.cancelReconnect();
    this.resetCounters();
    this.openAttempt();
  }

  disconnect() {
    this.cancelReconnect();
    this.recovery?.abort();
    this.recovery = null;
    this.leave(DISCONNECTED);
  }

  reconnect() {
    this.disconnect();
    this.connect();
  }

  /** Resolves when every connection has been let go of. */
  async destroy() {
    this.destroyed = true;
    this.disconnect();
    await Promise.all(this.closing);
  }

  // --- one attempt ---

  async openAttempt() {
    const attempt = new Attempt(this);
    this.attempt = attempt;
    this.setConnectionState(CONNECTING);
    this.startConnectTimeout(attempt);
    const token = await this.readToken();
    if (attempt.silent) return; // disconnect() was quicker than the storage
    this.token = token;
    this.logToken(token);
    this.listen(attempt);
    attempt.open(this.socketOptions(token));
  }

  socketOptions(token) {
    return {
      auth: token ? { token } : {},
      transports: ['polling', 'websocket'], // polling first
      upgrade: true,
      reconnection: false,
      timeout: this.options.connectTimeout,
    };
  }

  listen(attempt) {
    attempt.on('connect', () => this.onTransport(attempt));
    attempt.on('session_created', (data) => this.onSessionCreated(attempt, data));
    attempt.on('auth_error', (error) => this.onAuthError(attempt, error));
    attempt.on('connect_error', (error) => this.onConnectError(error));
    attempt.on('disconnect', (reason) => this.onDisconnect(reason));
  }

  /** The library's own limit ends with the Engine.IO handshake; this one holds until `connect` (DT-X-07). */
  startConnectTimeout(attempt) {
    attempt.setDeadline(this.options.connectTimeout, () => this.onConnectError(new Error('timeout')));
  }

  startSessionTimeout(attempt) {
    attempt.setDeadline(this.options.sessionTimeout, () => this.onSessionTimeout(attempt));
  }

  clearSessionTimeout(attempt) {
    attempt.clearDeadline();
  }

  /** Leaves the present attempt or session, if there is one, for a state in which there is none. */
  leave(state) {
    const attempt = this.attempt;
    this.attempt = null;
    this.session = null;
    if (attempt) this.abandon(attempt, state);
    this.setConnectionState(state);
  }

  /** From here on the old connection is neither heard nor open, whatever it is left for (DT-X-08). */
  abandon(attempt, _state) {
    attempt.silence();
    const closing = attempt.close().finally(() => this.closing.delete(closing));
    this.closing.add(closing);
  }

  // --- what the connection says ---

  onTransport(attempt) {
    attempt.clearDeadline();
    this.setConnectionState(AUTHENTICATING);
    this.startSessionTimeout(attempt);
    const transport = attempt.socket.io.engine.transport.name;
    this.logger.debug('Socket.IO connected', { socketId: attempt.socket.id, transport });
    this.logger.info('Transport established', { durationMs: attempt.elapsed });
  }

  onSessionCreated(attempt, data) {
    if (!this.awaitsVerdict()) return; // a repetition is no news
    if (!this.accepts(data)) {
      this.logger.warn('Malformed session_created ignored');
      return;
    }
    this.clearSessionTimeout(attempt);
    this.resetCounters();
    this.session = data;
    // The user id is not logged: a guest's is the complete token.
    this.logger.info('Session created', { durationMs: attempt.elapsed, isGuest: data.isGuest });
    this.setConnectionState(CONNECTED);
    this.emit('sessionCreated', data);
  }

  awaitsVerdict() {
    return this.connectionState === AUTHENTICATING;
  }

  accepts(data) {
    return isText(data?.sessionId) && isText(data?.userId);
  }

  onAuthError(attempt, error) {
    this.clearSessionTimeout(attempt);
    this.handleAuthError(typeof error === 'object' && error !== null ? error : {});
  }

  onSessionTimeout(attempt) {
    const { connected, id } = attempt.socket;
    const duration = this.options.sessionTimeout;
    this.logger.error('Timeout waiting for session_created', { duration, socketConnected: connected, socketId: id });
    this.leave(ERROR);
    this.scheduleReconnect();
  }

  onConnectError({ message, description }) {
    // The description may be a status, a text or an error of its own.
    this.logger.error('Connection error', { message, description: description?.message ?? description ?? null });
    this.lose();
  }

  onDisconnect(reason) {
    this.logger.warn('Connection lost', { reason });
    this.lose();
  }

  /** Without a verdict the token is not known to be bad, so it is kept (DT-X-10). */
  lose() {
    this.leave(this.connectionState === CONNECTED ? DISCONNECTED : ERROR);
    this.scheduleReconnect();
  }

  // --- recovery from auth_error, decided by its code alone ---

  handleAuthError({ code, message }) {
    this.logger.error('Authentication error', { code, message, tokenType: tokenType(this.token) });
    this.leave(ERROR);
    switch (code) {
      case 'AUTH_EXPIRED':
        return this.handleExpiredToken();
      case 'AUTH_REQUIRED':
      case 'AUTH_INVALID':
        return this.handleInvalidToken();
      default:
        return this.scheduleReconnect(); // an unknown code says nothing against the token (DT-X-18)
    }
  }

  handleExpiredToken() {
    return this.recover(async (signal) => {
      if (await this.tryRefresh(signal)) return 0;
      if (!signal.aborted) await this.useGuestToken();
      return this.options.guestDelay;
    });
  }

  handleInvalidToken() {
    return this.recover(async () => {
      await this.useGuestToken();
      return this.options.guestDelay;
    });
  }

  /** Runs `steps`, which yield the wait before the reconnect, unless disconnect() comes first. */
  async recover(steps) {
    const recovery = new AbortController();
    this.recovery = recovery;
    const delay = await steps(recovery.signal);
    if (recovery.signal.aborted) return;
    this.recovery = null;
    this.scheduleReconnect(delay);
  }

  /** Whether there is a new token. A guest has nothing to refresh (DT-X-14). */
  async tryRefresh(signal) {
    if (isGuestToken(this.token)) return false;
    try {
      return await this.refreshToken(signal);
    } catch (error) {
      if (!signal.aborted) this.logger.error('Token refresh failed', { message: error.message });
      return false;
    }
  }

  async refreshToken(signal) {
    const old = this.token;
    const answer = await this.post('/auth/refresh', { token: old }, signal);
    if (answer.status === 401 || answer.status === 403) return false;
    if (answer.status !== 200) throw new Error(`refresh answered with status ${answer.status}`);
    const token = tokenIn(answer);
    if (token === old) throw new Error('refresh returned the rejected token');
    if (signal.aborted) return false;
    await this.storage.setAccessToken(token);
    return true;
  }

  post(path, body, signal) {
    const { network, timers, options } = this;
    const url = this.api.replace(/\/$/, '') + path;
    return postJson(url, body, { agent: network.agentFor(url), signal, timers, limit: options.refreshTimeout });
  }

  async useGuestToken() {
    await this.storage.setAccessToken(this.generateGuestToken());
    this.logger.info('Switched to guest mode', {});
  }

  generateGuestToken() {
    return generateGuestToken();
  }

  // --- tokens ---

  /** Read anew for every attempt. A malformed guest token would only be rejected, so a fresh one takes its place. */
  async readToken() {
    const token = await this.storage.getAccessToken();
    if (!isGuestToken(token) || this.validateGuestToken(token)) return token;
    const fresh = this.generateGuestToken();
    await this.storage.setAccessToken(fresh);
    return fresh;
  }

  validateGuestToken(token) {
    const isValid = isWellFormed(token);
    this.logger.debug('Guest token validation', { isValid, token: `${token.substring(0, 20)}...` });
    return isValid;
  }

  logToken(token) {
    this.logger.debug('Connecting with token', {
      tokenType: tokenType(token),
      tokenLength: token?.length ?? 0,
      tokenPrefix: token?.substring(0, 10) ?? '',
    });
  }

  // --- retries ---

  /** At most one reconnect is pending. When the guard trips, the client rests where it is: in error. */
  scheduleReconnect(delay = this.backoffDelay()) {
    this.cancelReconnect();
    const tripped = this.guardTripped();
    if (tripped) {
      this.logger.error('Too many reconnection attempts', tripped);
      return;
    }
    this.logger.warn('Scheduling reconnection', { ...this.guard.record(this.timers.now()), delay });
    this.setConnectionState(RECONNECTING);
    this.reconnectTimer = this.timers.set(() => {
      this.reconnectTimer = null;
      this.openAttempt();
    }, delay);
  }

  backoffDelay() {
    return this.backoff.next();
  }

  guardTripped() {
    return this.guard.trippedAt(this.timers.now());
  }

  cancelReconnect() {
    this.timers.clear(this.reconnectTimer);
    this.reconnectTimer = null;
  }

  resetCounters() {
    this.backoff.reset();
    this.guard.reset();
  }

  // --- states ---

  /** One notification for each actual change, however many routines set the same state (DT-X-16). */
  setConnectionState(state) {
    const from = this.connectionState;
    if (state === from) return;
    this.connectionState = state;
    this.logger.info('Connection state changed', { from, to: state, timestamp: Date.now() });
    this.emit('connectionStateChange', state);
  }
}
