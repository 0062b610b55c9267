'use strict';

// Where the server is and with whose key tokens are signed: all of it from the environment, so that the same scripts
// run against any deployment.

function required(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set; tests/clients/run sets it`);
  }
  return value;
}

module.exports = {
  /** Base URL: the clients append /keyknox/v1 and /keyknox/v2. */
  url: required('STRONGROOM_URL'),
  applicationId: required('STRONGROOM_APPLICATION_ID'),
  keyId: required('STRONGROOM_KEY_ID'),
  /** The application's private key: PKCS#8 in base64. */
  applicationKey: required('STRONGROOM_APPLICATION_KEY'),
  /** The `strongroom` program. */
  binary: required('STRONGROOM_BIN'),
  /** Names what one run shares between the generations of clients. */
  run: required('STRONGROOM_RUN'),
  /** The key of the identity whose record both generations use. A test key, of no use elsewhere. */
  sharedKey: 'MC4CAQAwBQYDK2VwBCIEINtyFT9Jj1TBNWJTuyOTdsuB7o8YZUVTKrv0+qr0BHpa',
};
