/**
 * Every code that the edge closes a client with (client-protocol: "Close codes"). 1002, 1007 and 1009 for frames that break the
 * protocol or its bounds are sent by ws itself.
 */
export const GOING_AWAY = 1001;
export const POLICY_VIOLATION = 1008;
export const TRY_AGAIN_LATER = 1013;
