import type { Row } from '../row.ts';
import { ingestRows } from './ingests.ts';

/** Every row, in the order of the table. */
export const ROWS: readonly Row[] = [...ingestRows];
