'use strict';

// Records of version 2: named backups and group tickets.

const assert = require('node:assert/strict');
const { randomBytes } = require('node:crypto');
const { before, test } = require('node:test');
const { base64, ready, User } = require('../client');

before(ready);

const ticket = (epochNumber = 0, sessionId = randomBytes(32).toString('hex')) => ({
  epochNumber,
  sessionId,
  data: base64(`epoch ${epochNumber} of ${sessionId}`),
});

const named = (name) => (error) => {
  assert.equal(error.name, name, `${error.name}: ${error.message}`);
  return true;
};

test('a named backup is stored, fetched, replaced, and deleted by removing its owner', async () => {
  const user = new User();
  const device = user.device();
  const stored = await device.storeEntry(user.identity, base64('secret'), 'backup one');
  assert.equal(stored.data, base64('secret'));
  await device.storeEntry(user.identity, base64('other'), 'backup two');
  await device.storeEntry(user.identity, base64('secret again'), 'backup one');
  const another = user.device();
  assert.equal((await another.fetchEntryByKey(user.identity, 'backup one')).data, base64('secret again'));

  const client = user.client();
  const names = { root: 'e3kit', path: 'backup' };
  assert.deepEqual(await client.v2GetKeys(names), ['backup one', 'backup two']);
  const gone = await client.v2Reset({ ...names, key: 'backup one', identity: user.identity });
  assert.deepEqual([gone.owner, gone.key, gone.identities, gone.value], [user.identity, 'backup one', [], '']);
  assert.equal(await another.fetchEntryByKey(user.identity, 'backup one'), undefined);
  assert.deepEqual(await client.v2GetKeys(names), ['backup two']);
  assert.deepEqual(await client.v2GetKeys({ root: 'e3kit' }), ['backup']);
  assert.deepEqual(await client.v2GetKeys({}), ['e3kit']);
});

test('a group ticket with 100 members is read by each of them and by nobody else', async () => {
  const owner = new User();
  const members = Array.from({ length: 100 }, () => new User());
  const epochs = [ticket(0)];
  epochs.push(ticket(1, epochs[0].sessionId));
  const { sessionId } = epochs[0];
  for (const epoch of epochs) {
    await owner.tickets().store(epoch, members.map((member) => member.card()));
  }
  const own = await owner.tickets().retrieve(sessionId);
  assert.deepEqual(own.map(({ groupSessionMessageInfo }) => groupSessionMessageInfo), epochs);
  assert.deepEqual(own[0].identities, [owner, ...members].map(({ identity }) => identity));

  await Promise.all(
    members.map(async (member) => {
      const seen = await member.tickets().retrieve(sessionId, owner.identity, owner.keyPair.publicKey);
      assert.deepEqual(seen.map(({ groupSessionMessageInfo }) => groupSessionMessageInfo), epochs);
    }),
  );
  const stranger = new User();
  await assert.rejects(
    stranger.tickets().retrieve(sessionId, owner.identity, owner.keyPair.publicKey),
    named('GroupTicketDoesntExistError'),
  );
  const { root, path, key } = { root: 'group-sessions', path: sessionId, key: '0' };
  const forbidden = await stranger.client().v2Pull({ root, path, key, identity: owner.identity });
  const absent = await stranger.client().v2Pull({ root, path, key, identity: members[0].identity });
  assert.deepEqual({ ...forbidden, owner: '' }, { ...absent, owner: '' });
});

test('a ticket that exists already is not replaced', async () => {
  const owner = new User();
  const first = ticket();
  await owner.tickets().store(first);
  await assert.rejects(
    owner.tickets().store({ ...first, data: base64('another') }),
    named('GroupTicketAlreadyExistsError'),
  );
  const [kept] = await owner.tickets().retrieve(first.sessionId);
  assert.equal(kept.groupSessionMessageInfo.data, first.data);
});

test('recipients of a ticket are added, removed and added again', async () => {
  const [owner, bob, carol] = [new User(), new User(), new User()];
  const epochs = [ticket(0)];
  epochs.push(ticket(1, epochs[0].sessionId));
  const { sessionId } = epochs[0];
  for (const epoch of epochs) {
    await owner.tickets().store(epoch, bob.card());
  }
  const reads = (user, from = owner) =>
    user.tickets().retrieve(sessionId, from.identity, from.keyPair.publicKey);
  await assert.rejects(reads(carol), named('GroupTicketDoesntExistError'));

  await owner.tickets().addRecipients(sessionId, [bob.card(), carol.card()]);
  assert.equal((await reads(carol)).length, 2);
  assert.equal((await reads(bob)).length, 2);

  await owner.tickets().removeRecipient(sessionId, carol.identity, 1);
  assert.deepEqual(
    (await reads(carol)).map(({ groupSessionMessageInfo }) => groupSessionMessageInfo.epochNumber),
    [0],
  );
  await owner.tickets().removeRecipient(sessionId, carol.identity);
  await assert.rejects(reads(carol), named('GroupTicketDoesntExistError'));
  assert.equal((await reads(bob)).length, 2, 'who was not removed reads on');

  const newKeys = new User(bob.identity);
  await assert.rejects(reads(newKeys), named('GroupTicketNoAccessError'));
  await owner.tickets().reAddRecipient(sessionId, newKeys.card());
  assert.deepEqual((await reads(newKeys)).map(({ groupSessionMessageInfo }) => groupSessionMessageInfo), epochs);
});

test('a deleted ticket is gone for everybody and its name is free again', async () => {
  const [owner, bob] = [new User(), new User()];
  const first = ticket();
  await owner.tickets().store(first, bob.card());
  await owner.tickets().delete(first.sessionId);
  for (const user of [owner, bob]) {
    await assert.rejects(
      user.tickets().retrieve(first.sessionId, owner.identity, owner.keyPair.publicKey),
      named('GroupTicketDoesntExistError'),
    );
  }
  await owner.tickets().store(first);
  assert.equal((await owner.tickets().retrieve(first.sessionId)).length, 1);
});

test('a write under a hash that is not the present one is refused and changes nothing', async () => {
  const user = new User();
  const { privateKey, publicKey } = user.keyPair;
  const manager = user.manager();
  const name = { root: 'r', path: 'p', key: 'k' };
  const push = (value, keyknoxHash) =>
    manager.v2Push({ ...name, identities: [user.identity], value, privateKey, publicKeys: publicKey, keyknoxHash });
  const first = await push(base64('1'));
  assert.equal(first.version, undefined);
  const second = await push(base64('2'), first.keyknoxHash);
  for (const stale of [undefined, first.keyknoxHash, 'nonsense']) {
    await assert.rejects(push(base64('3'), stale), (error) => error.code === 50010 && error.status === 400);
  }
  const pulled = await manager.v2Pull({ ...name, privateKey, publicKeys: publicKey });
  assert.deepEqual([pulled.value, pulled.keyknoxHash], [base64('2'), second.keyknoxHash]);
});
