'use strict';

// Where the server is, and what the scripts may ask of it: all of it from the environment, so that the same scripts run
// against any deployment.

function required(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set; tests/clients/run sets it`);
  }
  return value;
}

module.exports = {
  /** Base URL of the keystore. */
  get keystore() {
    return required('STRONGROOM_MEECO_KEYSTORE');
  },
  /** Base URL of the vault. */
  get vault() {
    return required('STRONGROOM_MEECO_VAULT');
  },
  /** What every request carries as `Meeco-Subscription-Key`. */
  get subscriptionKey() {
    return process.env.STRONGROOM_MEECO_SUBSCRIPTION_KEY || 'strongroom-tests';
  },
  /** A folder where the generations of clients leave accounts for each other. */
  get users() {
    return required('STRONGROOM_MEECO_USERS');
  },
  /** The `strongroom` program. */
  get binary() {
    return required('STRONGROOM_BIN');
  },
};
