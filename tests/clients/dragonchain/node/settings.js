'use strict';

// Where the server is, and the root key of its chain: all of it from the environment, so that the same scripts run
// against any deployment.

function required(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set; tests/clients/run sets it`);
  }
  return value;
}

module.exports = {
  /** What clients are given as their endpoint, path included. */
  endpoint: required('STRONGROOM_CHAIN_ENDPOINT'),
  /** The chain's public id. */
  chain: required('STRONGROOM_CHAIN_ID'),
  rootKeyId: required('STRONGROOM_CHAIN_ROOT_KEY_ID'),
  rootKey: required('STRONGROOM_CHAIN_ROOT_KEY'),
  /** The `strongroom` program. */
  binary: required('STRONGROOM_BIN'),
};
