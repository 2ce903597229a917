import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fixedConfiguration } from './haproxy.ts';

describe("the deployment's HAProxy before fixed servers", () => {
  const servers = [
    { port: 1001, metricsPort: 2001 },
    { port: 1002, metricsPort: 2002 },
  ];
  const ports = { clients: 3001, operations: 3002 };

  it('checks each server on its own port, as the deployment does, and asks no DNS', async () => {
    const deployed = await readFile(new URL('../../deploy/haproxy/haproxy.cfg', import.meta.url), 'utf8');
    const fixed = fixedConfiguration(deployed, servers, ports);
    const checks = /check port 9000 (.*?) resolvers/.exec(deployed)?.[1] ?? 'none';
    assert.match(checks, /inter \d+ms/);
    assert.ok(fixed.includes(`    server edge0 127.0.0.1:1001 check port 2001 ${checks}\n`));
    assert.ok(fixed.includes(`    server edge1 127.0.0.1:1002 check port 2002 ${checks}\n`));
    assert.ok(fixed.includes('bind 127.0.0.1:3001\n') && fixed.includes('bind 127.0.0.1:3002\n'));
    assert.doesNotMatch(fixed, /resolvers|nameserver|server-template/);
    assert.match(fixed, /balance leastconn/);
  });

  it('is not made of a configuration that has changed its shape', () => {
    assert.throws(() => fixedConfiguration('backend edges\n', servers, ports), /0 times, not once/);
  });
});
