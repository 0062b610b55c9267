'use strict';

// The packages of 2023 put together as the SDK of their time did, which is not published: the same steps as before, with
// texts in UTF-8 and the names of the newer interface.

const cryppo = require('@meeco/cryppo');
const keystoreSdk = require('@meeco/keystore-api-sdk');
const vaultSdk = require('@meeco/vault-api-sdk');
const { randomBytes } = require('node:crypto');
const jsrp = require('jsrp');
const settings = require('../settings');

const { EncryptionKey, bytesToUtf8, utf8ToBytes } = cryppo;
const strategy = cryppo.CipherStrategy.AES_GCM;

/** An account's services. What these clients do not use they send empty, or leave undefined, which arrives as text. */
function services(sdk, basePath, token) {
  const headers = {
    'Meeco-Subscription-Key': settings.subscriptionKey,
    Authorization: token,
    'Meeco-Delegation-Id': '',
  };
  const configuration = new sdk.Configuration({
    basePath,
    apiKey: (name) => headers[name],
    fetchApi: (url, options) => fetch(url, options),
  });
  return new Proxy({}, { get: (_, name) => new sdk[name](configuration) });
}

const keystore = (auth) => services(keystoreSdk, settings.keystore, auth?.keystore_access_token ?? '');
const vault = (auth) => services(vaultSdk, settings.vault, auth?.vault_access_token ?? '');

const encrypt = async (key, data) => (await cryppo.encryptWithKey({ key, data, strategy })).serialized;
const decrypt = (key, serialized) => cryppo.decryptWithKey({ key, serialized });
const unwrap = async (key, serialized) => EncryptionKey.fromBytes(await decrypt(key, serialized));

/** Base58 in the Bitcoin alphabet. */
function base58(bytes) {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  let text = '';
  for (let number = BigInt(`0x${bytes.toString('hex')}`); number > 0n; number /= 58n) {
    text = alphabet[Number(number % 58n)] + text;
  }
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return '1'.repeat(zeros < 0 ? bytes.length : zeros) + text;
}

function partsOf(secret) {
  const [, username, groups] = secret.split('.');
  return { username, text: groups.replaceAll('-', '') };
}

const derive = (passphrase, salt) =>
  cryppo.generateDerivedKey({ passphrase, useSalt: salt, minIterations: 100_000, iterationVariance: 0, length: 32 });

const passphraseDerivedKey = async (passphrase, secret) =>
  EncryptionKey.fromBytes((await derive(passphrase, partsOf(secret).text)).key.bytes);

/** The client's side of SRP, with the derived bytes as text of one character each. */
async function srp(passphrase, secret) {
  const { username, text } = partsOf(secret);
  const { key } = await derive(passphrase, [...text].reverse().join(''));
  const client = new jsrp.client();
  const password = Buffer.from(key.bytes).toString('latin1');
  await new Promise((done) => client.init({ username, password, length: 2048 }, done));
  return { username, client };
}

class LoginFailed extends Error {}

async function openKeystore(passphrase, secret) {
  const { username, client } = await srp(passphrase, secret);
  const api = keystore().AuthenticationViaSecureRemotePasswordProtocolApi;
  const srp_a = client.getPublicKey();
  const { challenge } = await api.srpChallengesPost({ username, srp_a });
  client.setSalt(challenge.challenge_salt);
  client.setServerPublicKey(challenge.challenge_b);
  try {
    const { session } = await api.srpSessionPost({ username, srp_a, srp_m: client.getProof() });
    return { keystore_access_token: session.session_authentication_string };
  } catch (error) {
    throw error.status === 401 ? new LoginFailed('login failed', { cause: error }) : error;
  }
}

async function create(passphrase, secret) {
  const { username, client } = await srp(passphrase, secret);
  const verifier = await new Promise((done, fail) => {
    client.createVerifier((error, made) => (error ? fail(error) : done(made)));
  });
  try {
    await keystore().RegistrationViaSecureRemotePasswordProtocolApi.srpUsersPost({
      username,
      srp_salt: verifier.salt,
      srp_verifier: verifier.verifier,
    });
  } catch (error) {
    const taken = error.status === 400 && (await error.clone().json()).errors[0].error === 'username_taken';
    if (!taken) throw error;
  }
  const auth = await openKeystore(passphrase, secret);
  const own = keystore(auth);
  const { external_admission_token: tokens } = await own.ExternalAdmissionTokensApi.externalAdmissionTokensGet();

  const pdk = await passphraseDerivedKey(passphrase, secret);
  const kek = EncryptionKey.generateRandom();
  await own.KeyEncryptionKeyApi.keyEncryptionKeyPost({
    serialized_key_encryption_key: await encrypt(pdk, kek.bytes),
  });
  const pair = await cryppo.generateRSAKeyPair();
  await own.KeypairApi.keypairsPost({
    public_key: pair.publicKey,
    encrypted_serialized_key: await encrypt(kek, utf8ToBytes(pair.privateKey)),
    external_identifiers: ['auth'],
  });
  const admitted = await vault().UserApi.mePost({
    public_key: pair.publicKey,
    admission_token: tokens.vault_api_admission_token,
  });
  auth.vault_access_token = await cryppo.decryptSerializedWithPrivateKey({
    privateKeyPem: pair.privateKey,
    serialized: admitted.encrypted_session_authentication_string,
  });
  auth.data_encryption_key = EncryptionKey.generateRandom();
  const stored = await own.DataEncryptionKeyApi.dataEncryptionKeysPost({
    serialized_data_encryption_key: await encrypt(kek, auth.data_encryption_key.bytes),
  });
  await vault(auth).UserApi.mePut({ user: { private_dek_external_id: stored.data_encryption_key.id } });
  return auth;
}

async function login(passphrase, secret) {
  const pdk = await passphraseDerivedKey(passphrase, secret);
  const auth = await openKeystore(passphrase, secret);
  const own = keystore(auth);
  const { key_encryption_key: stored } = await own.KeyEncryptionKeyApi.keyEncryptionKeyGet();
  const kek = await unwrap(pdk, stored.serialized_key_encryption_key);
  const pair = await keyPair(auth);
  const { session } = await vault().SessionApi.sessionPost({ public_key: pair.public_key });
  auth.vault_access_token = await cryppo.decryptSerializedWithPrivateKey({
    privateKeyPem: bytesToUtf8(await decrypt(kek, pair.encrypted_serialized_key)),
    serialized: session.encrypted_session_authentication_string,
  });
  const { user } = await vault(auth).UserApi.meGet();
  const { data_encryption_key: dek } = await own.DataEncryptionKeyApi.dataEncryptionKeysIdGet(
    user.private_dek_external_id,
  );
  auth.data_encryption_key = await unwrap(kek, dek.serialized_data_encryption_key);
  return auth;
}

async function keyPair(auth) {
  const { keypair } = await keystore(auth).KeypairApi.keypairsExternalIdExternalIdGet('auth');
  // This generation's flavour of the reply: identifiers as texts.
  if (!keypair.external_identifiers.includes('auth')) {
    throw new Error(`external identifiers: ${JSON.stringify(keypair.external_identifiers)}`);
  }
  return keypair;
}

const encryptSlots = (auth, slots) =>
  Promise.all(
    slots.map(async ({ value, ...slot }) => ({
      ...slot,
      // Nothing has no cipher text in this generation.
      encrypted_value: value ? await encrypt(auth.data_encryption_key, utf8ToBytes(value)) : null,
    })),
  );

async function decryptSlot(auth, slot) {
  const bytes = slot.encrypted_value && (await decrypt(auth.data_encryption_key, slot.encrypted_value));
  return { ...slot, value: bytes ? bytesToUtf8(bytes) : null };
}

const pageOf = (auth, nextPageAfter, perPage) => {
  const nothing = Array(9).fill(undefined);
  return vault(auth).ItemApi.itemsGet(...nothing, nextPageAfter, perPage);
};

module.exports = {
  loginFailed: (error) => error instanceof LoginFailed,
  async newSecret() {
    const { username } = await keystore().RegistrationViaSecureRemotePasswordProtocolApi.srpUsernamePost({});
    return `1.${username}.${base58(randomBytes(32)).match(/.{1,6}/g).join('-')}`;
  },
  create,
  login,
  keyOf: (auth) => auth.data_encryption_key.serialize,
  versions: async () => [await keystore().MonitoringApi.versionGet(), await vault().MonitoringApi.versionGet()],
  me: async (auth) => (await vault(auth).UserApi.meGet()).user,
  keyEncryptionKey: (auth) => keystore(auth).KeyEncryptionKeyApi.keyEncryptionKeyGet(),
  validity: (auth) => keystore(auth).SessionApi.sessionGet(),
  async logout(auth) {
    await vault(auth).SessionApi.sessionDelete();
    await keystore(auth).SessionApi.sessionDelete();
  },
  keyPair,
  templates: async (auth) => (await vault(auth).ItemTemplateApi.itemTemplatesGet()).item_templates,
  async createItem(auth, template_name, label, slots) {
    const slots_attributes = await encryptSlots(auth, slots);
    return (await vault(auth).ItemApi.itemsPost({ template_name, item: { label, slots_attributes } })).item.id;
  },
  list: (auth) => pageOf(auth),
  page: pageOf,
  async get(auth, id) {
    const found = await vault(auth).ItemApi.itemsIdGet(id);
    return { ...found, slots: await Promise.all(found.slots.map((slot) => decryptSlot(auth, slot))) };
  },
  update: async (auth, id, label, slots) =>
    vault(auth).ItemApi.itemsIdPut(id, { item: { label, slots_attributes: await encryptSlots(auth, slots) } }),
  removeSlot: (auth, id) => vault(auth).SlotApi.slotsIdDelete(id),
  removeItem: (auth, id) => vault(auth).ItemApi.itemsIdDelete(id),
};
