'use strict';

// Requests that the package signs, to the real server: what a key may do it does, once, and as it was signed.

const assert = require('node:assert/strict');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { after, before, test } = require('node:test');
const { JSON_TYPE, bent, changed, now } = require('../letters');
const { Chain, Holder, ok, send, url } = require('../server');
const { BODY_COVERS, COVERS, Key, ORDERS } = require('../theirs');

const SELF = '/v1/service-keys/self';
const LIST = '/v1/service-keys';
const ALGORITHMS = ['ed25519', 'hmac-sha256'];
const NOT_SIGNED = 'signature does not verify';
const REPLAYED = 'the signature has been taken before';
const OTHER_AUTHORITY = 'authority is not one of the public names';

const folder = mkdtempSync(join(tmpdir(), 'strongroom-signatures-'));
let chain;
/** Of each algorithm a key that may do what keys may by default, and one that may make others. */
const holders = {};
const makers = {};

before(() => {
  const everything = join(folder, 'everything.json');
  writeFileSync(everything, '{"version":"1","default_allow":true,"permissions":{}}');
  chain = new Chain();
  for (const algorithm of ALGORITHMS) {
    holders[algorithm] = chain.holder(algorithm);
    makers[algorithm] = chain.holder(algorithm, everything);
  }
});
after(() => rmSync(folder, { recursive: true }));

/** Holds a 401 to why it is one, and to what it tells whoever wants to do better. */
function refused({ status, headers, document }, detail, code = 'signature-refused') {
  assert.deepEqual([status, document.code], [401, code], JSON.stringify(document));
  assert.ok((document.detail ?? '').includes(detail), JSON.stringify(document));
  assert.match(headers['accept-signature'], /^sig=\(.*\);created;tag="strongroom"$/);
  assert.ok(Math.abs(Date.parse(headers.date) - Date.now()) < 60_000, headers.date);
}

/** A test for each algorithm, with the key of that among these. */
function each(what, of, check) {
  for (const algorithm of ALGORITHMS) test(`${algorithm}: ${what}`, () => check(of[algorithm]));
}

each('a key asks what it may, in every order of parameters', holders, async (holder) => {
  for (const order of ORDERS) {
    const options = { order, about: { expires: now() + 300 }, name: 'any' };
    const me = ok(await holder.ask('GET', SELF, options));
    assert.deepEqual([me.chain, me.id, me.root], [chain.id, holder.id, false]);
    for (const query of ['', '?', `?chain=${chain.id}`]) {
      const listed = ok(await holder.ask('GET', `${LIST}${query}`, options)).service_keys.map(({ id }) => id);
      for (const { id } of Object.values(holders)) assert.ok(listed.includes(id));
    }
    const refusal = await holder.ask('POST', LIST, { ...options, body: '{}' });
    assert.deepEqual([refusal.status, refusal.document.code], [403, 'endpoint-refused']);
    assert.equal(refusal.headers['accept-signature'], undefined);
  }
});

each('a key that may makes keys of both kinds, in every order of parameters', makers, async (maker) => {
  for (const order of ORDERS) {
    const options = { order, about: { expires: now() + 300 } };
    const key = Key.ed25519();
    const public_key = Buffer.from(key.public.key, 'base64').subarray(-32).toString('base64');
    const make = async (document) => ok(await maker.ask('POST', LIST, { ...options, body: JSON.stringify(document) }));
    const lamp = await make({ kind: 'ed25519', public_key, nickname: 'лампа 💡' });
    const bell = await make({ kind: 'hmac-sha256', chain: chain.id });
    assert.deepEqual([lamp.key.nickname, lamp.secret], ['лампа 💡', undefined]);
    const made = [new Holder(lamp.key.id, key), new Holder(bell.key.id, Key.hmac(Buffer.from(bell.secret)))];
    for (const holder of made) {
      assert.equal(ok(await holder.ask('GET', SELF, options)).id, holder.id);
      ok(await maker.ask('DELETE', `${LIST}/${holder.id}`, options), 204);
      refused(await holder.ask('GET', SELF, options), NOT_SIGNED);
    }
  }
});

test('what a refusal offers is what a signature takes', async () => {
  const request = { method: 'POST', url: url(LIST), fields: [JSON_TYPE], body: '{}' };
  const unsigned = await send(request);
  refused(unsigned, '', 'credential-missing');
  const covers = [...unsigned.headers['accept-signature'].matchAll(/"([^"]+)"(?= |\))/g)].map(([, name]) => name);
  assert.deepEqual(covers, [...COVERS, ...BODY_COVERS]);
  ok(await makers.ed25519.ask('POST', LIST, { covers, body: '{}' }));
  refused(await makers.ed25519.ask('POST', LIST, { covers: COVERS, body: '{}' }), 'content-digest is not covered');
});

each('a request is taken once', makers, async (maker) => {
  const requests = [
    await maker.signed('GET', SELF),
    await maker.signed('POST', LIST, { body: JSON.stringify({ nickname: `once by ${maker.id}` }) }),
    await maker.signed('PATCH', `${LIST}/NOSUCHKEYXYZ`, { body: '{}' }),
  ];
  assert.equal(ok(await send(requests[0])).id, maker.id);
  const { nickname } = ok(await send(requests[1])).key;
  ok(await send(requests[2]), 404);
  for (const request of requests) refused(await send(request), REPLAYED);
  const { service_keys: keys } = ok(await maker.ask('GET', LIST));
  assert.equal(keys.filter((key) => key.nickname === nickname).length, 1);
  // At once as well as one after the other.
  const raced = await maker.signed('GET', SELF);
  const answers = await Promise.all(Array.from({ length: 8 }, () => send(raced)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  answers.filter(({ status }) => status !== 200).forEach((answer) => refused(answer, REPLAYED));
});

each('nothing that was signed can be changed', makers, async (maker) => {
  const post = await maker.signed('POST', LIST, { body: '{"kind": "hmac-sha256", "nickname": "bell"}' });
  const list = await maker.signed('GET', `${LIST}?chain=${chain.id}`);
  const show = await maker.signed('GET', `${LIST}/${maker.id}`);
  const input = (from, to) => changed(list, 'signature-input', (text) => text.replace(from, to));
  const { host } = new URL(post.url);
  const changes = {
    body: [{ ...post, body: post.body.replace('bell', 'ball') }, 'content digest does not match the body'],
    digest: [changed(post, 'content-digest', bent), NOT_SIGNED],
    type: [changed(post, 'content-type', (value) => `${value}; charset=utf-8`), NOT_SIGNED],
    method: [{ ...show, method: 'DELETE' }, NOT_SIGNED],
    path: [{ ...show, url: url(SELF) }, NOT_SIGNED],
    query: [{ ...list, url: url(`${LIST}?chain=abc`) }, NOT_SIGNED],
    'no query': [{ ...list, url: url(LIST) }, NOT_SIGNED],
    authority: [{ ...list, url: list.url.replace(host, 'other.example') }, OTHER_AUTHORITY],
    nonce: [input(/nonce="./, 'nonce="~'), NOT_SIGNED],
    created: [input(/created=(\d+)/, (_, at) => `created=${Number(at) + 1}`), NOT_SIGNED],
    keyid: [input(maker.id, Object.values(holders)[0].id), NOT_SIGNED],
    signature: [changed(list, 'signature', bent), NOT_SIGNED],
  };
  for (const [met, detail] of Object.values(changes)) refused(await send(met), detail);
  // None of it has spent the nonce of the one who signed.
  for (const sent of [post, list, show]) ok(await send(sent));
});

each('a request is for one of the names of the server', holders, async (holder) => {
  const elsewhere = await holder.signed('GET', SELF, { base: 'http://other.example' });
  refused(await send(elsewhere), OTHER_AUTHORITY);
  refused(await send({ ...elsewhere, url: url(SELF) }), NOT_SIGNED);
});

each('a request has its time', holders, async (holder) => {
  const at = (created, expires) => holder.ask('GET', SELF, { about: { created: now() + created, expires } });
  for (const seconds of [-86_400, -62, 90, 86_400]) {
    refused(await at(seconds), 'signature was not created within the window');
  }
  refused(await at(-10, now() - 5), 'signature has expired');
  refused(await at(0, now() + 302), 'expiry is before the creation or too long after it');
  ok(await at(20, now() + 60));
});

each('a request has one credential', holders, async (holder) => {
  const sent = await holder.signed('GET', SELF);
  for (const authorization of ['Bearer srt_x', 'Bearer', 'DC1-HMAC-SHA256 KEY:AAAA', 'Basic YTpi']) {
    const both = { ...sent, fields: [...sent.fields, ['Authorization', authorization]] };
    refused(await send(both), '', 'credential-invalid');
  }
  ok(await send(sent));
});

for (const algorithm of ALGORITHMS) {
  test(`${algorithm}: a key that was deleted signs nothing, not even what it had signed before`, async () => {
    const holder = chain.holder(algorithm);
    const kept = await holder.signed('GET', SELF);
    ok(await holder.ask('GET', SELF));
    chain.delete(holder.id);
    for (const answer of [await send(kept), await holder.ask('GET', SELF)]) refused(answer, NOT_SIGNED);
    refused(await new Holder('NOSUCHKEYXYZ', holder.key).ask('GET', SELF), NOT_SIGNED);
  });
}

test('a key signs by the algorithm of its kind only', async () => {
  const [lamp, bell] = ALGORITHMS.map((algorithm) => holders[algorithm]);
  const spki = Buffer.from(lamp.key.public.key, 'base64');
  const raw = spki.subarray(-32);
  const pem = lamp.key.verifying.export({ type: 'spki', format: 'pem' });
  const texts = [spki, raw, pem, ...['base64', 'base64url', 'hex'].map((form) => raw.toString(form))];
  for (const text of texts) {
    // Everybody knows it, so it must not be the secret of anything.
    refused(await new Holder(lamp.id, Key.hmac(Buffer.from(text))).ask('GET', SELF), NOT_SIGNED);
  }
  refused(await new Holder(bell.id, Key.ofSeed(bell.key.signing.subarray(0, 32))).ask('GET', SELF), NOT_SIGNED);
  refused(await new Holder(lamp.id, bell.key).ask('GET', SELF), NOT_SIGNED);
  refused(await new Holder(bell.id, lamp.key).ask('GET', SELF), NOT_SIGNED);
  // What the parameters name is not what chooses.
  for (const [one, other] of [[lamp, bell], [bell, lamp]]) {
    refused(await one.ask('GET', SELF, { named: { alg: other.key.algorithm } }), NOT_SIGNED);
  }
});

test('a key for dc1-hmac signs no message', async () => {
  const { id, secret } = chain.key('dc1-hmac');
  refused(await new Holder(id, Key.hmac(Buffer.from(secret))).ask('GET', SELF), NOT_SIGNED);
  refused(await new Holder(id, Key.ofSeed(Buffer.from(secret).subarray(0, 32))).ask('GET', SELF), NOT_SIGNED);
});
