import { WebSocket } from 'ws';
import type { Settings } from '../stack.ts';
import type { Program } from '../program.ts';

/** Environment of a program whose garbage is to be collected: its inspector listens on a port of the system's choice once asked to. */
export const INSPECTABLE: Settings = { NODE_OPTIONS: '--inspect-port=127.0.0.1:0' };
/** What the inspector writes to stderr. */
export const INSPECTOR_LINES = /^(Debugger .*|For help, see: .*)\n/gm;

const ADDRESS = /^Debugger listening on (ws:\S+)$/m;

/** One collection, as V8 makes them itself: the inspector's own command makes several and stops the program far longer. */
const COLLECT = `(() => {
  process.getBuiltinModule('v8').setFlagsFromString('--expose-gc');
  process.getBuiltinModule('vm').runInNewContext('gc')();
})()`;

/** Has a program collect its garbage now, so that its memory is what it holds and not what V8 has not looked at yet. */
export async function collectGarbage(program: Program): Promise<void> {
  if (!ADDRESS.test(program.stderr)) program.signal('SIGUSR1');
  await program.changes.until(() => ADDRESS.test(program.stderr), 'the inspector');
  const inspector = new WebSocket(ADDRESS.exec(program.stderr)![1]!);
  try {
    await new Promise((resolve, reject) => inspector.once('open', resolve).once('error', reject));
    const done = new Promise((resolve, reject) => inspector.once('message', resolve).once('error', reject));
    inspector.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: COLLECT } }));
    const answer = JSON.parse(String(await done)) as { result?: { exceptionDetails?: unknown } };
    if (answer.result === undefined || answer.result.exceptionDetails !== undefined)
      throw new Error('no garbage was collected');
  } finally {
    inspector.terminate();
  }
}
