/** The server cannot carry the stream: its version, or the way it is deployed. Trying again does not help. */
export class UnfitServerError extends Error {
  override readonly name = 'UnfitServerError';
}

/** What is stored in Redis, or what a script answered, is nothing that this release can read. */
export class StateError extends Error {
  override readonly name = 'StateError';
}

/** The stored state holds something else than its layout says: it counts as missing, and a new epoch begins. */
export class UnreadableStateError extends StateError {
  /** What its token field holds, which may be anything. */
  readonly token: string;
  constructor(message: string, token: string) {
    super(message);
    this.token = token;
  }
}

/** Whether Redis itself answered with an error, in contrast to an answer that never came. */
export function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/** Longest reason in a log line; Redis' own messages are shorter. */
const MAX_REASON_LENGTH = 200;

/**
 * What may be logged of an error: the system's code, else Redis' message. Errors of commands hold the command with its
 * arguments, so they are never logged themselves.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : error.message.slice(0, MAX_REASON_LENGTH);
}
