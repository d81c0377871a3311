/** Says what is wrong with an etcd that is read over API v2, and which setting is about it. No message shows a password. Pure. */
import type { RouterError } from '../../../errors.ts'
import { RouterError as Failure } from '../../../errors.ts'
import { printable } from '../../../text/printable.ts'
import type { HttpAnswer } from '../http/connection.ts'
import { type HttpPeer, Refusal, shown, strangeAnswer } from '../http/diagnosis.ts'
import { errorOf } from './answers.ts'

/** As which user the router reads it. */
export interface EtcdAccess {
  readonly username: string | null
  readonly caFile: string | null
  readonly certFile: string | null
  /** What is read, for people: `/service/demo`. */
  readonly root: string
}

/** `errorCode` of API v2. */
const UNAUTHORIZED = 110
const NO_LEADER = 300

/** Returns what an answer that is not as it should be means. */
export function failureOfAnswer(answer: HttpAnswer, access: EtcdAccess): RouterError {
  const { status, text } = answer
  const { code, message } = errorOf(text)
  const strange = strangeAnswer(answer, peerOf(access))
  if (strange !== null) return strange
  if (status === 401 || code === UNAUTHORIZED) return new Refusal(unauthorized(access))
  if (status === 404 && code === null) return new Refusal(NO_V2)
  if (code === NO_LEADER) return new Failure('DCS_UNAVAILABLE', `it has no quorum (${shown(message)}): ${NO_QUORUM}`)
  return new Failure('DCS_UNAVAILABLE', `it answers ${status}: ${message === '' ? shown(text) : shown(message)}`)
}

const NO_V2 =
  'it has no API v2 (etcd 3.4 and 3.5 have it with --enable-v2, 3.6 has none): if Patroni uses etcd3, remove the section ' +
  'etcd, which Patroni would take first; else name an etcd with API v2 in etcd.hosts'

/** What is wrong where a member answers, and not through the quorum. */
export const NO_QUORUM = 'it is cut off from the other members of etcd, or these are down'

/** Returns what a 401 means: the same for no password, a wrong one and a missing right. */
function unauthorized({ username, root }: EtcdAccess): string {
  const right = `a role that may read ${root}/* (etcdctl role grant ROLE -read -path '${root}/*')`
  return username === null
    ? `it requires a user: set etcd.username and etcd.password, of a user with ${right}`
    : `it refuses user "${printable(username, 200)}": correct etcd.username or etcd.password, or give the user ${right}`
}

/** Returns it as its settings know it. */
export function peerOf({ caFile, certFile }: EtcdAccess): HttpPeer {
  return {
    name: 'etcd',
    settings: { ca: 'etcd.cacert', cert: 'etcd.cert', key: 'etcd.key' },
    caFile,
    certFile,
    named: 'one for this address, or use a name that the certificate has',
    withoutTls: 'set etcd.protocol: http (or begin etcd.url with http://), or use its port for TLS',
    withTls: 'set etcd.protocol: https (or begin etcd.url with https://)',
    asksBy: null,
    trustsBy: '--trusted-ca-file',
    insecure: null,
  }
}
