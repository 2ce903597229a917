import { request } from 'node:http';

/** What the answer to a handshake says that was refused. */
export interface RefusedUpgrade {
  readonly status: number;
  /** The message of its JSON body. */
  readonly message: string;
}

/**
 * Asks for a WebSocket where none is to be had; rejects when there is one.
 *
 * @param target path and query, as they go on the wire
 */
export function refusedUpgrade(
  port: number,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RefusedUpgrade> {
  const handshake = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  };
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port,
      path: target,
      headers: { ...handshake, ...headers },
      agent: false,
    });
    asked.on('error', reject);
    asked.on('upgrade', (_response, socket) => {
      socket.destroy();
      reject(new Error('was not refused'));
    });
    asked.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => {
        const { message } = JSON.parse(body) as { message: string };
        resolve({ status: response.statusCode ?? 0, message });
      });
    });
    asked.end();
  });
}
