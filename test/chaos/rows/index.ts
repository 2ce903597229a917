import type { Row } from '../row.ts';
import { channelRows } from './channels.ts';
import { ingestRows } from './ingests.ts';
import { redisRows } from './redis.ts';
import { restartRows } from './restarts.ts';
import { resumeRows } from './resumes.ts';
import { upstreamRows } from './upstreams.ts';

/** Every row, in the order of the table. */
export const ROWS: readonly Row[] = [
  ...ingestRows,
  ...upstreamRows,
  ...channelRows,
  ...redisRows,
  ...restartRows,
  ...resumeRows,
];
