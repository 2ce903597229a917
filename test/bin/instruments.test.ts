import { strict as assert } from 'node:assert';
import { pino } from 'pino';
import { Instruments } from '../../bin/instruments.ts';

describe('instruments', () => {
  it('do not start once they are stopped', async () => {
    const lines: string[] = [];
    const instruments = new Instruments(
      { program: 'proxy', id: 'one', stream: null },
      {
        metrics: true,
        metricsAddr: { host: '127.0.0.1', port: 0 },
        metricsGlobalLabels: {},
        metricsHostLabel: false,
        statusPage: true,
      },
      pino({}, { write: (line: string) => lines.push(line) }),
    );
    await instruments.stop();
    await instruments.start('proxy', []);
    assert.deepEqual(lines, []);
    await instruments.stop();
  });
});
