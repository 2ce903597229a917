import type { Row } from '../row.ts';
import { balancerRows } from './balancer.ts';
import { channelRows } from './channels.ts';
import { failoverRows } from './failovers.ts';
import { hostileRows } from './hostile.ts';
import { ingestRows } from './ingests.ts';
import { redisRows } from './redis.ts';
import { restartRows } from './restarts.ts';
import { resumeRows } from './resumes.ts';
import { rollingRows } from './rolling.ts';
import { slowLinkRows } from './slow-link.ts';
import { upstreamRows } from './upstreams.ts';

/** Every row, in the order of the table. */
export const ROWS: readonly Row[] = [
  ...ingestRows,
  ...upstreamRows,
  ...channelRows,
  ...redisRows,
  ...failoverRows,
  ...balancerRows,
  ...rollingRows,
  ...restartRows,
  ...slowLinkRows,
  ...resumeRows,
  ...hostileRows,
];
