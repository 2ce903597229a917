/**
 * What becomes of each HTTP request on LISTEN_ADDR: `/healthz` is answered, clients are admitted and upgraded on the WebSocket
 * routes, and everything else is refused (client-protocol: "HTTP and WebSocket routes").
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '../../shared/log.ts';
import type { EdgeMetrics } from '../../shared/metrics/edge-metrics.ts';
import type { Admission, Candidate, Grant } from '../admission/admission.ts';
import { clientAddress } from '../admission/client-address.ts';
import {
  DRAINING,
  INSTANCE_FULL,
  INTERNAL_ERROR,
  NOT_FOUND,
  type Refusal,
  UPGRADE_REQUIRED,
} from '../admission/refusal.ts';
import type { TrustedProxies } from '../admission/trusted-proxies.ts';
import type { Resume } from '../stream/resume.ts';
import type { PendingSockets } from './accept/pending-sockets.ts';
import { answerSocket, refuse, refuseSocket } from './answer.ts';
import type { Connection } from './connection.ts';
import { upgrade } from './frames/handshake.ts';
import { headerLines } from './header-lines.ts';
import { hasBody, requestProblem, upgradeProblem } from './request-rules.ts';
import { type Resumes, resumeHeaders } from './resumes.ts';
import { routeOf } from './routes.ts';

export interface EntranceSettings {
  /** Clients that do not choose get brotli. */
  readonly enableCompression: boolean;
  readonly ipAddrHttpHeader: string;
}

export interface EntranceDependencies {
  readonly admission: Admission;
  readonly pending: Pick<PendingSockets, 'peerOf' | 'requested' | 'asks' | 'refused'>;
  readonly trusted: TrustedProxies;
  readonly resumes: Pick<Resumes<Connection>, 'answer'>;
  readonly metrics: Pick<EdgeMetrics, 'admissions' | 'globalRateLimitedRequests'>;
  readonly log: Logger;
  readonly isDraining: () => boolean;
  /** Takes a client that has its 101. */
  readonly join: (socket: Socket, head: Buffer, grant: Grant, resume: Resume | undefined) => void;
}

export class Entrance {
  readonly #deps: EntranceDependencies;
  readonly #encoding: Grant['encoding'];
  readonly #addressHeader: string;

  constructor(settings: EntranceSettings, dependencies: EntranceDependencies) {
    this.#deps = dependencies;
    this.#encoding = settings.enableCompression ? 'br' : 'identity';
    this.#addressHeader = settings.ipAddrHttpHeader.toLowerCase();
  }

  /** Takes the requests of a server from now on. */
  serve(http: Server): void {
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => this.#onRequest(request, response);
    http.on('request', onRequest);
    // A body that is not wanted is not asked for either.
    http.on('checkContinue', onRequest);
    http.on('upgrade', (request, socket: Socket, head: Buffer) => this.#onUpgrade(request, socket, head));
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { pending, admission, isDraining } = this.#deps;
    const route = routeOf(request.method, request.url);
    const problem = requestProblem(request);
    if (problem === undefined && route.name === 'health' && !isDraining()) {
      const ends = hasBody(request);
      pending.requested(request.socket, ends);
      response.writeHead(200, { 'Content-Length': '0', ...(ends && { Connection: 'close' }) }).end();
      return;
    }
    pending.requested(request.socket, true);
    if (problem === undefined && route.name === 'health') {
      refuse(response, DRAINING);
      return;
    }
    const found = route.name === 'stream' && admission.hasRoute({ ...route, headers: request.headers });
    const refusal = problem ?? (found ? UPGRADE_REQUIRED : NOT_FOUND);
    this.#count(refusal);
    refuse(response, refusal);
  }

  #onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', destroyOnError);
    const room = this.#deps.pending.asks(socket);
    if (room === 'gone') {
      socket.destroy();
      return;
    }
    const route = routeOf(request.method, request.url);
    if (route.name === 'health') {
      const problem = requestProblem(request);
      if (problem === undefined) this.#answerHealth(socket);
      else this.#refuse(socket, problem);
      return;
    }
    const candidate = route.name === 'stream' ? { ...route, headers: request.headers } : undefined;
    const refusal = this.#refusalOf(request, candidate, room);
    if (candidate === undefined || refusal !== undefined) this.#refuse(socket, refusal ?? NOT_FOUND);
    else void this.#admit(request, socket, head, candidate);
  }

  #answerHealth(socket: Socket): void {
    this.#deps.pending.refused(socket);
    if (this.#deps.isDraining()) refuseSocket(socket, DRAINING);
    else answerSocket(socket, 200);
  }

  /** What is to be said before the admission is asked. */
  #refusalOf(request: IncomingMessage, candidate: Candidate | undefined, room: 'ok' | 'full'): Refusal | undefined {
    if (candidate === undefined || !this.#deps.admission.hasRoute(candidate)) return NOT_FOUND;
    if (request.method !== 'GET' || request.headers.upgrade?.toLowerCase() !== 'websocket') return UPGRADE_REQUIRED;
    const problem = upgradeProblem(request);
    if (problem !== undefined || room === 'ok') return problem;
    // Those who come to an edge that goes away are to go to another one, and not to try again.
    if (this.#deps.isDraining()) return DRAINING;
    this.#deps.metrics.globalRateLimitedRequests.inc();
    return INSTANCE_FULL;
  }

  async #admit(request: IncomingMessage, socket: Socket, head: Buffer, candidate: Candidate): Promise<void> {
    const { admission, log, pending, trusted } = this.#deps;
    const grant: Grant = {
      address: clientAddress(pending.peerOf(socket), headerLines(request, this.#addressHeader), trusted),
      encoding: this.#encoding,
    };
    let refusal: Refusal | undefined;
    try {
      refusal = await admission.admit(candidate, grant);
    } catch (error) {
      log.error({ err: error }, 'admission failed');
      refusal = INTERNAL_ERROR;
    }
    if (refusal !== undefined) this.#refuse(socket, refusal);
    else this.#upgrade(request, socket, head, grant);
  }

  /** Where the handshake fails, its socket has been answered or is destroyed. No entry comes between the answer and the join. */
  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer, grant: Grant): void {
    const { admission, metrics, pending, resumes, join } = this.#deps;
    const resume = grant.resume && resumes.answer(grant.resume);
    grant.resume = undefined;
    const headers = resume === undefined ? [] : resumeHeaders(resume);
    if (upgrade(request, socket, headers)) {
      socket.off('error', destroyOnError);
      join(socket, head, grant, resume);
      return;
    }
    pending.refused(socket);
    admission.release(grant);
    metrics.admissions.inc({ result: 'handshake_failed' });
  }

  #refuse(socket: Socket, refusal: Refusal): void {
    this.#deps.pending.refused(socket);
    this.#count(refusal);
    refuseSocket(socket, refusal);
  }

  #count(refusal: Refusal): void {
    this.#deps.metrics.admissions.inc({ result: refusal.result });
  }
}

function destroyOnError(this: Socket): void {
  this.destroy();
}
