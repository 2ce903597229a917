import { strict as assert } from 'node:assert';
import { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { ClosingHandshake } from '../../../edge/front/closing-handshake.ts';
import { closeFrame } from '../../../edge/stream/frame.ts';

describe('closing handshake', () => {
  it('drops a mebibyte of what a client still sends, and reads no more', () => {
    const socket = new Socket();
    const closing = new ClosingHandshake(socket);
    assert.ok(closing.drop(1_048_575));
    assert.ok(closing.drop(1));
    assert.equal(closing.drop(1), false);
    closing.over();
    socket.destroy();
  });

  it('sends one Close frame, however often it is asked to, and ends behind it', () => {
    const stream = new PassThrough();
    const closing = new ClosingHandshake(stream as unknown as Socket);
    closing.send(closeFrame(1001, 'Draining'));
    closing.send(closeFrame(1008, 'Too many control frames'));
    closing.end();
    closing.over();
    assert.deepEqual(stream.read(), closeFrame(1001, 'Draining'));
    assert.ok(stream.writableEnded);
  });
});
