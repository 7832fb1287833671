// The example against the real server: MAYSEND=PATH node --test test/crm.test.js

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import grpc from '@grpc/grpc-js';
import { Maysend, OutcomeUnknown, Refused, api, details } from '../client.js';
import { ACTIONS, WHY_NOT, panel, textOf } from '../panel.js';
import { Line, Server } from './server.js';

const [CLERKS, KILLS] = [16, 8];
const EVE = 'eve@example.org';

// What a test leaves open keeps the program from ending.
const opened = [];
const connect = (...args) => {
  opened.push(new Maysend(...args));
  return opened.at(-1);
};

// Runs with a server of its own, and ends it.
async function withServer(options, story) {
  const server = await Server.start(options);
  try {
    await story(server);
  } finally {
    opened.splice(0).forEach((connection) => connection.close());
    await server.end();
  }
}

// The one event of an address: the action was neither lost nor doubled.
async function onlyEvent(maysend, address) {
  const events = await maysend.history(address);
  assert.equal(events.length, 1, `${address} has one event`);
  return events[0];
}

// Blocks one address after the other, each with a reason of its own, until told to stop.
class Clerk {
  constructor(name, server) {
    Object.assign(this, { name, silences: [], lost: new Map(), done: new Map(), isTold: false });
    this.maysend = connect(server, name, { beforeRetry: (error) => this.see(error) });
  }

  see(error) {
    this.silences.push(grpc.status[error.code]);
    if (!this.lost.has(this.address)) this.lost.set(this.address, Date.now());
  }

  async work() {
    while (!this.isTold) {
      const number = this.done.size;
      this.address = `${this.name}-${number}@example.org`;
      const reason = `call ${number}`;
      const optOut = number % 3 === 0 ? ['controller:buehne'] : [];
      const written = await this.maysend.block(this.address, ['festival', 'seeblick'], reason, { optOut });
      this.done.set(this.address, { written, reason, optOuts: optOut.length });
      // A pause, so that there are fewer actions to be checked, not fewer calls to be cut.
      await sleep(4 * Math.random());
    }
  }
}

for (const unix of [false, true]) {
  test(`every action is recorded exactly once, ${unix ? 'Unix socket' : 'TCP'}`, () => withServer({ unix }, async (server) => {
    const clerks = Array.from({ length: CLERKS }, (_, n) => new Clerk(`clerk${n}`, server.listen));
    let isWorking = true;
    const work = Promise.all(clerks.map((clerk) => clerk.work())).finally(() => { isWorking = false; });
    for (let kill = 0; kill < KILLS; kill += 1) {
      // Half of them are back, with calls under way.
      const before = clerks.map((clerk) => clerk.done.size);
      while (isWorking && clerks.filter((clerk, n) => clerk.done.size > before[n]).length < CLERKS / 2) {
        await sleep(3 * Math.random());
      }
      await server.kill();
      await server.start();
    }
    clerks.forEach((clerk) => { clerk.isTold = true; });
    await work;
    const maysend = connect(server.listen);
    const silences = {};
    let [recorded, acknowledgementsLost] = [0, 0];
    for (const clerk of clerks) {
      clerk.silences.forEach((code) => { silences[code] = (silences[code] ?? 0) + 1; });
      for (const [address, { written, reason, optOuts }] of clerk.done) {
        assert.equal(written.outcome, 'APPLIED', address);
        const event = await onlyEvent(maysend, address);
        const { kind, request_id: requestId, actor } = event;
        assert.deepEqual(
          { kind, requestId, reason: event.reason, actor: actor.id },
          { kind: 'EVENT_KIND_BLOCKED', requestId: written.requestId, reason, actor: clerk.name },
        );
        const status = await maysend.status(address);
        const stands = status.blocks.map((block) => [block.brand, block.reason]).sort();
        assert.deepEqual(stands, [['festival', reason], ['seeblick', reason]]);
        assert.equal(status.opt_outs.length, optOuts);
        const at = 1000 * Number(event.recorded_at.seconds) + event.recorded_at.nanos / 1e6;
        recorded += 1;
        if (at < clerk.lost.get(address)) acknowledgementsLost += 1;
      }
    }
    console.log(`  ${unix ? 'unix' : 'tcp'}: ${recorded} blocks by ${CLERKS} clerks, ${KILLS} times kill -9; calls cut short:`, silences,
      `recorded but not acknowledged before a kill: ${acknowledgementsLost}`);
    assert.ok((silences.UNKNOWN ?? 0) + (silences.UNAVAILABLE ?? 0) > 0, 'calls were cut short');
  }));
}

test('an acknowledgement lost with the server is given again', () => withServer({}, async (server) => {
  const line = await Line.to(server.port);
  opened.push(line);
  const [direct, silences] = [connect(server.listen), []];
  const beforeRetry = (error) => silences.push(grpc.status[error.code]);
  const clerk = connect(line.address, 'clerk', { beforeRetry });
  await clerk.status(EVE);
  line.isMute = true;
  let result = null;
  const acts = clerk.block(EVE, ['festival'], 'call').then((written) => { result = written; });
  while (!(await direct.history(EVE)).length);
  assert.deepEqual([result, silences], [null, []], 'recorded, and the clerk does not know');
  await server.kill();
  line.cut();
  await server.start();
  await acts;
  const event = await onlyEvent(direct, EVE);
  assert.deepEqual([result.outcome, result.requestId], ['APPLIED', event.request_id]);
  assert.ok(silences.includes('UNAVAILABLE'), String(silences));
}));

test('a server that hangs is asked again', () => withServer({}, async (server) => {
  const silences = [];
  const beforeRetry = (error) => {
    silences.push(grpc.status[error.code]);
    server.thaw();
  };
  const clerk = connect(server.listen, 'clerk', { deadline: 500, beforeRetry });
  await clerk.status(EVE);
  server.freeze();
  const written = await clerk.block(EVE, ['festival'], 'call');
  assert.deepEqual([written.outcome, silences[0]], ['APPLIED', 'DEADLINE_EXCEEDED']);
  assert.equal((await onlyEvent(clerk, EVE)).request_id, written.requestId);
}));

test('who gives up can repeat later', () => withServer({}, async (server) => {
  server.freeze();
  const clerk = connect(server.listen, 'clerk', { deadline: 200, patience: 500 });
  const givenUp = await clerk.block(EVE, ['festival'], 'call').catch((error) => error);
  assert.ok(givenUp instanceof OutcomeUnknown);
  server.thaw();
  const { requestId } = givenUp;
  const again = connect(server.listen, 'clerk');
  for (let turn = 0; turn < 2; turn += 1) {
    const written = await again.block(EVE, ['festival'], 'call', { requestId });
    assert.deepEqual([written.outcome, written.requestId], ['APPLIED', requestId]);
  }
  await onlyEvent(again, EVE);
}));

// A server that fails in ways that maysend cannot be made to fail in, then takes the block.
// Gives what it was asked, and what became of the block.
async function blockAtStandIn(...faults) {
  const asked = [];
  const server = new grpc.Server();
  server.addService(api.ConsentService.service, {
    BlockAddresses({ request }, answer) {
      asked.push(request);
      const [code, reason] = faults[asked.length - 1] ?? [];
      if (!code) return answer(null, { outcomes: ['WRITE_OUTCOME_APPLIED'] });
      const metadata = new grpc.Metadata();
      if (reason) {
        const value = details.lookupType('ErrorInfo').encode({ reason, domain: 'maysend.v1' }).finish();
        const info = { type_url: 'type.googleapis.com/google.rpc.ErrorInfo', value };
        const octets = details.lookupType('Status').encode({ code, message: 'told so', details: [info] }).finish();
        metadata.set('grpc-status-details-bin', Buffer.from(octets));
      }
      return answer({ code, details: 'told so', metadata });
    },
  });
  const plain = grpc.ServerCredentials.createInsecure();
  const port = await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', plain, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const maysend = new Maysend(`127.0.0.1:${port}`);
  const result = await maysend.block(EVE, ['festival'], 'call').catch((error) => error);
  maysend.close();
  server.forceShutdown();
  return { asked, result };
}

test('a call that broke on its way is repeated as it was', async () => {
  const { INTERNAL, UNKNOWN, CANCELLED } = grpc.status;
  const { asked, result } = await blockAtStandIn([INTERNAL], [UNKNOWN, 'OUTCOME_UNKNOWN'], [CANCELLED]);
  assert.deepEqual([result.outcome, asked.length], ['APPLIED', 4]);
  for (const request of asked) assert.deepEqual(request, asked[0]);
  assert.equal(asked[0].request_id, result.requestId);
});

test('an error of maysend is not repeated', async () => {
  const { INTERNAL, RESOURCE_EXHAUSTED, UNAVAILABLE, PERMISSION_DENIED } = grpc.status;
  for (const [code, reason] of [[INTERNAL, 'DAMAGED'], [RESOURCE_EXHAUSTED, 'DISK_FULL']]) {
    const { asked, result } = await blockAtStandIn([code, reason]);
    assert.deepEqual([result.code, result.reason, result.afterSilence], [grpc.status[code], reason, false]);
    assert.equal(asked.length, 1);
  }
  const { result } = await blockAtStandIn([UNAVAILABLE], [PERMISSION_DENIED, 'ROLE_MISSING']);
  assert.ok(result.afterSilence, 'the first attempt may be recorded');
});

test('bad input names its field', () => withServer({}, async (server) => {
  const maysend = connect(server.listen);
  const cases = [
    ['reason', () => maysend.block(EVE, ['festival'], ' ')],
    ['brands[1]', () => maysend.block(EVE, ['festival', 'nobody'], 'call')],
    ['opt_out[0].controller', () => maysend.block(EVE, ['festival'], 'call', { optOut: ['controller:nobody'] })],
    ['evidence.method', () => maysend.recordConsent(EVE, 'festival', {})],
    ['address', () => panel(maysend, 'eve')],
  ];
  for (const [field, act] of cases) {
    const refused = await act().catch((error) => error);
    assert.ok(refused instanceof Refused, field);
    assert.deepEqual(refused.faults.map((fault) => fault.field), [field]);
    assert.ok(refused.message.startsWith(`${field}: `));
  }
  assert.deepEqual(await maysend.history(EVE), []);
  assert.equal((await maysend.block('eve', ['festival'], 'call')).outcome, 'REJECTED_INVALID_ADDRESS');
  await assert.rejects(maysend.block(EVE, ['festival'], 'call', { optOut: ['festival'] }), TypeError);
}));

const EVIDENCE = { method: 'METHOD_PHONE', source: 'extension 12' };
// What is offered is a consent with a proof of its own: the same proof again would change nothing.
const NEW_EVIDENCE = { method: 'METHOD_PHONE', source: 'extension 13' };

// A block for a cause, as staff and machines record it.
const blocked = (cause, { brand = 'festival', channel = 'CHANNEL_EMAIL' } = {}) => (maysend, address) => maysend.write(
  'BlockAddresses',
  { addresses: [address], brands: [brand], channels: [channel], cause: `BLOCK_CAUSE_${cause}`, reason: 'so' },
);
const optedOut = (scope) => (maysend, address) => maysend.write('OptOut', { addresses: [address], scopes: [scope] });
// A yes or no to one topic: not the one that the campaigns here ask about.
const ofTopic = (method, fields) => (maysend, address) => maysend.write(
  method,
  { addresses: [address], scopes: [{ topic: { brand: 'festival', topic: 'programm' } }], ...fields },
);
const onFile = (maysend, address) => maysend.write('RegisterAddresses', { addresses: [address], controllers: ['buehne', 'hotels'] });
const erasurePending = (maysend, address) => maysend.requestErasure(address, 'a letter');
async function erased(maysend, address) {
  const { id } = await erasurePending(maysend, address);
  const colleague = connect(maysend.server, 'colleague');
  await colleague.callWithRetry(colleague.erasure, 'ApproveErasure', { id });
}

const SITUATIONS = {
  'nobody knows it': [],
  'on file': [onFile],
  agreed: [(m, a) => m.recordConsent(a, 'festival', EVIDENCE)],
  'agreed to a topic': [ofTopic('RecordConsent', { legal_basis: 'LEGAL_BASIS_CONSENT', evidence: EVIDENCE })],
  'out of a topic': [onFile, ofTopic('OptOut')],
  withdrew: [onFile, (m, a) => m.withdrawConsent(a, 'festival')],
  'blocked by staff': [onFile, blocked('STAFF_DECISION')],
  'blocked by staff, then lifted': [blocked('STAFF_DECISION'), (m, a) => m.liftBlocks(a, 'festival', 'mistake')],
  "blocked at the owner's wish": [onFile, blocked('OWNER_REQUEST')],
  bounced: [onFile, blocked('HARD_BOUNCE')],
  complained: [onFile, blocked('COMPLAINT')],
  'no letters': [onFile, blocked('OWNER_REQUEST', { channel: 'CHANNEL_POST' })],
  'out of a company': [onFile, optedOut({ controller: 'buehne' })],
  'out of everything, and blocked': [onFile, optedOut({ everything: true }), blocked('STAFF_DECISION', { brand: 'alpenhof' })],
  'erasure requested': [onFile, erasurePending],
  erased: [onFile, erased],
};

// The action as the panel names it; gives the name of its outcome.
async function carryOut(maysend, action, address, brand) {
  const { outcome } = await {
    mark_consent_requested: () => maysend.markConsentRequested(address, brand, 'panel'),
    record_consent: () => maysend.recordConsent(address, brand, NEW_EVIDENCE),
    withdraw_consent: () => maysend.withdrawConsent(address, brand),
    lift_blocks: () => maysend.liftBlocks(address, brand, 'panel'),
  }[action]();
  return outcome;
}

test('the panel offers exactly what the commands then do', () => withServer({}, async (server) => {
  const maysend = connect(server.listen, 'clerk');
  const { brands } = await maysend.titles();
  for (const { id: brand, topics: [topic] } of brands) {
    const campaign = { brand, campaign: 'panel', topic: topic.id, purpose: 'PURPOSE_CONSENT_REQUEST' };
    await maysend.callWithRetry(maysend.catalog, 'RegisterCampaign', { campaign });
  }
  const seen = {};
  for (const [number, [situation, steps]] of Object.entries(SITUATIONS).entries()) {
    for (const { id: brand } of brands) {
      for (const [action] of ACTIONS) {
        // Each action finds the situation untouched.
        const address = `${action}-${brand}-${number}@example.org`;
        for (const step of steps) await step(maysend, address);
        const { offers } = await panel(maysend, address);
        const offer = offers.find((found) => found.brand === brand && found.action === action);
        const outcome = await carryOut(maysend, action, address, brand);
        assert.equal(outcome, offer.outcome, `${situation}: ${action}, ${brand}`);
        assert.equal(outcome === 'APPLIED', offer.whyNot === '', `${situation}: ${action}, ${brand}`);
        seen[outcome] = (seen[outcome] ?? 0) + 1;
      }
    }
  }
  const total = Object.values(seen).reduce((sum, count) => sum + count);
  console.log(`  the panel foretold ${total} outcomes:`, seen);
  for (const outcome of ['APPLIED', 'UNCHANGED', 'REJECTED_OPTED_OUT', 'REJECTED_REFUSED', 'REJECTED_BLOCKED', 'REJECTED_COMPLAINT', 'REJECTED_ERASURE_PENDING', 'REJECTED_ERASED']) {
    assert.ok(seen[outcome], `${outcome} was seen`);
  }
}));

test('what is not offered is not shown as a button and says why', () => withServer({}, async (server) => {
  const maysend = connect(server.listen, 'Frau M\u00fcller');
  const optOut = ['controller:buehne'];
  const { revision } = await maysend.block(EVE, ['festival'], 'no more\nmail', { cause: 'OWNER_REQUEST', optOut });
  const shown = await panel(maysend, EVE, revision);
  const text = textOf(shown);
  assert.equal(text.split('[').length - 1, shown.offers.filter((offer) => !offer.whyNot).length);
  const festival = text.slice(text.indexOf('(festival)'), text.indexOf('(stadttheater)'));
  assert.ok(festival.includes('[withdraw consent]'));
  assert.ok(!festival.includes('[lift block]'));
  assert.ok(festival.includes('lift block - the owner said no, and only the owner can take it back'));
  assert.ok(text.includes('Sommerfestival, e-mail (owner request): "no more mail"'));
  assert.ok(text.includes('opted out: all mailings of B\u00fchne GmbH'));
  assert.ok(text.includes('Frau M\u00fcller'));
}));

test('every outcome and every action has its words', () => {
  const rejected = api.WriteOutcome.type.value.map(({ name }) => name).filter((name) => name.includes('REJECTED'));
  const silent = rejected.filter((name) => !WHY_NOT[name.replace('WRITE_OUTCOME_', '')]);
  assert.deepEqual(silent, ['WRITE_OUTCOME_REJECTED_INVALID_ADDRESS'], 'GetStatus refuses those');
  const fields = api.BrandActions.type.field.map(({ name }) => name).filter((name) => name !== 'brand');
  assert.deepEqual(fields.sort(), ACTIONS.map(([action]) => action).sort(), 'every action of the contract is shown');
});
