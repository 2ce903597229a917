import { strict as assert } from 'node:assert';
import { load, MINIMAL, problems, settings } from './support.ts';

const argv = ['--config', 'c'];
const read = (text: string) => settings('proxy', { argv, env: MINIMAL.proxy, files: { c: text } });
const wrong = (text: string) => problems('proxy', { argv, env: MINIMAL.proxy, files: { c: text } });

describe('a config file', () => {
  it('is YAML or JSON, with names in camelCase', () => {
    assert.equal(read('# people\nmessageBufferSize: 7\nenableCompression: true\n').messageBufferSize, 7);
    assert.equal(read('{"messageBufferSize": 7, "enableCompression": true}').enableCompression, true);
  });

  it('may be empty', () => {
    for (const text of ['', '# nothing\n', '---\n', 'null']) assert.equal(read(text).messageBufferSize, 20);
  });

  it('holds lists as lists or as texts, and labels also as a map', () => {
    const { trustedProxies, metricsGlobalLabels } = read(
      'trustedProxies: [loopback, 10.0.0.0/8]\nmetricsGlobalLabels: {region: eu, zone: 1}\n',
    );
    assert.deepEqual(trustedProxies, ['loopback', '10.0.0.0/8']);
    assert.deepEqual(metricsGlobalLabels, { region: 'eu', zone: '1' });
    assert.deepEqual(read('metricsGlobalLabels: region=eu').metricsGlobalLabels, { region: 'eu' });
  });

  it('may use anchors', () => {
    assert.equal(read('takeoverMs: &t 700\nrestartMs: *t\n').restartMs, 700);
  });

  it('is read by the same strict formats as everything else', () => {
    assert.equal(read('messageBufferSize: "7"').messageBufferSize, 7);
    for (const value of ['0x10', '1e3', '7.0', '+7', 'yes']) {
      assert.deepEqual(wrong(`messageBufferSize: ${value}`), [
        `messageBufferSize in the config file: received "${value}", expected a whole number from 1 to 65536`,
      ]);
    }
  });

  it('must be a map', () => {
    for (const text of ['[1]', 'text']) assert.match(wrong(text).join(), /^--config: "c" holds no settings/);
  });

  it('is refused where it says a thing twice', () => {
    assert.match(
      wrong('logLevel: info\nlogLevel: warn\n').join(),
      /not valid YAML or JSON at line 2, column 1 \(DUPLICATE_KEY\)/,
    );
  });

  it('is refused when it is too large', () => {
    assert.match(wrong(`# ${'x'.repeat(262_144)}`).join(), /^--config: the file "c" is larger than 262144 bytes$/);
  });

  it('knows no names of the language', () => {
    for (const name of ['__proto__', 'constructor', 'toString', '? [a]\n']) {
      assert.match(wrong(`${name}: 1\n`).join(), /no such setting|not valid YAML/, name);
    }
  });

  it('survives aliases that lead nowhere or to themselves', () => {
    for (const text of ['logLevel: *a', 'logLevel: &a [*a]', 'trustedProxies: &a [*a]', 'upstreamWs: &a {b: *a}']) {
      assert.equal(load('proxy', { argv, env: MINIMAL.proxy, files: { c: text } }).kind, 'problems', text);
    }
  });
});
