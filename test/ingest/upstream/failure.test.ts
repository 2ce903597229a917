import assert from 'node:assert/strict';
import { classifyError } from '../../../ingest/upstream/failure.ts';

function errorWith(code: unknown): Error {
  return Object.assign(new Error('wss://user:hunter2@builder/'), { code });
}

describe('the reason of a failed connection', () => {
  it('is found by the code of the error', () => {
    for (const [code, reason] of [
      ['ECONNREFUSED', 'refused'],
      ['ENOTFOUND', 'dns'],
      ['EAI_AGAIN', 'dns'],
      ['EHOSTUNREACH', 'unreachable'],
      ['ETIMEDOUT', 'timeout'],
      ['ECONNRESET', 'reset'],
      ['EPIPE', 'reset'],
      ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
      ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
      ['CERT_HAS_EXPIRED', 'tls'],
      ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls'],
      ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls'],
      ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'oversized'],
      ['WS_ERR_INVALID_UTF8', 'protocol'],
      ['WS_ERR_UNEXPECTED_MASK', 'protocol'],
    ] as const) {
      assert.equal(classifyError(errorWith(code), false), reason, code);
    }
  });

  it('is one of the list for every other error, by whether the handshake was over', () => {
    for (const error of [new Error('hunter2'), errorWith('HPE_INVALID_CONSTANT'), errorWith(5), 'text', null]) {
      assert.equal(classifyError(error, false), 'handshake');
      assert.equal(classifyError(error, true), 'error');
    }
  });
});
