/** Says what is wrong with an etcd, and which setting is about it. No message shows a password or a token. */
import { X509Certificate } from 'node:crypto'
import { explain } from '../../../errors.ts'
import { SETTINGS } from './section.ts'
import { printable } from '../../../text/printable.ts'
import { perhapsRefused, type TlsPeer, tlsReason, diagnoseTls } from '../../tls/diagnosis.ts'
import { type EtcdTarget, MAX_MESSAGE } from './channel.ts'
import { type Listener, probe } from '../http/probe.ts'

/** Longest part of what a stranger says that is shown. */
const MAX_SHOWN = 200

/**
 * Resolves with one line for a person. `error` is what a call failed with; where it says little, it is found out what
 * listens there, unless `signal` is null (that this is an etcd is known).
 */
export async function diagnose(error: unknown, target: EtcdTarget, signal: AbortSignal | null): Promise<string> {
  const reason = reasonOf(error)
  const known = knownProblem(reason, target)
  if (known !== null) return known
  const isReset = target.certificates !== null && /ECONNRESET|EPIPE/.test(reason)
  const listener = signal !== null && (isReset || isNoGrpc(reason)) ? await probe(target, signal) : null
  // With TLS etcd answers HTTP/1.1 too: after a reset that says nothing.
  const tells = listener !== null && !(isReset && listener.kind === 'http' && listener.tls)
  const about = tells ? aboutListener(listener, target) : null
  return about ?? (isReset ? perhapsRefused(reason, peerOf(target)) : reason)
}

/** Returns whether etcd has answered that this user may not: that lasts until a person has corrected it. Pure. */
export function isRefusal(error: unknown): boolean {
  return REFUSALS.test(explain(error))
}

/** Returns whether nothing has answered: no etcd runs there, or none can be reached from here. Pure. */
export function isOutOfReach(error: unknown): boolean {
  return OUT_OF_REACH.test(explain(error))
}

/** As gRPC quotes it, with its own word for an answer that does not come. A name that does not exist is misspelt. */
const OUT_OF_REACH = /\b(?:ECONNREFUSED|ETIMEDOUT|E(?:HOST|NET)(?:UNREACH|DOWN)|EAI_AGAIN|ETIMEOUT|DEADLINE_EXCEEDED)\b/

const REFUSALS = /authentication failed, invalid user ID or password|user name is empty|permission denied/

/** Explains the message of a call; null: it is not a known one. Pure. */
function knownProblem(reason: string, target: EtcdTarget): string | null {
  const trouble = KNOWN_PROBLEMS.find(({ when }) => when.test(reason))
  if (trouble !== undefined) return trouble.say(reason, target)
  return diagnoseTls(reason, peerOf(target))
}

interface KnownProblem {
  readonly when: RegExp
  readonly say: (reason: string, target: EtcdTarget) => string
}

const KNOWN_PROBLEMS: readonly KnownProblem[] = [
  {
    when: /authentication failed, invalid user ID or password/,
    say: (_, target) => `it rejects ${userOf(target)} with this password: correct etcd3.username or etcd3.password`,
  },
  {
    when: /user name is empty/,
    say: () =>
      'it requires a user: set etcd3.username and etcd3.password (or etcd3.cert and etcd3.key, where client certificates ' +
      'identify users)',
  },
  {
    when: /permission denied/,
    say: (_, target) =>
      `${userOf(target)} may not read ${target.prefix}: ` +
      `etcdctl role grant-permission ROLE read ${target.grant ?? `--prefix=true ${target.prefix}`}`,
  },
  {
    when: /larger than max/,
    say: (_, { prefix }) =>
      `more than ${MAX_MESSAGE / 1024 / 1024} MB lie below ${prefix}: delete keys that do not belong there`,
  },
]

const WITHOUT_TLS = 'set etcd3.protocol: http (or begin etcd3.url with http://), or use its port for TLS'

function peerOf({ config: { caFile, certFile } }: EtcdTarget): TlsPeer {
  return {
    name: 'etcd',
    settings: SETTINGS,
    caFile,
    certFile,
    named: 'one for this address, or use a name that the certificate has',
    withoutTls: WITHOUT_TLS,
    asksBy: null,
    trustsBy: '--trusted-ca-file',
    insecure: null,
  }
}

function aboutListener(listener: Listener, { certificates }: EtcdTarget): string | null {
  switch (listener.kind) {
    case 'tls':
      return 'it requires TLS: set etcd3.protocol: https (or begin etcd3.url with https://)'
    case 'http':
      // One with TLS answers plain HTTP as well, if only that it has TLS.
      if (certificates !== null && !listener.tls)
        return listener.version === null ? null : `it does not use TLS: ${WITHOUT_TLS}`
      return aboutHttp(listener.version)
    case 'unknown':
      return null
  }
}

function aboutHttp(version: string | null): string {
  if (version?.startsWith('2.') === true)
    return `it is etcd ${version}, which has API v2 only: use the section etcd, as Patroni has to`
  const what = version === null ? 'it' : `the proxy in front of etcd ${version}`
  return (
    `${what} answers HTTP/1.1 and not gRPC (HTTP/2): name etcd itself in etcd3.hosts, or let the proxy pass TCP ` +
    '(nginx: stream, HAProxy: mode tcp)'
  )
}

function userOf({ config, certificates }: EtcdTarget): string {
  if (config.auth !== null) return `user "${printable(config.auth.username, MAX_SHOWN)}"`
  const cert = certificates?.cert ?? null
  const name = cert === null ? null : commonName(cert)
  return name === null ? 'the router' : `user "${printable(name, MAX_SHOWN)}" (of the client certificate)`
}

function commonName(cert: Buffer): string | null {
  return /^CN=(.*)$/m.exec(new X509Certificate(cert).subject)?.[1] ?? null
}

/**
 * Returns the essence of what grpc-js says, and Node and OpenSSL through it; the same for the same trouble, so without
 * times. Pure.
 */
export function reasonOf(error: unknown): string {
  const text = explain(error)
    .replace(/^\d+ [A-Z_]+: /, '')
    .replace(/^No connection established\. Last error: (?:Error: )?(.*?)\s*Resolution note:.*$/, 'no connection: $1')
    .replace(/^Deadline exceeded after .*waiting for name resolution.*$/, 'its name did not resolve in time')
    .replace(/^Deadline exceeded after .*$/, 'no answer in time')
    .replace(/^Received RST_STREAM with code \d+ triggered by internal client error: /, 'it ended the call: ')
    .replace(/^Received RST_STREAM with code (.*)$/, 'it ended the call: HTTP/2 error $1')
    .replace(/^Connection dropped$/, 'it closed the connection')
    .replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/, '')
  return tlsReason(text)
}

/** Returns whether the peer does not use gRPC at all (or not with these settings of TLS). */
function isNoGrpc(reason: string): boolean {
  return /HTTP status code|unknown (service|method)|^no connection: (?!.*\bE[A-Z]{4,}\b)/.test(reason)
}
