import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { readBoundedFile } from '../../../shared/config/layers/bounded-file.ts';

/** Certificate chain and private key as PEM, known to fit each other. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
  /** When the first certificate of the chain ends to be valid, milliseconds since 1970. */
  readonly validTo: number;
}

export interface KeyPairFiles {
  readonly tlsCertFile: string;
  readonly tlsKeyFile: string;
}

/** A pair that cannot be used. The message names the setting and what is wrong, and nothing of the files' contents. */
export class KeyPairError extends Error {}

/** Chains of a dozen certificates have some 30 KiB; whatever is longer is another file. */
const MAX_FILE_BYTES = 1_048_576;

/**
 * Reads the two files as they are now.
 *
 * @throws KeyPairError
 */
export function readKeyPairTexts(files: KeyPairFiles): { readonly cert: string; readonly key: string } {
  return { cert: readText('TLS_CERT_FILE', files.tlsCertFile), key: readText('TLS_KEY_FILE', files.tlsKeyFile) };
}

/**
 * Checks that the two make a pair to serve with.
 *
 * @throws KeyPairError
 */
export function checkKeyPair({ cert, key }: { readonly cert: string; readonly key: string }): KeyPair {
  const validTo = attempt('TLS_CERT_FILE: expected a certificate chain as PEM', () =>
    Date.parse(new X509Certificate(cert).validTo),
  );
  attempt('TLS_CERT_FILE: expected a certificate chain as PEM', () => createSecureContext({ cert }));
  attempt('TLS_KEY_FILE: expected the private key of TLS_CERT_FILE as PEM, without a password', () =>
    createSecureContext({ cert, key }),
  );
  return { cert, key, validTo };
}

function readText(setting: string, path: string): string {
  const reading = readBoundedFile(path, '.', MAX_FILE_BYTES);
  if (!reading.ok) throw new KeyPairError(`${setting}: the file ${reading.reason}`);
  return reading.text;
}

function attempt<T>(message: string, action: () => T): T {
  try {
    return action();
  } catch {
    throw new KeyPairError(message);
  }
}
