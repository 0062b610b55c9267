'use strict';

// What one generation of clients leaves for the others: a file each, in a folder of the run.

const { readdirSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const settings = require('./settings');

const leave = (account) => writeFileSync(join(settings.users, `${account.generation}.json`), JSON.stringify(account));

const left = () =>
  readdirSync(settings.users)
    .sort()
    .map((name) => JSON.parse(readFileSync(join(settings.users, name), 'utf8')));

module.exports = { leave, left };
