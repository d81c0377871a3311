/** Finds out what listens where a DCS does not answer: HTTP/1.1, TLS, or neither. */
import type { LookupFunction } from 'node:net'
import { connect } from 'node:tls'
import { nodeHttp, nodeHttps } from '../../../node-http.ts'
import type { Lookups } from '../../../names/lookups.ts'
import type { CertificateSet } from '../../tls/certificates.ts'
import { hostOf } from '../endpoints.ts'

export type Listener =
  /** It answers HTTP/1.1, with or without TLS; `version`: what it says of etcd's. */
  | { readonly kind: 'http'; readonly tls: boolean; readonly version: string | null }
  /** It requires TLS. */
  | { readonly kind: 'tls' }
  | { readonly kind: 'unknown' }

export interface ProbeTarget {
  /** `host:port`. */
  readonly endpoint: string
  /** As configured; null: without TLS. */
  readonly certificates: CertificateSet | null
  readonly lookups: Lookups
}

/** More than the answer to `GET /version`. Bytes. */
const MAX_BODY = 4096

/** What servers with TLS say to plain HTTP: those in Go, and nginx. */
export const REQUIRES_TLS = /HTTPS? server|HTTPS port/i

/** Each of its at most two attempts may take that long. Milliseconds. */
const TIMEOUT_MS = 500

/** Asks as configured, then the other way round. Sends no secret; never rejects. */
export async function probe(target: ProbeTarget, signal: AbortSignal): Promise<Listener> {
  const tls = target.certificates !== null
  const body = await getVersion(target, tls, signal)
  if (body !== null && (tls || !REQUIRES_TLS.test(body))) return { kind: 'http', tls, version: etcdVersion(body) }
  if (!tls) return { kind: body !== null || (await speaksTls(target, signal)) ? 'tls' : 'unknown' }
  const plain = await getVersion(target, false, signal)
  if (plain === null || REQUIRES_TLS.test(plain)) return { kind: 'unknown' }
  return { kind: 'http', tls: false, version: etcdVersion(plain) }
}

/** Returns the body of any answer; null without an answer in HTTP. */
async function getVersion(target: ProbeTarget, tls: boolean, signal: AbortSignal): Promise<string | null> {
  const { certificates } = target
  const options = {
    ...addressOf(target),
    path: '/version',
    agent: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    ...(tls && certificates !== null ? { secureContext: certificates.context } : {}),
  }
  return new Promise((resolve) => {
    let answered = false
    const request = (tls ? nodeHttps() : nodeHttp()).get(options, (response) => {
      answered = true
      let body = ''
      response.setEncoding('latin1')
      response.on('data', (chunk: string) => {
        body += chunk
        if (body.length > MAX_BODY) request.destroy()
      })
      response.once('close', () => resolve(body))
      response.once('error', () => resolve(body))
    })
    // It says nothing but that there was no answer.
    request.on('error', () => resolve(null))
    // After `101 Switching Protocols` there is neither an answer nor an error.
    request.once('close', () => {
      if (!answered) resolve(null)
    })
  })
}

/** Returns whether it uses TLS. The certificate does not matter here: nothing is sent. */
async function speaksTls(target: ProbeTarget, signal: AbortSignal): Promise<boolean> {
  const giveUp = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
  return new Promise((resolve) => {
    const socket = connect({ ...addressOf(target), rejectUnauthorized: false })
    const finish = (answer: boolean): void => {
      giveUp.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(answer)
    }
    const onAbort = (): void => finish(false)
    giveUp.addEventListener('abort', onAbort)
    socket.once('secureConnect', () => finish(true))
    socket.on('error', () => finish(false))
  })
}

function addressOf({ endpoint, lookups }: ProbeTarget): { host: string; port: number; lookup: LookupFunction } {
  const port = Number(endpoint.slice(endpoint.lastIndexOf(':') + 1))
  return { host: hostOf(endpoint), port, lookup: lookups.lookup }
}

/** Parses `{"etcdserver":"3.4.23",...}`. */
function etcdVersion(body: string): string | null {
  return /"etcdserver":\s*"(\d{1,3}\.\d{1,3}[\w.+-]{0,20})"/.exec(body)?.[1] ?? null
}
