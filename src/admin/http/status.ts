/** What the HTTP server publishes of itself, for `status` and metrics. Plain data. */

/** Why a request or a connection is refused. */
export const HTTP_REFUSALS = [
  /** A name in `Host` that is not the router's: a web site may have it lead here. */
  'host',
  /** The page of another site has sent it. */
  'origin',
  'no-token',
  'wrong-token',
  /** Its body is larger than any request needs. */
  'too-large',
  /** It was not complete in time. */
  'slow',
  /** It has not read its answer. */
  'slow-reader',
  /** It came before the answer to the one before. */
  'pipelined',
  'malformed',
  /** No TLS session came about. */
  'tls',
  'connection-limit',
  /** Too many large answers at a time, or too many readers of events. */
  'busy',
] as const
export type HttpRefusal = (typeof HTTP_REFUSALS)[number]

export interface HttpStatus {
  /** As bound: `127.0.0.1:7000`. Empty: none could be. */
  readonly addresses: readonly string[]
  readonly isTls: boolean
  /** Why it does not listen, or not as configured; null: it does. */
  readonly fault: string | null
  readonly connections: number
  /** Readers of the stream of events. */
  readonly readers: number
  /** Since the start; every reason is there. */
  readonly refusals: Readonly<Record<HttpRefusal, number>>
}
