'use strict';

// A user's keys in the one record of version 1: the whole life, over several devices.

const assert = require('node:assert/strict');
const { before, test } = require('node:test');
const { base64, ready, sharedUser, User } = require('../client');

before(ready);

const refusedWith = (status, code) => (error) => {
  assert.equal(error.name, 'KeyknoxClientError');
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  return true;
};

test('entries are stored, updated, seen by another device, and deleted', async () => {
  const user = new User();
  const phone = user.device();
  await phone.retrieveCloudEntries();
  assert.deepEqual(phone.retrieveAllEntries(), []);
  await phone.storeEntries([
    { name: 'first', data: base64('one'), meta: { device: 'phone' } },
    { name: 'second', data: base64('two') },
  ]);

  const laptop = user.device();
  await laptop.retrieveCloudEntries();
  assert.deepEqual(laptop.retrieveEntry('first').meta, { device: 'phone' });
  assert.equal(laptop.retrieveEntry('second').data, base64('two'));
  await laptop.updateEntry('second', base64('two again'));
  await laptop.deleteEntry('first');

  await phone.retrieveCloudEntries();
  assert.deepEqual(phone.retrieveAllEntries().map((entry) => [entry.name, entry.data]), [
    ['second', base64('two again')],
  ]);
});

test('of two devices that write at once one is refused, reads again and succeeds', async () => {
  const user = new User();
  const [phone, laptop] = [user.device(), user.device()];
  await phone.retrieveCloudEntries();
  await laptop.retrieveCloudEntries();
  await phone.storeEntry('of the phone', base64('p'));
  await assert.rejects(laptop.storeEntry('of the laptop', base64('l')), refusedWith(400, 50010));
  await laptop.retrieveCloudEntries();
  await laptop.storeEntry('of the laptop', base64('l'));
  await phone.retrieveCloudEntries();
  assert.deepEqual(phone.retrieveAllEntries().map((entry) => entry.name).sort(), ['of the laptop', 'of the phone']);
});

test('of many devices that write under the same hash exactly one succeeds', async () => {
  const user = new User();
  const { privateKey, publicKey } = user.keyPair;
  const first = await user.manager().v1Push(base64('0'), privateKey, publicKey);
  const writes = Array.from({ length: 16 }, (_, index) =>
    user.manager().v1Push(base64(`${index}`), privateKey, publicKey, first.keyknoxHash),
  );
  const settled = await Promise.allSettled(writes);
  const winners = settled.filter(({ status }) => status === 'fulfilled');
  assert.equal(winners.length, 1);
  for (const { reason } of settled.filter(({ status }) => status === 'rejected')) {
    refusedWith(400, 50010)(reason);
  }
  const last = await user.manager().v1Pull(privateKey, publicKey);
  assert.equal(last.value, winners[0].value.value);
  assert.equal(last.version, '2.0');
});

test('versions count writes and resets, and a write without a hash is refused', async () => {
  const user = new User();
  const { privateKey, publicKey } = user.keyPair;
  const manager = user.manager();
  const absent = await manager.v1Pull(privateKey, publicKey);
  assert.deepEqual([absent.value, absent.meta, absent.version], ['', '', '1.0']);
  assert.equal((await manager.v1Reset()).version, '1.0');
  const first = await manager.v1Push(base64('a'), privateKey, publicKey, absent.keyknoxHash);
  assert.equal(first.version, '1.0');
  await assert.rejects(manager.v1Push(base64('b'), privateKey, publicKey), refusedWith(400, 50009));
  const second = await manager.v1Push(base64('b'), privateKey, publicKey, first.keyknoxHash);
  assert.equal(second.version, '2.0');
  const reset = await manager.v1Reset();
  assert.deepEqual([reset.value, reset.meta, reset.version], ['', '', '3.0']);
  const after = await manager.v1Push(base64('c'), privateKey, publicKey, reset.keyknoxHash);
  assert.equal(after.version, '4.0');
  const pulled = await manager.v1Pull(privateKey, publicKey);
  assert.deepEqual([pulled.value, pulled.keyknoxHash], [base64('c'), after.keyknoxHash]);
});

test('recipients are added and removed by encrypting for other keys', async () => {
  const user = new User();
  const helper = new User();
  const own = user.device();
  await own.retrieveCloudEntries();
  await own.storeEntry('key', base64('secret'));
  const asHelper = () => user.device([user.keyPair.publicKey], helper.keyPair.privateKey);
  await assert.rejects(asHelper().retrieveCloudEntries());

  await own.updateRecipients({ newPublicKeys: [user.keyPair.publicKey, helper.keyPair.publicKey] });
  const helped = asHelper();
  await helped.retrieveCloudEntries();
  assert.equal(helped.retrieveEntry('key').data, base64('secret'));

  await own.updateRecipients({ newPublicKeys: [user.keyPair.publicKey] });
  await assert.rejects(asHelper().retrieveCloudEntries());
  assert.equal(own.retrieveEntry('key').data, base64('secret'));
});

test('a reset needs no key, and the next device starts from nothing', async () => {
  const user = new User();
  const device = user.device();
  await device.retrieveCloudEntries();
  await device.storeEntry('key', base64('secret'));
  const newKey = new User(user.identity);
  await newKey.device().deleteAllEntries();
  const fresh = newKey.device();
  await fresh.retrieveCloudEntries();
  assert.deepEqual(fresh.retrieveAllEntries(), []);
  await fresh.storeEntry('key', base64('another'));
  await assert.rejects(device.retrieveCloudEntries(), 'the old key opens nothing any more');
});

test('values up to the limits are kept byte by byte and larger ones are refused', async () => {
  const user = new User();
  const { privateKey, publicKey } = user.keyPair;
  const manager = user.manager();
  const largest = Buffer.alloc(102_384, 7).toString('base64');
  const stored = await manager.v1Push(largest, privateKey, publicKey);
  const over = Buffer.alloc(102_385, 7).toString('base64');
  await assert.rejects(manager.v1Push(over, privateKey, publicKey, stored.keyknoxHash), refusedWith(400, 50007));
  assert.equal((await manager.v1Pull(privateKey, publicKey)).value, largest);
});

test('a local store follows the cloud', async () => {
  const user = new User();
  const [phone, laptop] = [user.synchronised(new Memory()), user.synchronised(new Memory())];
  await phone.sync();
  await phone.storeEntry('a', base64('1'), { kind: 'test' });
  await phone.storeEntry('b', base64('2'));
  await laptop.sync();
  assert.equal((await laptop.retrieveEntry('a')).value, base64('1'));
  await new Promise((resolve) => setTimeout(resolve, 5));
  await laptop.updateEntry('a', base64('1 again'));
  await laptop.deleteEntry('b');
  await phone.sync();
  assert.equal((await phone.retrieveEntry('a')).value, base64('1 again'));
  assert.equal(await phone.existsEntry('b'), false);
});

test('an expired token is 20304, and one that the key did not sign is 20303', async () => {
  const user = new User();
  const token = await user.client({ millisecondsToLive: 1_000 }).accessTokenProvider.getToken({});
  const fixed = { getToken: async () => token };
  const client = user.client();
  client.accessTokenProvider = fixed;
  await client.v1Pull();
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await assert.rejects(client.v1Pull(), refusedWith(401, 20304));
  await assert.rejects(user.client({ keyId: 'unknown' }).v1Pull(), refusedWith(401, 20303));
  const readOnly = user.client({ applicationData: { keyknox: 'get' } });
  await readOnly.v1Pull();
  await assert.rejects(readOnly.v1Reset(), refusedWith(403, 20500));
});

test('an identity outside ASCII keeps its record apart from its spelling without accents', async () => {
  const plain = new User();
  const accented = new User(`${plain.identity}-zo\u00e9`);
  const device = accented.device();
  await device.retrieveCloudEntries();
  await device.storeEntry('key', base64('secret'));
  const again = new User(accented.identity, accented.keyPair).device();
  await again.retrieveCloudEntries();
  assert.equal(again.retrieveEntry('key').data, base64('secret'));
});

test('a record is left for the older generation of clients to read', async () => {
  const device = sharedUser().device();
  await device.retrieveCloudEntries();
  await device.storeEntry('written by the newer', base64('for the older'), { from: 'newer' });
});

/** The simplest local store that the client accepts. */
class Memory {
  #entries = new Map();

  async save({ name, value, meta }) {
    const entry = { name, value, meta, creationDate: new Date(), modificationDate: new Date() };
    this.#entries.set(name, entry);
    return entry;
  }

  async load(name) {
    return this.#entries.get(name) ?? null;
  }

  async exists(name) {
    return this.#entries.has(name);
  }

  async remove(name) {
    return this.#entries.delete(name);
  }

  async list() {
    return [...this.#entries.values()];
  }

  async update({ name, value, meta }) {
    return this.save({ name, value, meta });
  }

  async clear() {
    this.#entries.clear();
  }
}
