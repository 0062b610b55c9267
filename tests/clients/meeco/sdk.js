'use strict';

// The SDK's services as its own command line drives them, behind the names that `account.js` uses. The two generations
// differ in how an item is read, how one signs out, and in pages.

const settings = require('./settings');

/** `sdk`: the package. `fetch`: what it sends requests with. */
function ofSdk(sdk, fetch) {
  sdk.configureFetch(fetch);
  const environment = new sdk.Environment({
    keystore: {
      url: settings.keystore,
      subscription_key: settings.subscriptionKey,
      provider_api_key: '',
    },
    vault: { url: settings.vault, subscription_key: settings.subscriptionKey },
  });
  const users = new sdk.UserService(environment);
  const items = new sdk.ItemService(environment);
  const keystore = sdk.keystoreAPIFactory(environment);
  const vault = sdk.vaultAPIFactory(environment);
  const token = (auth) => auth.vault_access_token;

  return {
    loginFailed: (error) => error.code === sdk.ERROR_CODES.LoginFailed,
    newSecret: async () => new sdk.SecretService().generateSecret(await users.generateUsername()),
    create: (passphrase, secret) => users.create(passphrase, secret),
    login: (passphrase, secret) => (users.getAuthData ?? users.get).call(users, passphrase, secret),
    keyOf: (auth) => auth.data_encryption_key.toJSON(),
    versions: async () => [
      await keystore('').VersionApi.versionGet(),
      await vault('').VersionApi.versionGet(),
    ],
    me: async (auth) => (await users.getVaultUser(token(auth))).user,
    keyEncryptionKey: (auth) => keystore(auth).KeyEncryptionKeyApi.keyEncryptionKeyGet(),
    async logout(auth) {
      if (users.deleteSessionTokens) {
        await users.deleteSessionTokens(token(auth), auth.keystore_access_token);
      } else {
        await vault(auth).SessionApi.sessionDelete();
        await keystore(auth).SessionApi.sessionDelete();
      }
    },
    keyPair: async (auth) => (await keystore(auth).KeypairApi.keypairsExternalIdExternalIdGet('auth')).keypair,

    templates: async (auth) => (await vault(auth).ItemTemplateApi.itemTemplatesGet()).item_templates,
    async createItem(auth, template, label, slots) {
      const data = new sdk.ItemCreateData({ template_name: template, item: { label }, slots });
      return (await items.create(token(auth), auth.data_encryption_key, data)).item.id;
    },
    list: (auth) => items.list(token(auth)),
    page: items.listAll && ((auth, after, size) => items.list(token(auth), undefined, after, size)),
    get(auth, id) {
      // The older takes token and key apart.
      return items.get.length === 2 ? items.get(id, auth) : items.get(id, token(auth), auth.data_encryption_key);
    },
    update: (auth, id, label, slots) =>
      items.update(token(auth), auth.data_encryption_key, new sdk.ItemUpdateData({ id, label, slots })),
    removeSlot: (auth, id) => items.removeSlot(id, token(auth)),
    removeItem: (auth, id) => vault(auth).ItemApi.itemsIdDelete(id),
  };
}

module.exports = { ofSdk };
