import { backplaneAppendSuite } from './backplane-append-suite.ts';
import { backplaneEpochSuite } from './backplane-epoch-suite.ts';
import { backplaneHistorySuite } from './backplane-history-suite.ts';
import { backplaneRaceSuite } from './backplane-race-suite.ts';
import type { OpenHarness } from './backplane-harness.ts';

/** What every implementation of the backplane does alike (redis: "Publishing", "An edge's subscription"). */
export function backplaneSuite(open: OpenHarness): void {
  backplaneAppendSuite(open);
  backplaneEpochSuite(open);
  backplaneHistorySuite(open);
  backplaneRaceSuite(open);
}
