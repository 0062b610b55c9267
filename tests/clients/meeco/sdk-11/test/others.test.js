'use strict';

const { visit } = require('../../others');
const client = require('../client');

visit('sdk-11', client);
