'use strict';

// Where the SDK finds what it signs with, and files that `coiin` and `strongroom creds` wrote.

const assert = require('node:assert/strict');
const { mkdirSync, readFileSync, statSync, symlinkSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { afterEach, beforeEach, test } = require('node:test');
const settings = require('../settings');
const { Key, UNAUTHENTICATED, document, ok, refused } = require('../client');
const { Machine } = require('../machine');

const { root } = Key;
const inEnvironment = (key) => ({
  DRAGONCHAIN_ID: key.chain,
  DRAGONCHAIN_ENDPOINT: key.endpoint,
  AUTH_KEY_ID: key.id,
  AUTH_KEY: key.text,
});

let machine;
let key;
beforeEach(async () => {
  machine = new Machine();
  key = await root.made('found', document(true));
});
afterEach(() => machine.close());

test('nothing is found where nothing is', () => {
  assert.throws(() => machine.look(), /Configuration file is missing a default id/);
});

test('the environment goes before the file, and a whole key only', async () => {
  const inFile = await root.made('in the file');
  machine.add(inFile);
  assert.deepEqual(machine.look(), [200, inFile.id, inFile.endpoint]);
  machine.variables = inEnvironment(key);
  assert.deepEqual(machine.look(), [200, key.id, key.endpoint]);
  delete machine.variables.AUTH_KEY;
  assert.deepEqual(machine.look(), [200, inFile.id, inFile.endpoint]);
});

for (const name of ['coiin', 'strongroom']) {
  test(`a file that ${name} wrote is all the SDK needs`, () => {
    const said = machine.add(key, { program: name === 'coiin' ? machine.coiin : settings.binary });
    const written = 'Success. New Credentials written to ~/.dragonchain/credentials\n';
    assert.equal(said, `Default EAL set to ${key.chain}.\n${written}`);
    assert.deepEqual(machine.look(), [200, key.id, key.endpoint]);
    assert.equal(statSync(machine.file).mode & 0o777, 0o600);
  });
}

test("a link makes the tool's file the SDK's", () => {
  machine.add(key, { flags: [] });
  mkdirSync(dirname(machine.file));
  symlinkSync(join(machine.home, '.coiin', 'credentials'), machine.file);
  assert.deepEqual(machine.look(), [200, key.id, key.endpoint]);
});

test('the default chain is the one that the tool has set', () => {
  machine.add(key);
  const other = key.but({ chain: 'sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4', id: 'TZRBPXYRCGSM' });
  machine.add(other, { flags: ['-d', '--credentials-file', machine.file] });
  assert.deepEqual(machine.look(), [200, key.id, key.endpoint]);
  machine.run(['creds', 'local', 'default', 'set', other.chain]);
  // This server does not have that chain.
  assert.deepEqual(machine.look(), [401, other.id, other.endpoint]);
});

test("a key that the tool made and saved is the SDK's", async () => {
  machine.variables = { ...inEnvironment(root), COIIN_CREDENTIALS_FILE: machine.file };
  const saved = machine.asks('creds', 'remote', 'add', '--save', '-n', 'gespeichert ✓');
  assert.deepEqual([saved.status, saved.ok, saved.response.key], [201, true, '<hidden>']);
  machine.variables = {};
  assert.deepEqual(machine.look(), [200, saved.response.id, root.endpoint]);
  const shown = ok(await (await root.client()).getApiKey({ keyId: saved.response.id }));
  assert.deepEqual([shown.nickname, shown.root], ['gespeichert ✓', false]);
  assert.ok(!readFileSync(machine.file, 'utf8').includes(root.text));
});

test('the tool and the SDK see the same', async () => {
  machine.add(key);
  const client = await key.client();
  // Without what changes by itself, and without the keys that others make meanwhile.
  const steady = ({ last_used, ...shown }) => shown;
  const found = (answer) => steady(ok(answer).keys.find(({ id }) => id === key.id));
  assert.deepEqual(found(machine.asks('creds', 'remote', 'ls')), found(await client.listApiKeys()));
  assert.deepEqual(machine.asks('status'), await client.getStatus());
  const made = machine.asks('creds', 'remote', 'add', '-n', 'ключ', '-p', JSON.stringify(document()));
  const keyId = made.response.id;
  const used = await key.but({ id: keyId, text: made.response.key }).client();
  refused(await used.listApiKeys(), [403, 'ACTION_FORBIDDEN'], 'This key is not allowed to perform list_api_keys');
  const [seen, same] = [machine.asks('creds', 'remote', 'get', keyId), await client.getApiKey({ keyId })];
  assert.deepEqual(steady(ok(seen)), steady(ok(same)));
  assert.deepEqual(machine.asks('creds', 'remote', 'rm', keyId).response, { success: true });
  refused(await used.listApiKeys(), UNAUTHENTICATED, 'Invalid HMAC Authentication');
  assert.deepEqual(machine.asks('creds', 'remote', 'get', keyId), await client.getApiKey({ keyId }));
});
