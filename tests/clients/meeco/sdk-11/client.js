'use strict';

// The SDK with the library for requests that its command line gives it.

const fetch = require('node-fetch');
const sdk = require('@meeco/sdk');
const { ofSdk } = require('../sdk');

module.exports = ofSdk(sdk, fetch);
