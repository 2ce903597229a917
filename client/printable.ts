/** Sequences that steer a terminal: CSI, and OSC up to its end. */
// eslint-disable-next-line no-control-regex -- what steers a terminal is what is removed
const SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?)/g;
// eslint-disable-next-line no-control-regex -- as above
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/g;

/** Text of a server, fit for a terminal: no control characters, and not endless. */
export function printable(text: string, maxLength = 120): string {
  const clean = text.replace(SEQUENCES, '').replace(CONTROLS, '?');
  return clean.length > maxLength ? `${clean.slice(0, maxLength)}...` : clean;
}
