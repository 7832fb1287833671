// maysend for a CRM plugin: what a clerk does is recorded exactly once, or the clerk is told.
//
// A call that fails on its way may have been recorded all the same. Repeated with the same
// request_id it is recorded once, and the first answer comes back. So an action of a clerk gets one
// request_id, before its first attempt, and keeps it.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import protobuf from 'protobufjs';

// The contract is read as the program starts. In a plugin, ship the proto folder with it.
const PROTO = fileURLToPath(new URL('../../../proto', import.meta.url));
const files = ['consent', 'catalog', 'erasure'].map((name) => `maysend/v1/${name}.proto`);
const definition = loadSync(files, {
  includeDirs: [PROTO], keepCase: true, longs: String, enums: String, defaults: true, oneofs: true,
});
export const { maysend: { v1: api } } = grpc.loadPackageDefinition(definition);

// The details of an error, from google/rpc/status.proto and error_details.proto.
export const details = protobuf.parse(`
  syntax = "proto3";
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Any { string type_url = 1; bytes value = 2; }
  message BadRequest { repeated FieldViolation field_violations = 1; }
  message FieldViolation { string field = 1; string description = 2; }
  message ErrorInfo { string reason = 1; string domain = 2; }
`, { keepCase: true }).root;

const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 2000;

const { UNKNOWN, UNAVAILABLE, DEADLINE_EXCEEDED, INTERNAL, CANCELLED } = grpc.status;

// maysend said no to the call as a whole, such as to a malformed one: it wrote nothing. `faults` names
// the fields to correct. Where `afterSilence` is set an earlier attempt got no answer: look at the
// history before you call it refused.
export class Refused extends Error {
  constructor(error, afterSilence = false) {
    const { reason, faults } = read(error);
    super(faults.map(({ field, problem }) => `${field}: ${problem}`).join('\n') || error.details);
    Object.assign(this, { code: grpc.status[error.code], reason, faults, afterSilence });
  }
}

// maysend gave no answer in time. A write may be recorded: repeat it with this requestId.
export class OutcomeUnknown extends Error {
  constructor(requestId, error) {
    const code = grpc.status[error.code];
    super(`${code}: ${error.details}`);
    Object.assign(this, { code, requestId });
  }
}

function read(error) {
  const found = { reason: '', faults: [] };
  const [octets] = error.metadata?.get('grpc-status-details-bin') ?? [];
  if (!octets) return found;
  for (const { type_url: url, value } of details.lookupType('Status').decode(octets).details) {
    if (url.endsWith('google.rpc.ErrorInfo')) {
      found.reason = details.lookupType('ErrorInfo').decode(value).reason;
    } else if (url.endsWith('google.rpc.BadRequest')) {
      const violations = details.lookupType('BadRequest').decode(value).field_violations;
      found.faults = violations.map((v) => ({ field: v.field, problem: v.description }));
    }
  }
  return found;
}

// Whether nobody knows if the write was recorded.
function isOutcomeUnknown(error) {
  if ([UNKNOWN, UNAVAILABLE, DEADLINE_EXCEEDED].includes(error.code)) return true;
  // What gRPC itself may make of a call that breaks on its way. An error of maysend has a reason.
  return [INTERNAL, CANCELLED].includes(error.code) && read(error).reason === '';
}

// APPLIED, or REJECTED_...: a number that only a newer maysend knows is a rejection.
export function outcomeName(outcome) {
  if (typeof outcome === 'string' && outcome !== 'WRITE_OUTCOME_UNSPECIFIED') {
    return outcome.replace('WRITE_OUTCOME_', '');
  }
  return `REJECTED_${typeof outcome === 'string' ? 0 : outcome}`;
}

// The scope `everything`, `controller:ID`, `brand:ID` or `topic:BRAND/TOPIC`.
export function scopeOf(text) {
  const [, kind, name] = /^(controller|brand|topic):(.+)$/.exec(text) ?? [];
  const [, brand, topic] = /^([^/]+)\/(.+)$/.exec(name ?? '') ?? [];
  if (text === 'everything') return { everything: true };
  if (kind === 'topic' && brand) return { topic: { brand, topic } };
  if (kind && kind !== 'topic') return { [kind]: name };
  throw new TypeError(`\`${text}\` is no scope: everything, controller:ID, brand:ID or topic:BRAND/TOPIC`);
}

// A connection that outlives restarts of the server, on behalf of one clerk.
//
// `deadline` is for one attempt, `patience` for all attempts of one call, in milliseconds.
// `beforeRetry` is called with the error of each attempt that is repeated.
export class Maysend {
  constructor(server, actor = '', { deadline = 5000, patience = 60_000, beforeRetry = () => {} } = {}) {
    const options = {
      // By default a client waits up to two minutes before it tries a lost server again.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
      // Else the socket's path goes there, which HTTP/2 does not allow.
      ...(server.startsWith('unix:') && { 'grpc.default_authority': 'localhost' }),
    };
    const plain = grpc.credentials.createInsecure();
    this.consent = new api.ConsentService(server, plain, options);
    this.catalog = new api.CatalogService(server, plain, options);
    this.erasure = new api.ErasureService(server, plain, options);
    this.metadata = new grpc.Metadata();
    const isAscii = /^[\x20-\x7e]*$/.test(actor);
    if (actor && isAscii) this.metadata.set('maysend-actor', actor);
    if (actor && !isAscii) this.metadata.set('maysend-actor-bin', Buffer.from(actor));
    Object.assign(this, { server, deadline, patience, beforeRetry });
  }

  close() {
    this.consent.close();
    this.catalog.close();
    this.erasure.close();
  }

  // Sends the message, and the very same again for as long as its outcome is unknown.
  async callWithRetry(service, method, message) {
    const end = Date.now() + this.patience;
    let [pause, silent] = [FIRST_PAUSE, false];
    for (;;) {
      try {
        return await this.#attempt(service, method, message);
      } catch (error) {
        if (!isOutcomeUnknown(error)) throw new Refused(error, silent);
        // Half of it by chance, so that all who lost the server do not come back at once.
        const wait = pause * (0.5 + Math.random() / 2);
        if (Date.now() + wait >= end) throw new OutcomeUnknown(message.request_id ?? '', error);
        this.beforeRetry(error);
        await sleep(wait);
        [pause, silent] = [Math.min(2 * pause, LONGEST_PAUSE), true];
      }
    }
  }

  #attempt(service, method, message) {
    const options = { deadline: Date.now() + this.deadline };
    return new Promise((resolve, reject) => {
      service[method](message, this.metadata, options, (error, response) => {
        if (error) reject(error);
        else resolve(response);
      });
    });
  }

  // What became of a write for its one address: the name of the outcome, and the revision that
  // holds it.
  async write(method, message) {
    // An action has one request_id, whatever becomes of its first attempt.
    const sent = { ...message, request_id: message.request_id || randomUUID() };
    const { outcomes, revision } = await this.callWithRetry(this.consent, method, sent);
    return { outcome: outcomeName(outcomes[0]), revision, requestId: sent.request_id };
  }

  // What a clerk does, each one call.

  // Stops the brands with a reason, and opts the owner out of scopes, in one write.
  async block(address, brands, reason, { cause = 'STAFF_DECISION', optOut = [], requestId = '' } = {}) {
    return this.write('BlockAddresses', {
      addresses: [address], brands, cause: `BLOCK_CAUSE_${cause}`, reason,
      opt_out: optOut.map(scopeOf), request_id: requestId,
    });
  }

  async liftBlocks(address, brand, reason) {
    return this.write('LiftBlocks', { addresses: [address], brands: [brand], reason });
  }

  // Records a yes. Evidence that is less than its method needs is Refused.
  async recordConsent(address, brand, evidence) {
    const scopes = [{ brand }];
    return this.write('RecordConsent', { addresses: [address], scopes, legal_basis: 'LEGAL_BASIS_CONSENT', evidence });
  }

  async withdrawConsent(address, brand, reason = '') {
    return this.write('WithdrawConsent', { addresses: [address], scopes: [{ brand }], reason });
  }

  // Takes the permission to send this one request: send it only if APPLIED.
  async markConsentRequested(address, brand, campaign) {
    return this.write('MarkConsentRequested', { addresses: [address], brand, campaign });
  }

  // Stops everything at once; a colleague decides. Gives the case.
  async requestErasure(address, reason) {
    const request = { address, reason, request_id: randomUUID() };
    const { erasure_case: found } = await this.callWithRetry(this.erasure, 'RequestErasure', request);
    return found;
  }

  // What a clerk looks at.

  async status(address, atLeastRevision = 0) {
    return this.callWithRetry(this.consent, 'GetStatus', { address, at_least_revision: atLeastRevision });
  }

  // All events of the address, newest first.
  async history(address) {
    const events = [];
    let token = '';
    do {
      const page = await this.callWithRetry(this.consent, 'GetHistory', { address, page_token: token });
      events.push(...page.events);
      token = page.next_page_token;
    } while (token);
    return events;
  }

  // The catalog: what people call controllers and brands.
  async titles() {
    return this.callWithRetry(this.catalog, 'GetCatalog', {});
  }
}
