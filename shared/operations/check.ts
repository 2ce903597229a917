/** One condition of a process' health, as `/readyz` shows it. */
export interface Check {
  /** A short name in kebab-case, unique within the process. */
  readonly name: string;
  readonly ok: boolean;
  /** Whether the process is unready while the check fails; the others only show. */
  readonly required: boolean;
  /** The state in a few words; never anything that came from outside. */
  readonly detail?: string;
}

/** Ready while every required check holds. */
export function isReady(checks: readonly Check[]): boolean {
  return checks.every((check) => check.ok || !check.required);
}
