import type { Row } from '../row.ts';
import { FANOUT_ROWS } from './fanout.ts';
import { LATENCY_ROWS } from './latency.ts';
import { SCALE_ROWS } from './scale.ts';

export const ROWS: readonly Row[] = [...FANOUT_ROWS, ...SCALE_ROWS, ...LATENCY_ROWS];
