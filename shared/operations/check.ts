/** One condition of a process' health, as `/readyz` shows it. */
export interface Check {
  /** A short name in kebab-case, unique within the process. */
  readonly name: string;
  readonly ok: boolean;
  /** It only shows: the process is ready also while it fails. */
  readonly informative?: true;
  /** The state in a few words; never anything that came from outside. */
  readonly detail?: string;
}

/** Ready while every check holds that is not informative. */
export function isReady(checks: readonly Check[]): boolean {
  return checks.every((check) => check.ok || check.informative === true);
}
