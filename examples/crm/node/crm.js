#!/usr/bin/env node
// A CRM plugin at the command line: the status panel, and a block with reason and opt-out.

import { parseArgs } from 'node:util';
import { Maysend, OutcomeUnknown, Refused, scopeOf } from './client.js';
import { WHY_NOT, panel, textOf } from './panel.js';

const USAGE = `usage: crm.js [OPTIONS] panel ADDRESS
       crm.js [OPTIONS] block ADDRESS --brand ID... --reason TEXT [--opt-out SCOPE...]

  --server HOST:PORT or unix:PATH   [default: $MAYSEND_SERVER or 127.0.0.1:50051]
  --actor NAME          the clerk, for the record
  --patience SECONDS    how long to try [default: 60]
  --brand ID            a brand to stop; may be given several times
  --reason TEXT         why
  --opt-out SCOPE       also opt the owner out: everything, controller:ID, brand:ID, topic:BRAND/TOPIC
  --cause CAUSE         staff-decision [default], or owner-request: the owner asked for it, and only
                        the owner can undo it
  --request-id ID       to repeat a block that got no answer
`;
const [DONE, FAILED, WRONG_USAGE, UNKNOWN] = [0, 1, 64, 75];
const CAUSES = { 'staff-decision': 'STAFF_DECISION', 'owner-request': 'OWNER_REQUEST' };

function commandLine() {
  const text = { type: 'string' };
  const options = {
    server: { ...text, default: process.env.MAYSEND_SERVER ?? '127.0.0.1:50051' },
    actor: { ...text, default: process.env.USER ?? '' },
    patience: { ...text, default: '60' },
    brand: { ...text, multiple: true, default: [] },
    reason: text,
    'opt-out': { ...text, multiple: true, default: [] },
    cause: { ...text, default: 'staff-decision' },
    'request-id': { ...text, default: '' },
    help: { type: 'boolean', short: 'h' },
  };
  const { values, positionals: [command, address, ...rest] } = parseArgs({ options, allowPositionals: true });
  if (values.help) return { command: 'help' };
  values['opt-out'].forEach(scopeOf);
  if (!['panel', 'block'].includes(command) || !address || rest.length) {
    throw new TypeError('give panel or block, and one address');
  }
  if (command === 'block' && (!values.brand.length || values.reason === undefined)) {
    throw new TypeError('block needs --brand and --reason');
  }
  if (!Object.hasOwn(CAUSES, values.cause)) throw new TypeError(`--cause is ${Object.keys(CAUSES).join(' or ')}`);
  if (!(Number(values.patience) >= 0)) throw new TypeError('--patience is a number of seconds');
  return { command, address, ...values };
}

async function block(maysend, args) {
  const written = await maysend.block(args.address, args.brand, args.reason, {
    cause: CAUSES[args.cause], optOut: args['opt-out'], requestId: args['request-id'],
  });
  if (written.outcome === 'REJECTED_INVALID_ADDRESS') {
    console.error(`Not recorded. address: \`${args.address}\` is no e-mail address`);
    return FAILED;
  }
  if (!['APPLIED', 'UNCHANGED'].includes(written.outcome)) {
    console.error(`Not recorded: ${WHY_NOT[written.outcome] ?? written.outcome}`);
    return FAILED;
  }
  if (written.outcome === 'UNCHANGED') {
    console.log('Nothing new to record: it stood so already, or all data of this address were erased.');
    return DONE;
  }
  const optedOut = args['opt-out'].length ? `, and opted out of ${args['opt-out'].join(', ')}` : '';
  console.log(`Recorded: ${args.address} is blocked for ${args.brand.join(', ')}${optedOut}.`);
  return DONE;
}

async function run(args) {
  let silences = 0;
  const beforeRetry = (error) => {
    if (silences === 0) {
      const code = new OutcomeUnknown('', error).code;
      console.error(`No answer yet (${code}). Trying for up to ${Number(args.patience)} seconds; nothing is recorded twice.`);
    }
    silences += 1;
  };
  // maysend itself prints http://HOST:PORT.
  const maysend = new Maysend(args.server.replace('http://', ''), args.actor, { patience: 1000 * args.patience, beforeRetry });
  try {
    if (args.command === 'block') return await block(maysend, args);
    console.log(textOf(await panel(maysend, args.address)));
    return DONE;
  } catch (error) {
    if (error instanceof Refused) {
      console.error(`Refused. ${error.message}`);
      if (error.afterSilence) console.error('An earlier attempt got no answer: look at the history.');
      return FAILED;
    }
    if (!(error instanceof OutcomeUnknown)) throw error;
    console.error(`maysend at ${args.server} gives no answer.\n  ${error.message}`);
    console.error(error.requestId
      ? `It may be recorded or not. To repeat it safely, run the same command with\n  --request-id ${error.requestId}`
      : 'Without an answer, send nothing.');
    return UNKNOWN;
  } finally {
    maysend.close();
  }
}

let args;
try {
  args = commandLine();
} catch (error) {
  console.error(`${USAGE}\ncrm.js: ${error.message}`);
  process.exit(WRONG_USAGE);
}
if (args.command === 'help') process.stdout.write(USAGE);
else process.exitCode = await run(args);
