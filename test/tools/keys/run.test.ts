import { strict as assert } from 'node:assert';
import { Readable, PassThrough } from 'node:stream';
import { MAX_KEY_BYTES, keyProblem } from '../../../edge/keys/api-key.ts';
import { parseKeyFile } from '../../../edge/keys/key-file.ts';
import type { KeyInput } from '../../../tools/keys/key-input.ts';
import { keys } from '../../../tools/keys/run.ts';
import { digestHex } from '../../edge/keys/records.ts';
import { MemoryIo } from '../../support/memory-io.ts';

const NOW = Date.UTC(2026, 10, 23);

function run(io: MemoryIo, argv: readonly string[], stdin: KeyInput = Readable.from([])): Promise<number> {
  const { stdout, stderr, interrupted } = io;
  return keys(argv, { stdout, stderr, interrupted, stdin }, NOW);
}

describe('flashcast keys', () => {
  describe('new', () => {
    it('prints the line for the file on standard output and the key, once, on standard error', async () => {
      const io = new MemoryIo();
      assert.equal(await run(io, ['new', 'acme', '--limit=5', '--expires=2027-01-31']), 0);
      const [, key = ''] = /: ([A-Za-z0-9_-]{43})$/m.exec(io.err) ?? [];
      assert.equal(keyProblem(key), undefined);
      assert.ok(!io.out.includes(key));
      assert.equal(io.err.split(key).length, 2);
      assert.equal(io.out, `acme sha256:${digestHex(key)} limit=5 expires=2027-01-31T00:00:00Z\n`);
    });

    it('makes lines that the key file takes as they are', async () => {
      const io = new MemoryIo();
      for (const argv of [['a'], ['a'], ['b', '--limit=1'], ['__proto__', '--expires=2027-01-31T00:00:00Z']])
        assert.equal(await run(io, ['new', ...argv]), 0);
      assert.deepEqual(
        parseKeyFile(io.out).map(({ application, limit, expiresAt }) => [application, limit, expiresAt]),
        [
          ['a', undefined, undefined],
          ['a', undefined, undefined],
          ['b', 1, undefined],
          ['__proto__', undefined, Date.UTC(2027, 0, 31)],
        ],
      );
    });

    it('prints nothing on standard output for a wrong command line', async () => {
      const io = new MemoryIo();
      assert.equal(await run(io, ['new', 'a', '--limit=x']), 2);
      assert.deepEqual([io.out, io.lines], ['', []]);
      assert.match(io.err, /^flashcast keys: --limit: .*\nTry 'flashcast keys --help'\.\n$/);
    });
  });

  describe('hash', () => {
    const KEY = 'a-key-that-somebody-has';

    it('reads a key, with or without the end of a line, in any pieces', async () => {
      for (const pieces of [
        [KEY],
        [`${KEY}\n`],
        [`${KEY}\r\n`],
        [...Array.from(KEY), '\n'],
        [...Array.from(KEY), '\r', '\n'],
      ]) {
        const io = new MemoryIo();
        assert.equal(await run(io, ['hash'], Readable.from(pieces.map((piece) => Buffer.from(piece)))), 0);
        assert.deepEqual([io.out, io.err], [`sha256:${digestHex(KEY)}\n`, '']);
      }
    });

    it('reads a key of several bytes to a character, also where a piece ends within one', async () => {
      const io = new MemoryIo();
      const bytes = Buffer.from(`${KEY}-clé`);
      assert.equal(await run(io, ['hash'], Readable.from([bytes.subarray(0, -1), bytes.subarray(-1)])), 0);
      assert.equal(io.out, `sha256:${digestHex(`${KEY}-clé`)}\n`);
    });

    it('warns of a key that can be guessed', async () => {
      const io = new MemoryIo();
      assert.equal(await run(io, ['hash'], Readable.from([Buffer.from('guess')])), 0);
      assert.equal(io.out, `sha256:${digestHex('guess')}\n`);
      assert.match(io.err, /can be guessed/);
    });

    it('refuses what is no key, and does not repeat it', async () => {
      for (const text of [
        '',
        '\n',
        'filter\n',
        '..',
        'S3cret key',
        'S3cret\nS3cret',
        'S3cret\u0000',
        'S'.repeat(MAX_KEY_BYTES + 1),
      ]) {
        const io = new MemoryIo();
        assert.equal(await run(io, ['hash'], Readable.from([Buffer.from(text)])), 1, text);
        assert.equal(io.out, '');
        assert.match(io.err, /^flashcast keys: hash: standard input: expected .*\n$/);
        assert.doesNotMatch(io.err, /S3cret/);
      }
      const io = new MemoryIo();
      assert.equal(await run(io, ['hash'], Readable.from([Buffer.from([0xff, 0xfe])])), 1);
    });

    it('stops reading what does not end', async () => {
      let given = 0;
      const endless = new Readable({
        highWaterMark: 1024,
        read() {
          given += 1;
          this.push(Buffer.alloc(1024, 'k'));
        },
      });
      assert.equal(await run(new MemoryIo(), ['hash'], endless), 1);
      assert.ok(endless.destroyed && given < 10, `${given} pieces`);
    });

    it('asks for it at a terminal and does not show it', async () => {
      const io = new MemoryIo();
      const terminal: PassThrough & KeyInput = Object.assign(new PassThrough(), { isTTY: true });
      const status = run(io, ['hash'], terminal);
      terminal.write(`${KEY}\r`);
      assert.equal(await status, 0);
      assert.equal(io.err, 'Key (not shown): \n');
      assert.equal(io.out, `sha256:${digestHex(KEY)}\n`);
    });

    it('ends with 130 when it is interrupted, at a terminal by Ctrl-C and by the end of the input, too', async () => {
      const piped = new MemoryIo();
      const waiting = run(piped, ['hash'], new PassThrough());
      piped.interrupt();
      assert.equal(await waiting, 130);
      const early = new MemoryIo();
      early.interrupt();
      assert.equal(await run(early, ['hash'], new PassThrough()), 130);
      for (const end of ['\u0003', '\u0004']) {
        const terminal: PassThrough & KeyInput = Object.assign(new PassThrough(), { isTTY: true });
        const io = new MemoryIo();
        const status = run(io, ['hash'], terminal);
        terminal.write(end);
        assert.equal(await status, 130);
        assert.equal(io.out, '');
      }
    });
  });

  it('prints its help', async () => {
    const io = new MemoryIo();
    assert.equal(await run(io, ['--help']), 0);
    assert.match(io.out, /^Usage: flashcast keys new APP/);
  });
});
