'use strict';

const { visit } = require('../../others');
const client = require('../client');

visit('sdk-13', client);
