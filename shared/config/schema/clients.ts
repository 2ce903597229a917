import { listenAddress } from '../formats/addresses.ts';
import { byteCount, milliseconds, millisecondsOrZero, wholeNumber, workerCount } from '../formats/numbers.ts';
import { filePath } from '../formats/names.ts';
import { boolean } from '../formats/words.ts';
import type { Setting } from '../setting.ts';

/** Serving clients on 8545 (configuration, "The reference's settings" and "New settings"). */
export const clientSettings = {
  listenAddr: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: listenAddress,
    default: '0.0.0.0:8545',
    help: 'Address and port for clients.',
  },
  enableCompression: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: boolean,
    default: 'false',
    help: 'Send brotli to clients that do not choose an encoding themselves.',
  },
  instanceConnectionLimit: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: wholeNumber(1, 1_000_000),
    default: '100',
    defaultFor: { edge: '10000' },
    help: 'Clients connected to this process at most, over all its workers.',
  },
  messageBufferSize: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: wholeNumber(1, 65_536),
    default: '20',
    help: 'Messages waiting for one client before it is too slow.',
  },
  clientQueueBytes: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: byteCount(1024),
    default: '4194304',
    help: 'Bytes waiting for one client before it is too slow; the first of this and MESSAGE_BUFFER_SIZE counts.',
  },
  clientSendTimeoutMs: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: milliseconds,
    default: '1000',
    help: 'Milliseconds in which a waiting message must get through to a client, else it is too slow.',
  },
  clientPingEnabled: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: boolean,
    default: 'false',
    defaultFor: { edge: 'true' },
    help: 'Ping clients, and end those that do not answer.',
  },
  clientPingIntervalMs: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: milliseconds,
    default: '15000',
    help: 'Milliseconds between two pings to a client.',
  },
  clientPongTimeoutMs: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: milliseconds,
    default: '30000',
    help: 'Milliseconds without any frame of a client after which it is ended.',
  },
  drainTimeoutMs: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: millisecondsOrZero,
    default: '25000',
    help: 'Milliseconds from SIGTERM until the last client is closed; includes DRAIN_DELAY_MS.',
  },
  drainDelayMs: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: millisecondsOrZero,
    default: '2000',
    help: 'Milliseconds from SIGTERM in which new clients are still accepted, for balancers to notice.',
  },
  handshakeTimeoutMs: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: milliseconds,
    default: '5000',
    help: 'Milliseconds in which a connection must have become a WebSocket.',
  },
  maxHeaderBytes: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    // What node:http takes; under 1 KiB no browser's handshake fits.
    format: wholeNumber(1024, 1_048_576),
    default: '8192',
    help: 'Bytes of one request head at most.',
  },
  maxPending: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: wholeNumber(1, 1_000_000),
    default: '2000',
    help: 'Connections that have not become a WebSocket yet, in all; above it the oldest goes.',
  },
  edgeWorkers: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: workerCount,
    default: '1',
    help: 'Processes that share LISTEN_ADDR and METRICS_ADDR; auto is one per core. A proxy is always one.',
  },
  tlsCertFile: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: filePath,
    help: 'Certificate chain to serve wss with, as PEM; read again on change.',
  },
  tlsKeyFile: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: filePath,
    help: 'Private key of TLS_CERT_FILE, as PEM.',
  },
  maxFilterTerms: {
    group: 'Clients',
    programs: ['proxy', 'edge'],
    format: wholeNumber(1, 100_000),
    default: '1000',
    help: 'Addresses and topics in the filter of one connection.',
  },
} as const satisfies Record<string, Setting>;
