/** Says why a ZooKeeper cannot be read, and which setting is about it. No message shows a password. */
import { within } from '../../../clock.ts'
import { explain, failureOf, RouterError } from '../../../errors.ts'
import { diagnoseTls, perhapsRefused, type TlsPeer, tlsReason } from '../../tls/diagnosis.ts'
import { printable } from '../../../text/printable.ts'
import type { DialTarget } from '../dial.ts'
import { Hangup } from './link.ts'
import { StrangePacket } from './packets.ts'
import { probeZooKeeper } from './probe.ts'
import { AUTH_FAILED, NO_AUTH, ZooKeeperError } from './protocol.ts'

/** How the router reads it. */
export interface AccessWords {
  /** The section that it is configured in: `zookeeper`, `exhibitor`. */
  readonly section: string
  /** The schemes of `auth_data`. */
  readonly schemes: readonly string[]
  readonly caFile: string | null
  readonly certFile: string | null
  readonly verifies: boolean
}

interface ExplainedTarget extends DialTarget {
  readonly access: AccessWords
}

/** More than the parts of finding out why it is unusable may take. Milliseconds. */
const EXPLAIN_MS = 1500

/** Longest name of a node that is shown. */
const MAX_SHOWN = 200

/** Returns whether the server has answered that this user may not read: that lasts until a person has corrected it. */
export function isRefusal(cause: unknown): boolean {
  return cause instanceof ZooKeeperError && [NO_AUTH, AUTH_FAILED].includes(cause.reason)
}

/**
 * Resolves with one line for a person. Where the error says little, it is found out what listens there. Never rejects,
 * and resolves with what is known when `signal` aborts.
 */
export async function explainZooKeeper(error: unknown, target: ExplainedTarget, signal: AbortSignal): Promise<string> {
  const { access, certificates } = target
  if (error instanceof ZooKeeperError) return refusal(error, access)
  const isEarly = error instanceof Hangup && error.isEarly
  const isStrange = error instanceof StrangePacket
  if (error instanceof RouterError && !isEarly && !isStrange) return error.message
  const reason = tlsReason(explain(error))
  const peer = peerOf(access)
  const known = certificates === null ? null : diagnoseTls(reason, peer)
  if (known !== null) return known
  if (isStrange && /^HTTP/.test(error.begin)) return `it answers in HTTP: correct ${access.section}.hosts`
  if (!isEarly && !isStrange && failureOf(error) !== 'reset') return reason
  const listener = await within(probeZooKeeper(target, signal), EXPLAIN_MS, signal)
  switch (listener) {
    case 'tls':
      return `it requires TLS: set ${access.section}.use_ssl: true`
    case 'plain':
      return `it does not use TLS: ${peer.withoutTls}`
    case 'not-serving':
      return NOT_SERVING
    case 'serving':
    case 'unknown':
    case null:
      if (isStrange) return reason
      return certificates === null ? `${reason}: ${CLOSES}` : perhapsRefused(reason, peer)
  }
}

const NOT_SERVING =
  'it does not serve requests: it is cut off from the other servers of its ensemble, or these are down'
const CLOSES =
  'a server does so without a quorum of its ensemble, and where maxClientCnxns of its zoo.cfg is reached for this address'

function refusal(error: ZooKeeperError, { section, schemes, certFile }: AccessWords): string {
  if (error.reason === AUTH_FAILED)
    return `it refuses ${section}.auth_data (${schemes.join(', ')}): the server has no such scheme, or the credential is not valid there`
  if (error.reason !== NO_AUTH) return error.message
  const who = [
    ...schemes.map((scheme) => `the ${scheme} user of ${section}.auth_data`),
    ...(certFile === null ? [] : [`the client certificate of ${section}.cert`]),
  ]
  const may = `may not read ${printable(error.path ?? '/', MAX_SHOWN)}`
  const right = 'the right to read (r) on that node and all below it'
  return who.length === 0
    ? `an anonymous client ${may}: set ${section}.auth_data (or ${section}.cert and ${section}.key) to one that has ${right}`
    : `${who.join(' with ')} ${may}: add ${right} with setAcl`
}

/** Returns it as its settings know it. */
function peerOf({ section, caFile, certFile, verifies }: AccessWords): TlsPeer {
  return {
    name: 'ZooKeeper',
    settings: { ca: `${section}.cacert`, cert: `${section}.cert`, key: `${section}.key` },
    caFile,
    certFile,
    named: 'one for this address',
    withoutTls: `set ${section}.use_ssl: false, or use its secureClientPort`,
    asksBy: 'ssl.clientAuth',
    trustsBy: 'ssl.trustStore',
    insecure: { setting: `${section}.verify: false`, isSet: !verifies },
  }
}
