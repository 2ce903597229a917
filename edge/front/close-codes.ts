/** Every code that the edge closes a client with (client-protocol: "Close codes"; 1002 by RFC 6455, 7.4.1). */
export const GOING_AWAY = 1001;
export const PROTOCOL_ERROR = 1002;
export const POLICY_VIOLATION = 1008;
export const MESSAGE_TOO_BIG = 1009;
export const TRY_AGAIN_LATER = 1013;
