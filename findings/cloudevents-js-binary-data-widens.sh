#!/usr/bin/env bash
# npm cloudevents 10.0.0: binary data read from a structured event is four times as long when sent on in binary mode.
#
# Expected: the bytes that came. The JSON event format 1.0.2, section 3.1.2, says of `data_base64` that the reader
#   "MUST decode into a binary runtime data type"; the HTTP binding, section 3.1.2, that the `data` byte-sequence
#   "is used as the HTTP message body".
# What happens: the data becomes a Uint32Array, one element of four bytes for each byte.
#   As the body of a request it goes out as four bytes for each one, three of them zero.
#   (From a batch the same member becomes a Uint8Array.)
# Why it matters: a relay that takes structured events and posts them in binary mode damages every image,
#   Avro record or signature that passes through, with a status of success at each hop.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund cloudevents@10.0.0; } >npm.log 2>&1 || { cat npm.log; exit 2; }

cat >try.cjs <<'JS'
const { readFileSync } = require('node:fs');
const http = require('node:http');
const { HTTP } = require('cloudevents');
const sent = Buffer.from('hello');
const event = HTTP.toEvent({
  headers: { 'content-type': 'application/cloudevents+json' },
  body: JSON.stringify({
    specversion: '1.0', id: '1', source: '/files', type: 'stored',
    datacontenttype: 'application/octet-stream', data_base64: sent.toString('base64'),
  }),
});
const message = HTTP.binary(event);
const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const got = Buffer.concat(chunks);
  response.end();
  server.close();
  console.log('package: ', 'cloudevents', JSON.parse(readFileSync('node_modules/cloudevents/package.json')).version);
  console.log('expected:', sent.toString('hex'), `(${sent.length} bytes)`);
  console.log('saw:     ', got.toString('hex'), `(${got.length} bytes, from a ${message.body.constructor.name})`);
  process.exitCode = got.equals(Buffer.from(new Uint32Array(sent).buffer)) ? 0 : 1;
});
server.listen(0, '127.0.0.1', async () => {
  const url = `http://127.0.0.1:${server.address().port}/`;
  await fetch(url, { method: 'POST', headers: { ...message.headers, connection: 'close' }, body: message.body });
});
JS
node try.cjs
