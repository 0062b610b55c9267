'use strict';

// What takes a server of one's own: a listener for chains alone, and restarts.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Key, NOT_FOUND, document, ids, ok, refused } = require('../client');
const { Daemon } = require('../daemon');

test('chains have a listener of their own, whose endpoint has no path', () =>
  Daemon.with(async ({ root }) => {
    const client = await root.client('BLAKE2b512');
    const made = ok(await client.createApiKey({ nickname: 'own' }), 201);
    assert.deepEqual(await ids(client), [made.id, root.id].sort());
    assert.equal(ok(await client.getStatus()).id, Key.root.chain);
    const under = await root.but({ endpoint: `${root.endpoint}/dragonchain` }).client();
    refused(await under.listApiKeys(), NOT_FOUND, 'The requested route was not found.');
  }));

for (const how of ['SIGTERM', 'SIGKILL']) {
  test(`a client goes on when its server comes back after ${how}`, () =>
    Daemon.with(async (daemon) => {
      const key = await daemon.root.made('kept', document(true));
      // From Node.js 19 on it holds on to its connections. It sends nothing twice.
      const client = await key.client();
      const before = await Promise.all(['a', 'b', 'c'].map((nickname) => client.createApiKey({ nickname })));
      await daemon.end(how);
      await assert.rejects(client.listApiKeys(), /ECONNREFUSED|ECONNRESET|socket hang up/);
      await daemon.start();
      const expected = [key.id, daemon.root.id, ...before.map((answer) => ok(answer, 201).id)];
      assert.deepEqual(await ids(client), expected.sort());
      ok(await client.deleteApiKey({ keyId: before[0].response.id }));
      assert.equal((await ids(client)).length, expected.length - 1);
    }));
}
