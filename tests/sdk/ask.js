// Make calls of the vendor's Node SDK, unchanged: a JSON list on stdin, one JSON line of outcome for each on stdout.
'use strict';
const VoximplantApiClient = require('@voximplant/apiclient-nodejs').default;

const revive = (key, value) => (key.endsWith('Date') ? new Date(value) : value);
const calls = JSON.parse(require('fs').readFileSync(0, 'utf8'), revive);
const client = new VoximplantApiClient({ host: process.env.SANDBOX_HOST });
client.onReady = async () => {
  for (const [group, method, request] of calls) {
    try {
      console.log(JSON.stringify({ resolved: await client[group][method](request) }));
    } catch (error) {
      console.log(JSON.stringify({ rejected: error.message }));
    }
  }
};
