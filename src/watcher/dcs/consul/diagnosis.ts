/** Says what is wrong with a Consul, and which setting is about it. No message shows a token. Pure. */
import { RouterError } from '../../../errors.ts'
import type { HttpAnswer } from '../http/connection.ts'
import { type HttpPeer, Refusal, shown, strangeAnswer } from '../http/diagnosis.ts'
import { ADDR, SSL, TOKEN } from './environment.ts'
import { SETTINGS } from './section.ts'

/** How the router reads it. */
export interface ConsulAccess {
  readonly hasToken: boolean
  readonly verifies: boolean
  readonly caFile: string | null
  readonly certFile: string | null
  /** What is read, for people: `service/demo/`. */
  readonly prefix: string
  readonly dc: string | null
  /** The variables of Consul's own that count instead of a key. */
  readonly variables: readonly string[]
}

/** Returns what an answer that is not as it should be means. */
export function failureOfAnswer(answer: HttpAnswer, access: ConsulAccess): RouterError {
  const { status, text } = answer
  const strange = strangeAnswer(answer, peerOf(access))
  if (strange !== null) return strange
  if (status === 403) return new Refusal(missingRight(text, access))
  if (/No cluster leader/i.test(text)) return new RouterError('DCS_UNAVAILABLE', 'the Consul servers have no leader')
  if (/No path to datacenter/i.test(text))
    return new Refusal(`it has no datacenter ${access.dc ?? ''}: correct consul.dc (PATRONI_CONSUL_DC)`)
  if (status === 200 || status === 404)
    return new Refusal(`it is not Consul: correct ${settingOf(access, ADDR, 'consul.host or consul.url')}`)
  return new RouterError('DCS_UNAVAILABLE', `it answers ${status}: ${shown(text)}`)
}

/** Returns what a 403 means. `text`: what Consul says. */
export function missingRight(text: string, access: ConsulAccess): string {
  const { hasToken, prefix } = access
  if (/ACL not found/i.test(text))
    return `it does not know the token: correct ${settingOf(access, TOKEN, 'consul.token (PATRONI_CONSUL_TOKEN)')}`
  const rule = `key_prefix "${prefix}" { policy = "read" } ("list" where acl.enable_key_list_policy is on)`
  return hasToken
    ? `the token of ${settingOf(access, TOKEN, 'consul.token')} may not read ${prefix}: give it a policy with ${rule}`
    : `it requires a token: set consul.token to one whose policy has ${rule}`
}

/** Returns what is to be changed: the variable where it counts, else the key. */
function settingOf({ variables }: ConsulAccess, variable: string, key: string): string {
  return variables.includes(variable) ? variable : key
}

/** Returns it as its settings know it. */
export function peerOf(access: ConsulAccess): HttpPeer {
  const { caFile, certFile, verifies } = access
  const isByVariable = access.variables.includes(SSL)
  return {
    name: 'Consul',
    settings: SETTINGS,
    caFile,
    certFile,
    named: 'one for this address, or use a name that the certificate has',
    withoutTls: isByVariable
      ? `set ${SSL}=false, or use its port for HTTPS`
      : 'set consul.scheme: http (or begin consul.url with http://), or use its port for HTTPS',
    withTls: isByVariable ? `set ${SSL}=true` : 'set consul.scheme: https (or begin consul.url with https://)',
    asksBy: 'verify_incoming',
    trustsBy: 'ca_file',
    insecure: caFile === null ? { setting: 'consul.verify: false', isSet: !verifies } : null,
  }
}
