'use strict';

// A user's keys in the one record of version 1: the whole life, over several devices.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { sharedUser, User } = require('../client');

const refusedWith = (status, code) => (error) => {
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  return true;
};

test('entries are stored, updated, seen by another device, and deleted', async () => {
  const user = new User();
  const phone = user.device();
  await phone.retrieveCloudEntries();
  assert.deepEqual(phone.retrieveAllEntries(), []);
  await phone.storeEntries([
    { name: 'first', data: Buffer.from('one'), meta: { device: 'phone \u260e' } },
    { name: 'second', data: Buffer.from('two') },
  ]);

  const laptop = user.device();
  await laptop.retrieveCloudEntries();
  assert.deepEqual(laptop.retrieveEntry('first').meta, { device: 'phone \u260e' });
  assert.equal(laptop.retrieveEntry('second').data.toString(), 'two');
  await laptop.updateEntry('second', Buffer.from('two again'));
  await laptop.deleteEntry('first');

  await phone.retrieveCloudEntries();
  assert.deepEqual(phone.retrieveAllEntries().map((entry) => [entry.name, entry.data.toString()]), [
    ['second', 'two again'],
  ]);
});

test('of two devices that write at once one is refused, reads again and succeeds', async () => {
  const user = new User();
  const [phone, laptop] = [user.device(), user.device()];
  await phone.retrieveCloudEntries();
  await laptop.retrieveCloudEntries();
  await phone.storeEntry('of the phone', Buffer.from('p'));
  await assert.rejects(laptop.storeEntry('of the laptop', Buffer.from('l')), refusedWith(400, 50010));
  await laptop.retrieveCloudEntries();
  await laptop.storeEntry('of the laptop', Buffer.from('l'));
  await phone.retrieveCloudEntries();
  assert.deepEqual(phone.retrieveAllEntries().map((entry) => entry.name).sort(), ['of the laptop', 'of the phone']);
});

test('versions count writes and resets, and a write without a hash is refused', async () => {
  const manager = new User().manager();
  const absent = await manager.pullValue();
  assert.deepEqual([absent.value.length, absent.meta.length, absent.version], [0, 0, '1.0']);
  assert.equal((await manager.resetValue()).version, '1.0');
  const first = await manager.pushValue(Buffer.from('a'), absent.keyknoxHash);
  assert.equal(first.version, '1.0');
  await assert.rejects(manager.pushValue(Buffer.from('b')), refusedWith(400, 50009));
  const second = await manager.pushValue(Buffer.from('b'), first.keyknoxHash);
  assert.equal(second.version, '2.0');
  const reset = await manager.resetValue();
  assert.deepEqual([reset.value.length, reset.meta.length, reset.version], [0, 0, '3.0']);
  const after = await manager.pushValue(Buffer.from('c'), reset.keyknoxHash);
  assert.equal(after.version, '4.0');
  assert.equal((await manager.pullValue()).value.toString(), 'c');
});

test('recipients are added and removed by encrypting for other keys', async () => {
  const user = new User();
  const helper = new User();
  const own = user.device();
  await own.retrieveCloudEntries();
  await own.storeEntry('key', Buffer.from('secret'));
  const asHelper = () =>
    user.device({ publicKeys: [user.keyPair.publicKey], privateKey: helper.keyPair.privateKey });
  await assert.rejects(asHelper().retrieveCloudEntries());

  await own.updateRecipients({ newPublicKeys: [user.keyPair.publicKey, helper.keyPair.publicKey] });
  const helped = asHelper();
  await helped.retrieveCloudEntries();
  assert.equal(helped.retrieveEntry('key').data.toString(), 'secret');

  await own.updateRecipients({ newPublicKeys: [user.keyPair.publicKey] });
  await assert.rejects(asHelper().retrieveCloudEntries());
});

test('a reset needs no key, and the next device starts from nothing', async () => {
  const user = new User();
  const device = user.device();
  await device.retrieveCloudEntries();
  await device.storeEntry('key', Buffer.from('secret'));
  const newKey = new User(user.identity);
  await newKey.device().deleteAllEntries();
  const fresh = newKey.device();
  await fresh.retrieveCloudEntries();
  assert.deepEqual(fresh.retrieveAllEntries(), []);
  await fresh.storeEntry('key', Buffer.from('another'));
});

test('a local store follows the cloud', async () => {
  const user = new User();
  const [phone, laptop] = [user.synchronised(new Memory()), user.synchronised(new Memory())];
  await phone.sync();
  await phone.storeEntry('a', Buffer.from('1'));
  await phone.storeEntry('b', Buffer.from('2'));
  await laptop.sync();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await laptop.updateEntry('a', Buffer.from('1 again'));
  await laptop.deleteEntry('b');
  await phone.sync();
  assert.equal((await phone.retrieveEntry('a')).value.toString(), '1 again');
  assert.equal(await phone.existsEntry('b'), false);
});

test('an identity outside ASCII, which this generation spells in UTF-8, has a record', async () => {
  const user = new User();
  const accented = new User(`${user.identity}-zo\u00e9-\u260e`);
  const device = accented.device();
  await device.retrieveCloudEntries();
  await device.storeEntry('key', Buffer.from('secret'));
  const again = accented.device();
  await again.retrieveCloudEntries();
  assert.equal(again.retrieveEntry('key').data.toString(), 'secret');
});

test('an expired token is 20304', async () => {
  const manager = new User().manager({ millisecondsToLive: 1_000 });
  const token = await manager.accessTokenProvider.getToken({});
  manager.accessTokenProvider = { getToken: async () => token };
  await manager.pullValue();
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await assert.rejects(manager.pullValue(), refusedWith(401, 20304));
});

test('what the newer generation of clients wrote is read and replaced', async () => {
  const device = sharedUser().device();
  await device.retrieveCloudEntries();
  const entry = device.retrieveEntry('written by the newer');
  assert.deepEqual([entry.data.toString(), entry.meta], ['for the older', { from: 'newer' }]);
  await device.storeEntry('written by the older', Buffer.from('for the newer'));
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
