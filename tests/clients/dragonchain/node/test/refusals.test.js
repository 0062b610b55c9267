'use strict';

// What a key may not do, what is not let in, and requests that somebody else has seen.

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const { test } = require('node:test');
const { DEFAULT_DOCUMENT, FORBIDDEN, Key, NOT_FOUND, UNAUTHENTICATED } = require('../client');
const { document, ids, ok, refused } = require('../client');
const { Relay, send } = require('../relay');

const { root } = Key;
const INVALID = 'Invalid HMAC Authentication';
const REPLAYED = 'Previous matching request found (no replays allowed)';
const WIDENS = 'A key cannot grant permissions that it does not hold';
const notAllowed = (answer, endpoint) => refused(answer, FORBIDDEN, `This key is not allowed to perform ${endpoint}`);

test('a key without a document reads and changes no keys', async () => {
  const { id: keyId, ...key } = await root.made();
  const client = await root.but({ ...key, id: keyId }).client();
  await ids(client);
  ok(await client.getApiKey({ keyId: root.id }));
  notAllowed(await client.createApiKey(), 'create_api_key');
  notAllowed(await client.updateApiKey({ keyId, nickname: 'x' }), 'update_api_key');
  notAllowed(await client.deleteApiKey({ keyId }), 'delete_api_key');
});

test('a key that is allowed nothing is told what it may not do', async () => {
  const client = await (await root.made('', document())).client();
  notAllowed(await client.listApiKeys(), 'list_api_keys');
  notAllowed(await client.getApiKey({ keyId: root.id }), 'get_api_key');
  notAllowed(await client.getApiKey({ keyId: 'NOTTHEREATAL' }), 'get_api_key');
  notAllowed(await client.getStatus(), 'get_status');
});

test('a change counts from the next request', async () => {
  const client = await root.client();
  const key = await root.made('', document(true));
  const used = await key.client();
  ok(await used.createApiKey({ permissionsDocument: document() }), 201);
  ok(await client.updateApiKey({ keyId: key.id, permissionsDocument: DEFAULT_DOCUMENT }));
  notAllowed(await used.createApiKey({ permissionsDocument: document() }), 'create_api_key');
});

test('no key grants what it does not hold', async () => {
  const held = document(false, { api_keys: { allow_create: true, allow_read: true, allow_update: true } });
  const maker = await root.made('maker', held);
  const client = await maker.client();
  const other = await root.made('other', document());
  const wider = [
    document(true),
    document(false, { allow_delete: true }),
    document(false, { misc: { get_status: { allowed: true } } }),
    document(false, { transactions: { create_transaction: { allowed: false, transaction_types: { banana: true } } } }),
  ];
  for (const permissionsDocument of wider) {
    refused(await client.createApiKey({ permissionsDocument }), FORBIDDEN, WIDENS);
    for (const keyId of [other.id, maker.id]) {
      refused(await client.updateApiKey({ keyId, permissionsDocument }), FORBIDDEN, WIDENS);
    }
  }
  refused(await client.createApiKey(), FORBIDDEN, WIDENS);
  const { permissions_document } = ok(await (await root.client()).getApiKey({ keyId: other.id }));
  assert.deepEqual(permissions_document, document());
  ok(await client.createApiKey({ permissionsDocument: held }), 201);
});

test('only the root key changes the root key', async () => {
  const client = await (await root.made('all', document(true))).client();
  const answers = [
    await client.updateApiKey({ keyId: root.id, nickname: 'mine' }),
    await client.deleteApiKey({ keyId: root.id }),
  ];
  for (const { status, response } of answers) assert.deepEqual([status, response.error.type], FORBIDDEN);
});

test('another key and another chain are refused', async () => {
  const key = await root.made('asks', document(true));
  const last = key.text.endsWith('a') ? 'b' : 'a';
  const changes = [{ text: key.text.slice(0, -1) + last }, { text: key.text.slice(0, -1) }, { id: 'NOTTHEREATAL' }];
  for (const change of changes) {
    refused(await (await key.but(change).client()).listApiKeys(), UNAUTHENTICATED, INVALID);
  }
  const other = await key.but({ chain: 'sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4' }).client();
  refused(await other.listApiKeys(), UNAUTHENTICATED, 'Incorrect Dragonchain ID');
});

test('what a chain does beside keys is not found', async () => {
  const client = await root.client();
  const absent = 'The requested route was not found.';
  refused(await client.listSmartContracts(), NOT_FOUND, absent);
  refused(await client.getBlock({ blockId: '1' }), NOT_FOUND, absent);
  refused(await client.listTransactionTypes(), NOT_FOUND, absent);
});

test('a request that was seen on the way is good once', async () => {
  const key = await root.made('once', document(true));
  const direct = await key.client();
  const nickname = `ключ ${randomUUID()}`;
  const left = async () => ok(await direct.listApiKeys()).keys.filter((made) => made.nickname === nickname);
  await Relay.at(key.endpoint, async (endpoint, relay) => {
    const client = await key.but({ endpoint }).client();
    await ids(client);
    const { id: keyId } = ok(await client.createApiKey({ nickname }), 201);
    ok(await client.updateApiKey({ keyId, nickname: 'renamed' }));
    ok(await client.deleteApiKey({ keyId }));
    assert.deepEqual(relay.requests.map(({ method }) => method).sort(), ['DELETE', 'GET', 'POST', 'PUT']);
    for (const request of relay.requests) {
      const { answer, headers } = await send(key.endpoint, request);
      refused(answer, UNAUTHENTICATED, REPLAYED);
      assert.match(headers['www-authenticate'], /^DC1-HMAC-SHA256/);
    }
    assert.deepEqual(await left(), []);
  });
});

test('nothing that is signed can be changed on the way', async () => {
  const key = await root.made('signed', document(true));
  const header = (name, change) => (request) => ({
    ...request,
    headers: request.headers.map(([field, value]) => [field, field.toLowerCase() === name ? change(value) : value]),
  });
  const body = Buffer.from('{"nickname":"theirs"}');
  const changes = [
    [(request) => ({ ...request, method: 'PUT', path: `${request.path}/${key.id}` }), INVALID],
    [(request) => ({ ...request, path: `${request.path}?a=1` }), INVALID],
    [(request) => ({ ...header('content-length', () => String(body.length))(request), body }), INVALID],
    [header('content-type', () => 'application/json; charset=utf-8'), INVALID],
    [header('timestamp', (value) => value.replace(/.Z$/, (end) => `${(Number(end[0]) + 1) % 10}Z`)), INVALID],
    [header('authorization', (value) => value.replace('SHA256', 'SHA3-256')), INVALID],
    [header('authorization', (value) => value.replace('SHA256', 'sha256')), 'Unsupported HMAC Hash Type'],
    [header('authorization', (value) => value.slice(0, -1)), 'Malformed Authorization Header'],
  ];
  for (const [change, details] of changes) {
    await Relay.at(key.endpoint, async (endpoint, relay) => {
      const client = await key.but({ endpoint }).client();
      ok(await client.createApiKey({ nickname: 'forged', permissionsDocument: document() }), 201);
      const [seen] = relay.requests;
      refused((await send(key.endpoint, change(seen))).answer, UNAUTHENTICATED, details);
    });
  }
});
