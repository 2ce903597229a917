/**
 * Where the processes of a fleet count their clients together (redis: "Limits"). A lease says that a connection is there; it
 * expires by itself, so that a process that dies needs nobody to tidy up after it.
 */

/** A connection as it counts. */
export interface Lease {
  /** Names the connection, and no other one of any process ever. */
  readonly member: string;
  /** What its address counts by; `undefined` where connections per IP are not limited. */
  readonly address: string | undefined;
  /** `undefined` where connections per application are not limited. */
  readonly application: string | undefined;
}

export interface LeaseRequest {
  readonly lease: Lease;
  /** New connections of an address; `undefined` where they may come at any rate. */
  readonly rate: LeaseRate | undefined;
  /** Leases of the lease's address at most; not looked at where the lease has none. */
  readonly addressLimit: number;
  /** Leases of the lease's application at most; not looked at where the lease has none. */
  readonly applicationLimit: number;
}

export interface LeaseRate {
  /** What the address counts by. */
  readonly address: string;
  readonly perSecond: number;
  readonly burst: number;
}

export type LeaseAnswer =
  { readonly result: 'admitted' | 'ip' | 'application' } | { readonly result: 'rate'; readonly retryAfterMs: number };

/**
 * Calls may overlap; each is one round trip. A call that is rejected may have been carried out, may still be, or was not.
 * All calls reject with BackplaneUnavailableError.
 */
export interface LeaseStore {
  /** Connects. Resolves when it works or the first attempt has failed; rejects when the server is unfit. */
  start(): Promise<void>;
  /** Idempotent; leaves no handle open. */
  stop(): void;
  /** Whether calls have a chance now. */
  readonly available: boolean;
  /** Called with every change; `true` means a new connection to what may be another server. */
  onAvailable(listener: (available: boolean) => void): void;
  /** Checks rate, address and application, in this order, and takes the lease if none refuses. */
  admit(request: LeaseRequest): Promise<LeaseAnswer>;
  /** Takes or extends leases without a check. */
  renew(leases: readonly Lease[]): Promise<void>;
  release(leases: readonly Lease[]): Promise<void>;
  /** Resolves when the store takes writes. */
  probe(): Promise<void>;
}
