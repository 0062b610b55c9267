'use strict';

// Requests that one side signs and the other verifies, by both algorithms, and what neither lets through.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { version } = require('http-message-signatures/package.json');
const { JSON_TYPE, bent, changed, now, requests, said, saidToTheirs } = require('../letters');
const ours = require('../ours');
const theirs = require('../theirs');

const { COVERS, BODY_COVERS, Key, ORDERS, PARAMETERS } = theirs;
const KEYS = [Key.ed25519(), Key.hmac()];

const facts = ({ key_id, nonce, created }) => ({ key_id, nonce, created });

test('the package is the published one', () => assert.equal(version, '1.0.6'));

for (const key of KEYS) {
  for (const [what, request] of Object.entries(requests)) {
    test(`${key.algorithm}: the package verifies ours, with ${what}`, async () => {
      for (const expires of [undefined, now() + 300]) {
        const signed = ours.sign(request, key, said(expires));
        assert.equal(await theirs.verifies(signed, key), true);
      }
      const extra = { ...request, fields: [...request.fields, ['X-Extra', ' a,  b '], ['X-Extra', 'c']] };
      const signed = ours.sign(extra, key, said(), ['x-extra', '@target-uri']);
      // This package signs a URL as it was written. A server sees a `Host` without that port.
      assert.equal(await theirs.verifies(signed, key), !request.url.includes(':443'));
    });

    test(`${key.algorithm}: ours accepts the package's in every order of parameters, with ${what}`, async () => {
      for (const order of ORDERS) {
        const about = said(now() + 300);
        const signed = await theirs.sign(request, key, saidToTheirs(about), { order, name: 'any' });
        const { accepted } = ours.verify(signed, key, now());
        assert.ok(accepted, order.join());
        assert.deepEqual(facts(accepted), facts(about));
        assert.equal(accepted.expires, order.includes('expires') ? about.expires : null);
        assert.equal(accepted.label, 'any');
      }
    });
  }

  test(`${key.algorithm}: nothing that was signed can be changed`, async () => {
    const request = requests['a body and a query'];
    const input = (from, to) => (sent) => changed(sent, 'signature-input', (text) => text.replace(from, to));
    const changes = {
      method: (sent) => ({ ...sent, method: 'PUT' }),
      path: (sent) => ({ ...sent, url: sent.url.replace('/v1/', '/v2/') }),
      query: (sent) => ({ ...sent, url: sent.url.replace('x=1', 'x=2') }),
      type: (sent) => changed(sent, 'content-type', () => 'text/plain'),
      digest: (sent) => changed(sent, 'content-digest', bent),
      nonce: input(/nonce="./, 'nonce="~'),
      created: input(/created=(\d+)/, (_, at) => `created=${Number(at) + 1}`),
      keyid: input('EAYRMSXDOSWY', 'EAYRMSXDOSWZ'),
      order: input('"@path" "@query"', '"@query" "@path"'),
      signature: (sent) => changed(sent, 'signature', bent),
    };
    const both = [ours.sign(request, key, said()), await theirs.sign(request, key, saidToTheirs(said()))];
    for (const sent of both) {
      assert.ok(ours.verify(sent, key, now()).accepted);
      assert.equal(await theirs.verifies(sent, key), true);
      for (const [what, change] of Object.entries(changes)) {
        const met = change(sent);
        assert.deepEqual(ours.verify(met, key, now()), { refused: 'signature does not verify' }, what);
        assert.equal(await theirs.verifies(met, key), false, what);
      }
      // The package leaves bodies to its user, who has the digest.
      const body = ours.verify({ ...sent, body: `${sent.body} ` }, key, now());
      assert.deepEqual(body, { refused: 'content digest does not match the body' });
      const moved = { ...sent, url: sent.url.replace(ours.AUTHORITY, 'other.example') };
      assert.deepEqual(ours.verify(moved, key, now()), { refused: 'authority is not one of the public names' });
      assert.equal(await theirs.verifies(moved, key), false);
    }
  });

  test(`${key.algorithm}: a key verifies what it signed, and nothing of another key or algorithm`, async () => {
    const request = requests['neither body nor query'];
    const mine = ours.sign(request, key, said());
    const yours = await theirs.sign(request, key, saidToTheirs(said()));
    for (const other of [Key.ed25519(), Key.hmac()]) {
      assert.deepEqual(ours.verify(yours, other, now()), { refused: 'signature does not verify' });
      const verdict = theirs.verifies(mine, other);
      if (other.algorithm === key.algorithm) assert.equal(await verdict, false);
      else await assert.rejects(verdict, /Unsupported key algorithm/);
    }
  });

  test(`${key.algorithm}: beside other signatures, the profile's is the one that counts`, async () => {
    const request = requests['a body and a query'];
    const proxy = { covers: ['@method'], order: ['created', 'keyid', 'alg'], name: 'proxy' };
    const about = saidToTheirs(said());
    const first = await theirs.sign(request, Key.hmac(), { keyid: 'proxy' }, proxy);
    const { fields } = await theirs.sign({ ...request, fields: first.fields, body: '' }, key, about, {
      covers: [...COVERS, ...BODY_COVERS],
      name: 'mine',
    });
    assert.equal(ours.verify({ ...request, fields }, key, now()).accepted.label, 'mine');
    const again = await theirs.sign({ ...request, fields, body: '' }, key, about, { covers: COVERS, name: 'second' });
    const several = { refused: 'several signatures with tag "strongroom"' };
    assert.deepEqual(ours.verify({ ...again, body: request.body }, key, now()), several);
  });
}

test('ours refuses what the package signs outside the profile', async () => {
  const key = KEYS[0];
  const request = requests['a body and a query'];
  const about = said(now() + 300);
  const covering = (name) => ({ covers: [...COVERS, ...BODY_COVERS].filter((covered) => covered !== name) });
  const leaving = (name) => ({ order: PARAMETERS.filter((parameter) => parameter !== name) });
  const at = (seconds) => new Date((about.created + seconds) * 1000);
  const cases = [
    ...[...COVERS, 'content-digest', 'content-type'].map((name) => [`${name} is not covered`, {}, covering(name)]),
    ...['created', 'keyid', 'nonce', 'alg'].map((name) => [
      `signature parameter ${name} is missing`,
      {},
      leaving(name),
    ]),
    ['no signature with tag "strongroom"', {}, leaving('tag')],
    ['signature parameter is not known', { extra: 'x' }, { order: [...PARAMETERS, 'extra'] }],
    ['signature parameter nonce is malformed', { nonce: 'x'.repeat(15) }, {}],
    ['signature parameter nonce is malformed', { nonce: 'x'.repeat(65) }, {}],
    ['signature algorithm is not ed25519 or hmac-sha256', { alg: 'rsa-pss-sha512' }, {}],
    ['expiry is before the creation or too long after it', { expires: at(301) }, {}],
    ['signature was not created within the window', { created: at(-61) }, leaving('expires')],
  ];
  for (const [refused, change, options] of cases) {
    const signed = await theirs.sign(request, key, { ...saidToTheirs(about), ...change }, options);
    assert.deepEqual(ours.verify(signed, key, about.created), { refused });
  }
  for (const component of ['"content-type";bs', '@request-target', '"content-digest";key="sha-256"']) {
    const signed = await theirs.sign(request, key, saidToTheirs(about), { also: [component] });
    const refused = { refused: 'a covered component is not known' };
    assert.deepEqual(ours.verify(signed, key, about.created), refused, component);
  }
});

test('both make the signatures that the profile was published with', async () => {
  const expires = new Date(4_102_444_800_000);
  const about = { keyid: 'EAYRMSXDOSWY', nonce: 'n-0123456789abcdef', created: new Date(1_573_691_665_000), expires };
  const body = '{"nickname": "My New Key"}';
  const request = { method: 'POST', url: `https://${ours.AUTHORITY}/v1/api-key?x=1`, fields: [JSON_TYPE], body };
  const secret = Key.hmac(Buffer.from('6S0c15MghGrpMwzz9EK2j3huQTFwH1EULdmofGXPDuj'));
  const seed = Key.ofSeed(Buffer.from(Array.from({ length: 32 }, (_, at) => at)));
  const signature = ({ fields }) => fields.find(([name]) => name.toLowerCase() === 'signature')[1];
  const published = [
    [secret, PARAMETERS, 'xktTOeykiBa7i8xvN+EH44Ab7AlXdgJ41FK2HU3Zv4A='],
    [secret, ORDERS[1], 'WpSoBehPufGQ9cqHfKMymr5zUdIr/IGFhd3CkI0uw8g='],
    [
      seed,
      ORDERS[1],
      'acC6qCCwqJ+/6sBHoxcUN+Ju5D5M4cTkE0w8sivHvTiavzJQPVSYCSmj4+Xo3zWzKH43abZeMMrl3eOIRTXMBg==',
    ],
  ];
  for (const [key, order, expected] of published) {
    assert.equal(signature(await theirs.sign(request, key, about, { order })), `sig=:${expected}:`);
    if (order === ORDERS[1]) {
      const { keyid: key_id, nonce } = about;
      const mine = ours.sign(request, key, { key_id, nonce, created: 1_573_691_665, expires: 4_102_444_800 });
      assert.equal(signature(mine), `sig=:${expected}:`);
    }
  }
});
