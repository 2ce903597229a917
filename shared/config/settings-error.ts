/**
 * What is wrong with settings shows only when they are used: a file that they name, say. Thrown while a program is made, it
 * ends the program as wrong settings do.
 */
export class SettingsError extends Error {
  /** One line each: the setting, and what was expected; never a secret. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.name = 'SettingsError';
    this.problems = problems;
  }
}
