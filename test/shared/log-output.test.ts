import assert from 'node:assert/strict';
import { LogOutput } from '../../shared/log-output.ts';

/** An output that takes so many bytes and then nothing. */
class Pipe {
  room = Infinity;
  text = '';
  readonly write = (bytes: Buffer): number => {
    const taken = Math.min(this.room, bytes.length);
    if (taken === 0) throw Object.assign(new Error('EAGAIN'), { code: 'EAGAIN' });
    this.room -= taken;
    this.text += bytes.toString('utf8', 0, taken);
    return taken;
  };
}

describe("the log's output", () => {
  let pipe: Pipe;
  let lost: number[];
  let output: LogOutput;

  beforeEach(() => {
    pipe = new Pipe();
    lost = [];
    output = new LogOutput((lines) => lost.push(lines), pipe.write);
  });

  it('has each line at once', () => {
    output.write('one\n');
    assert.equal(pipe.text, 'one\n');
    output.write('two\n');
    assert.equal(pipe.text, 'one\ntwo\n');
  });

  it('keeps what is not taken, and writes it first, torn nowhere', () => {
    pipe.room = 5;
    output.write('one\n');
    output.write('two\n');
    output.write('three\n');
    assert.equal(pipe.text, 'one\nt');
    pipe.room = Infinity;
    output.write('four\n');
    assert.equal(pipe.text, 'one\ntwo\nthree\nfour\n');
    assert.deepEqual(lost, []);
  });

  it('holds at most 1 MiB, lets later lines go, and tells how many once it can write again', () => {
    pipe.room = 0;
    const line = `${'x'.repeat(1023)}\n`;
    for (let count = 0; count < 1030; count++) output.write(line);
    pipe.room = Infinity;
    output.write('again\n');
    assert.equal(pipe.text, `${line.repeat(1024)}again\n`);
    assert.deepEqual(lost, [6]);
    output.write('on\n');
    assert.deepEqual(lost, [6]);
  });

  it('writes what waits without another line', (done) => {
    pipe.room = 0;
    const write = pipe.write;
    const waiting = new LogOutput(
      () => undefined,
      (bytes) => {
        const taken = write(bytes);
        done();
        return taken;
      },
    );
    waiting.write('alone\n');
    pipe.room = Infinity;
  });
});
