// A secret's life over three realms, by the published client.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { RecoverErrorReason, RegisterError } from 'juicebox-sdk';

import { User, token } from '../client.js';
import { Realm } from '../realms.js';

/** A request that guesses has this many bytes, and no other has. */
const GUESS_BYTES = 89;

/** An answer with an evaluation has more bytes, and any other has fewer. */
const EVALUATED_BYTES_MIN = 100;

let realms;

before(async () => {
  realms = await Promise.all([Realm.start(), Realm.start(), Realm.start()]);
});

after(() => Promise.all(realms.map((realm) => realm.remove())));

for (const recover of [2, 3]) {
  test(`a secret is registered at three realms and recovered from ${recover}`, async () => {
    const user = new User(`bob-${recover}`, realms, { recover });
    assert.deepEqual(await user.refusal('1234'), { reason: RecoverErrorReason.NotRegistered, left: undefined });
    await user.register('1234', 'the secret', 3);
    assert.equal(await user.recover('1234'), 'the secret');
    assert.deepEqual(await user.refusal('1235'), { reason: RecoverErrorReason.InvalidPin, left: 2 });
    assert.deepEqual(await user.refusal('1236'), { reason: RecoverErrorReason.InvalidPin, left: 1 });
    assert.equal(await user.recover('1234'), 'the secret');
    await user.register('a longer one', 'another secret', 3);
    assert.equal(await user.recover('a longer one'), 'another secret');
    assert.deepEqual(await user.refusal('1234'), { reason: RecoverErrorReason.InvalidPin, left: 2 });
    await user.delete();
    assert.deepEqual(await user.refusal('1234'), { reason: RecoverErrorReason.NotRegistered, left: undefined });
  });
}

test('at the limit the secret is gone, for the right PIN too, until it is registered again', async () => {
  const user = new User('carol', realms, { recover: 2 });
  await user.register('1234', 'the secret', 2);
  assert.equal((await user.refusal('0')).left, 1);
  assert.equal((await user.refusal('0')).left, 0);
  assert.deepEqual(await user.refusal('1234'), { reason: RecoverErrorReason.InvalidPin, left: 0 });
  for (const realm of realms) {
    const status = await realm.status(token(realm.id, 'carol'));
    assert.deepEqual([status.registered, status.no_guesses], [false, true]);
  }
  await user.register('1234', 'the secret', 2);
  assert.equal(await user.recover('1234'), 'the secret');
});

test('users are apart, and a realm takes tokens for itself only', async () => {
  const [dave, eve] = ['dave', 'eve'].map((name) => new User(name, realms, { recover: 2 }));
  await dave.register('1234', "dave's", 5);
  assert.equal((await eve.refusal('1234')).reason, RecoverErrorReason.NotRegistered);
  const [one, other] = realms;
  const answer = await fetch(`${one.address}status`, {
    headers: { authorization: `Bearer ${token(other.id, 'dave')}` },
  });
  assert.equal(answer.status, 401);
});

test('more guesses than a realm allows are not registered', async () => {
  const user = new User('frank', realms, { recover: 2 });
  await assert.rejects(user.register('1234', 'x', 21), (error) => error === RegisterError.Transient);
});

// THREATS A-SHR-10.
test('of 24 guesses at once no more are evaluated than allowed', async () => {
  const user = new User('grace', realms, { recover: 3 });
  await user.register('1234', 'the secret', 3);
  const guesses = Array.from({ length: 24 }, () => user.refusal('0'));
  for (const { reason } of await Promise.all(guesses)) {
    assert.equal(reason, RecoverErrorReason.InvalidPin);
  }
  for (const realm of realms) {
    assert.equal((await realm.status(token(realm.id, 'grace'))).no_guesses, true);
    const log = await fetch(`${realm.address}tenant_log`, { method: 'POST', body: '{}' });
    assert.equal(log.status, 401, 'a log is for the tenant');
  }
});

// THREATS A-SHR-10: the clients above ask whether there is a record before they guess; this thief does not.
test('of 24 copies of one guess no more are evaluated than allowed', async () => {
  const user = new User('judy', realms, { recover: 3 });
  await user.register('1234', 'the secret', 3);
  const fetched = globalThis.fetch;
  const evaluated = new Map(realms.map(({ address }) => [address, 0]));
  globalThis.fetch = async (request, options) => {
    const body = request.method === 'POST' ? await request.clone().arrayBuffer() : undefined;
    if (body?.byteLength !== GUESS_BYTES) {
      return fetched(request, options);
    }
    const copies = Array.from({ length: 24 }, () => fetched(request.clone(), options));
    const answers = await Promise.all(copies);
    const bodies = await Promise.all(answers.map((answer) => answer.clone().arrayBuffer()));
    assert.ok(answers.every(({ status }) => status === 200));
    const sizes = bodies.map(({ byteLength }) => byteLength);
    const realm = realms.find(({ address }) => request.url.startsWith(address)).address;
    evaluated.set(realm, evaluated.get(realm) + sizes.filter((size) => size > EVALUATED_BYTES_MIN).length);
    return answers[sizes.indexOf(Math.max(...sizes))];
  };
  try {
    assert.equal((await user.refusal('0')).reason, RecoverErrorReason.InvalidPin);
  } finally {
    globalThis.fetch = fetched;
  }
  assert.deepEqual([...evaluated.values()], [3, 3, 3]);
});

test('two realms of three are enough while the third is away', async () => {
  const user = new User('heidi', realms, { register: 2, recover: 2 });
  await user.register('1234', 'the secret', 5);
  await realms[1].end('SIGTERM');
  assert.equal(await user.recover('1234'), 'the secret');
  assert.equal((await user.refusal('0')).left, 4);
  await realms[1].run();
  const used = await Promise.all(realms.map((realm) => realm.status(token(realm.id, 'heidi'))));
  assert.equal(used[1].guesses_used, 0, 'each realm counts for itself');
  assert.equal(await user.recover('1234'), 'the secret');
});

test('a guess that comes too soon is refused and not counted', async () => {
  const slow = await Realm.start({ backOff: [0, 3600] });
  try {
    const user = new User('ivan', [slow], { recover: 1 });
    await user.register('1234', 'the secret', 5);
    assert.equal((await user.refusal('0')).left, 4);
    assert.equal((await user.refusal('1234')).reason, RecoverErrorReason.RateLimitExceeded);
    const status = await slow.status(token(slow.id, 'ivan'));
    assert.equal(status.guesses_used, 1);
    assert.ok(status.next_guess_at > Date.now());
  } finally {
    await slow.remove();
  }
});
