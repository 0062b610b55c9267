'use strict';

// The life of keys: dragonchain-sdk 4.4.0 from npm, unmodified, as its documentation uses it.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { version } = require('dragonchain-sdk/package.json');
const { ALGORITHMS, DEFAULT_DOCUMENT, FORBIDDEN, Key, NOT_FOUND, UNAUTHENTICATED } = require('../client');
const { document, ids, ok, refused } = require('../client');

const { root } = Key;
const INVALID = 'Invalid HMAC Authentication';
const ABSENT = 'The requested resource(s) cannot be found.';

/** A key as it is shown, without what may be added to it. */
const shown = ({ id, registration_time, nickname, root: isRoot, permissions_document }) => ({
  id,
  registration_time,
  nickname,
  root: isRoot,
  permissions_document,
});

test('the client is the published one', () => assert.equal(version, '4.4.0'));

test('a key is made without a word', async () => {
  // The SDK sends an empty object here.
  const client = await root.client();
  for (const made of [ok(await client.createApiKey(), 201), ok(await client.createApiKey({}), 201)]) {
    assert.match(made.id, /^[A-Z]{12}$/);
    assert.match(made.key, /^[A-Za-z0-9]{43}$/);
    assert.ok(Math.abs(Date.now() / 1000 - made.registration_time) < 60);
    assert.deepEqual([made.nickname, made.root, made.permissions_document], ['', false, DEFAULT_DOCUMENT]);
  }
});

for (const nickname of ['My New Key', 'ключ 🔑 é', 'x'.repeat(256), 'a "b" \\ c']) {
  test(`a key is made with the nickname ${nickname.slice(0, 12)}`, async () => {
    // What is not ASCII goes out as UTF-8, not escaped.
    const client = await root.client();
    const made = ok(await client.createApiKey({ nickname }), 201);
    assert.deepEqual([made.nickname, made.permissions_document], [nickname, DEFAULT_DOCUMENT]);
    assert.equal(ok(await client.getApiKey({ keyId: made.id })).nickname, nickname);
  });
}

test('a key is made with a document, and shown without its secret', async () => {
  const client = await root.client();
  const permissionsDocument = document(false, {
    allow_read: true,
    transactions: { create_transaction: { transaction_types: { banana: true } } },
  });
  const made = ok(await client.createApiKey({ nickname: 'narrow', permissionsDocument }), 201);
  assert.deepEqual(made.permissions_document, permissionsDocument);
  const got = ok(await client.getApiKey({ keyId: made.id }));
  assert.deepEqual(shown(got), shown(made));
  const listed = ok(await client.listApiKeys()).keys;
  assert.deepEqual(shown(listed.find(({ id }) => id === made.id)), shown(made));
  assert.ok(!JSON.stringify([got, listed]).includes(made.key));
});

test('keys are listed by id with the root key among them', async () => {
  // The SDK's clock has milliseconds and a little chance: equal requests of one instant could be taken for one.
  const made = await Promise.all(Array.from({ length: 5 }, (_, at) => root.made(`listed ${at}`)));
  const listed = ok(await (await root.client()).listApiKeys()).keys;
  const names = listed.map(({ id }) => id);
  assert.deepEqual(names, [...names].sort());
  for (const { id } of made) assert.ok(names.includes(id));
  const roots = listed.filter((key) => key.root).map(({ id, registration_time }) => [id, registration_time]);
  assert.deepEqual(roots, [[root.id, 0]]);
});

test('a key is renamed and given another document', async () => {
  const client = await root.client();
  const { id: keyId } = await root.made('before');
  const facts = ({ success, nickname, permissions_document }) => [success, nickname, permissions_document];
  const update = async (change) => facts(ok(await client.updateApiKey({ keyId, ...change })));
  const given = document(true);
  assert.deepEqual(await update({ nickname: 'after' }), [true, 'after', DEFAULT_DOCUMENT]);
  assert.deepEqual(await update({ permissionsDocument: given }), [true, 'after', given]);
  const both = { nickname: 'ключ', permissionsDocument: DEFAULT_DOCUMENT };
  assert.deepEqual(await update(both), [true, 'ключ', DEFAULT_DOCUMENT]);
  // An empty object, which changes nothing.
  assert.deepEqual(await update({}), [true, 'ключ', DEFAULT_DOCUMENT]);
  assert.equal(ok(await client.getApiKey({ keyId })).nickname, 'ключ');
});

for (const algorithm of ALGORITHMS) {
  test(`a new key signs with ${algorithm}`, async () => {
    const key = await root.made('signs', document(true));
    const client = await key.client(algorithm);
    assert.ok((await ids(client)).includes(key.id));
    assert.equal(ok(await client.getStatus()).id, root.chain);
    const made = ok(await client.createApiKey({ nickname: 'ключ', permissionsDocument: document() }), 201);
    const keyId = made.id;
    assert.equal(ok(await client.updateApiKey({ keyId, nickname: 'again' })).nickname, 'again');
    assert.equal(ok(await client.getApiKey({ keyId })).nickname, 'again');
    assert.deepEqual(ok(await client.deleteApiKey({ keyId })), { success: true });
    refused(await client.getApiKey({ keyId }), NOT_FOUND, ABSENT);
  });
}

test('a deleted key signs nothing any more', async () => {
  const client = await root.client();
  const key = await root.made('revoked', document(true));
  const used = await key.client();
  await ids(used);
  assert.deepEqual(ok(await client.deleteApiKey({ keyId: key.id })), { success: true });
  refused(await used.listApiKeys(), UNAUTHENTICATED, INVALID);
  refused(await used.createApiKey(), UNAUTHENTICATED, INVALID);
  assert.ok(!(await ids(client)).includes(key.id));

  const leaving = await root.made('leaves', document(true));
  const itself = await leaving.client();
  assert.deepEqual(ok(await itself.deleteApiKey({ keyId: leaving.id })), { success: true });
  refused(await itself.listApiKeys(), UNAUTHENTICATED, INVALID);
});

test('a key that is not there is not found, also to be deleted', async () => {
  const client = await root.client();
  const keyId = 'NOTTHEREATAL';
  refused(await client.getApiKey({ keyId }), NOT_FOUND, ABSENT);
  refused(await client.updateApiKey({ keyId, nickname: 'x' }), NOT_FOUND, ABSENT);
  refused(await client.deleteApiKey({ keyId }), NOT_FOUND, ABSENT);
});

test('the root key can be renamed and not deleted', async () => {
  const client = await root.client();
  const keyId = root.id;
  refused(await client.deleteApiKey({ keyId }), FORBIDDEN, 'Cannot remove root API key');
  assert.equal(ok(await client.updateApiKey({ keyId, nickname: 'Root Key' })).nickname, 'Root Key');
  ok(await client.updateApiKey({ keyId, permissionsDocument: document() }));
  assert.ok((await ids(client)).includes(keyId));
});

test('the status names the chain', async () => {
  const { id, level, scheme, hashAlgo, encryptionAlgo, indexingEnabled, url, version: server } = ok(
    await (await root.client()).getStatus(),
  );
  assert.deepEqual([id, level, scheme, hashAlgo], [root.chain, 1, 'trust', 'sha256']);
  assert.deepEqual([encryptionAlgo, indexingEnabled], ['secp256k1', false]);
  assert.deepEqual([typeof url, typeof server], ['string', 'string']);
});

test('two keys work side by side, each with many requests at once', async () => {
  const keys = await Promise.all([root.made('one', document(true)), root.made('other', document(true))]);
  const made = await Promise.all(
    keys.map(async (key, side) => {
      const client = await key.client(ALGORITHMS[side]);
      const names = Array.from({ length: 20 }, (_, at) => `of ${side} ${at}`);
      const answers = await Promise.all(names.map((nickname) => client.createApiKey({ nickname })));
      assert.deepEqual(answers.map((answer) => ok(answer, 201).nickname), names);
      return answers.map((answer) => answer.response.id);
    }),
  );
  assert.equal(new Set(made.flat()).size, 40);
  const listed = new Set(await ids(await root.client()));
  assert.ok(made.flat().every((id) => listed.has(id)));
});
