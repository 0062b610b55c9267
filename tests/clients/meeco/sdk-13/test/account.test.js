'use strict';

const { live } = require('../../account');
const client = require('../client');

live('sdk-13', client);
