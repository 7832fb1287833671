// The status panel: what stands for an address, and only those actions that maysend would take now.
//
// The panel decides nothing. GetStatus runs each command dry, and what would be APPLIED is offered;
// for the others the panel says why not. Between look and click things may change: the outcome of
// the action itself is what counts.

import { outcomeName } from './client.js';

// What staff can do for a brand: the field of BrandActions, its name, and what it does.
export const ACTIONS = [
  ['mark_consent_requested', 'ask for consent', 'allows one mail that asks for consent to a topic, if that topic is open'],
  ['record_consent', 'record consent', 'records that the owner agreed, with the proof of it'],
  ['withdraw_consent', 'withdraw consent', 'records that the owner does not agree; only the owner can undo it'],
  ['lift_blocks', 'lift block', "removes what staff or a bounce blocked; the owner's own no stays"],
];

// Why an action is not offered.
export const WHY_NOT = {
  REJECTED_OPTED_OUT: 'the owner said no, and only the owner can take it back',
  REJECTED_REFUSED: 'the owner refused, and only the owner can take it back',
  REJECTED_BLOCKED: 'a block stands in the way',
  REJECTED_COMPLAINT: 'the owner complained, and only the owner can take it back',
  REJECTED_POLICY: 'the rules of this brand do not allow it',
  REJECTED_RECENTLY_ASKED: 'the owner was asked not long ago',
  REJECTED_UNKNOWN_ADDRESS: 'the company does not have this address on file',
  REJECTED_ERASURE_PENDING: 'an erasure is requested and not decided yet',
  REJECTED_ERASED: 'all data of this address were erased',
  REJECTED_ALREADY_GRANTED: 'the owner has agreed already',
  REJECTED_PROOF: "this needs the owner's own proof, through the mailbox or a login",
};
const NOTHING_TO_DO = {
  lift_blocks: 'nothing is blocked',
  withdraw_consent: 'it is recorded already',
  record_consent: 'it is recorded already',
};

// Why the action is not offered, in plain words.
function whyNot(action, outcome, isErased) {
  if (outcome === 'UNCHANGED') {
    return isErased ? WHY_NOT.REJECTED_ERASED : NOTHING_TO_DO[action] ?? 'it would change nothing';
  }
  return WHY_NOT[outcome] ?? `maysend says ${outcome}, which this panel does not know yet`;
}

// What stands for the address. Give the revision of your last write to see it.
export async function panel(maysend, address, atLeastRevision = 0) {
  const status = await maysend.status(address, atLeastRevision);
  const words = new Words(await maysend.titles());
  const erasure = plain(status.erasure, 'ERASURE_STATE_');
  const offers = status.actions.flatMap((brand) => ACTIONS.map(([action]) => {
    const outcome = outcomeName(brand[action]);
    const why = outcome === 'APPLIED' ? '' : whyNot(action, outcome, erasure === 'erased');
    return { brand: brand.brand, action, outcome, whyNot: why };
  }));
  return {
    address: status.canonical_address,
    onFileWith: status.registered_with.map((id) => words.controllers.get(id) ?? id),
    erasure,
    stands: words.stands(status),
    offers,
    revision: status.revision,
    titles: words.brands,
  };
}

export function textOf({ address, onFileWith, erasure, stands, offers, titles }) {
  const lines = [address, `  on file with: ${onFileWith.join(', ') || 'nobody'}`];
  if (erasure !== 'none') lines.push(`  erasure: ${erasure}`);
  lines.push('', 'What stands', ...(stands.length ? stands : ['nothing']).map((line) => `  ${line}`));
  lines.push('', 'What you can do now');
  for (const brand of new Set(offers.map((offer) => offer.brand))) {
    lines.push(`  ${titles.get(brand) ?? brand} (${brand})`);
    lines.push(...buttons(offers.filter((offer) => offer.brand === brand)));
  }
  if (erasure !== 'erased') lines.push('', 'A block or an opt-out is always taken.');
  return lines.join('\n');
}

// The actions of a brand, then why the others are missing, equal reasons together.
function buttons(offers) {
  const names = new Map(ACTIONS.map(([action, name, effect]) => [action, { name, effect }]));
  const [offered, missing] = [[], new Map()];
  for (const { action, whyNot: why } of offers) {
    const { name, effect } = names.get(action);
    if (why) missing.set(why, [...(missing.get(why) ?? []), name]);
    else offered.push(`    [${name}]`.padEnd(24) + effect);
  }
  return [...offered, ...[...missing].map(([why, actions]) => `    not offered: ${actions.join(', ')} - ${why}`)];
}

// BLOCK_CAUSE_HARD_BOUNCE as `hard bounce`; of a newer maysend, the number.
function plain(name, prefix) {
  return String(name).replace(prefix, '').toLowerCase().replaceAll('_', ' ');
}

// A reason is somebody's text: it may hold line breaks, and sequences that move the cursor.
function oneLine(text) {
  return text.replace(/\p{C}/gu, ' ');
}

// Facts as people read them, by the titles of the catalog.
class Words {
  constructor({ controllers, brands }) {
    this.controllers = new Map(controllers.map(({ id, title }) => [id, title]));
    this.brands = new Map(brands.map(({ id, title }) => [id, title]));
    this.topics = new Map(brands.flatMap((b) => b.topics.map((t) => [`${b.id}/${t.id}`, t.title])));
  }

  scope({ level, controller, brand, topic }) {
    if (level === 'everything') return 'all mailings whatsoever';
    if (level === 'controller') return `all mailings of ${this.controllers.get(controller) ?? controller}`;
    if (level === 'brand') return this.brands.get(brand) ?? brand;
    const title = this.topics.get(`${topic.brand}/${topic.topic}`) ?? topic.topic;
    return `${this.brands.get(topic.brand) ?? topic.brand}, ${title}`;
  }

  // When it was recorded, and by whom.
  origin({ recorded_at: at, actor }) {
    const when = new Date(Number(at.seconds) * 1000).toISOString();
    const who = oneLine(actor.id) || plain(actor.class, 'ACTOR_CLASS_');
    return `${when.slice(0, 10)} ${when.slice(11, 16)} UTC, ${who}`;
  }

  stands({ blocks, opt_outs: optOuts, consents }) {
    const channels = { CHANNEL_EMAIL: 'e-mail', CHANNEL_POST: 'letters' };
    return [
      ...blocks.map((block) => {
        const cause = plain(block.cause, 'BLOCK_CAUSE_');
        const what = `${this.brands.get(block.brand) ?? block.brand}, ${channels[block.channel] ?? '?'} (${cause})`;
        return `blocked: ${what}: "${oneLine(block.reason)}" - ${this.origin(block.event)}`;
      }),
      ...optOuts.map(({ scope, event }) => `opted out: ${this.scope(scope)} - ${this.origin(event)}`),
      ...consents.map(({ state, legal_basis: basis, scope, event }) => {
        const on = basis === 'LEGAL_BASIS_UNSPECIFIED' ? '' : ` (${plain(basis, 'LEGAL_BASIS_')})`;
        return `consent ${plain(state, 'CONSENT_STATE_')}${on}: ${this.scope(scope)} - ${this.origin(event)}`;
      }),
    ];
  }
}
