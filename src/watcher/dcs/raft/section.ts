/** The section `raft`: where its members are. No message shows a value: there is a key `password`. Pure. */
import type { DcsResult, Origin } from '../../../config/dcs/kind.ts'
import type { Fault } from '../../../config/file/problem.ts'
import { type Form, oneOrList, withCommas } from '../../../config/values/form.ts'
import { entriesOf } from '../../../config/values/parsed.ts'
import { parseHttpUrl } from '../../../http-url.ts'
import { asText, isMapping, type Mapping, mappingOf } from '../../../text/unknown-shape.ts'
import { type AddressWords, AUTHORITY, BARE_IPV6, parseEndpoint } from '../address.ts'
import type { MembersConfig } from '../member-reports/descriptor.ts'
import { EMPTY, isSet } from '../section-values.ts'

export const NAME = 'raft'

export type RaftConfig = MembersConfig<typeof NAME>

const ADDRESS: Form = { type: 'string', pattern: withCommas(`(?:${AUTHORITY}|${BARE_IPV6})/?`) }
const UNSET: Form = { enum: [null, ''] }

export const RAFT_FORM: Form = {
  type: ['object', 'null'],
  description:
    'raft, as in Patroni. Only the members can read it, so the members are queried, as with `rest`: first those at `restapi.connect_address` and at the hosts of `self_addr` and `partner_addrs`.',
  properties: {
    self_addr: {
      anyOf: [{ ...ADDRESS, pattern: `^\\s*(?:${AUTHORITY}|${BARE_IPV6})/?\\s*$` }, UNSET],
      description: 'Address of the member of this file, `host:port`.',
    },
    partner_addrs: {
      anyOf: [oneOrList(ADDRESS, 0), UNSET],
      description:
        'Addresses of the other members, `host:port`. Their REST API is expected on the port of `restapi.connect_address`, else of `restapi.listen`, else on 8008.',
    },
    namespace: {
      type: ['string', 'null'],
      description: 'Former place of `namespace` in files of Patroni; still read.',
    },
  },
}

/** `self_addr` and `partner_addrs`. */
const RAFT_WORDS: AddressWords = {
  port: 2222,
  cutOff: '',
  login: 'raft has none but raft.password',
  several: 'raft.partner_addrs',
}
const REST_WORDS: AddressWords = { port: 8008, cutOff: '', login: 'it has none', several: null }
const PORT = /(?<=:)\d+$/
const SEEDLESS = 'no member is known: set restapi.connect_address, raft.partner_addrs or rest.urls'

/** Parses the section. `tree`: all sections of the cluster. */
export function resolveRaft(section: unknown, _origin: Origin, tree: Mapping): DcsResult<RaftConfig> {
  if (!isMapping(section)) {
    const message = section === null ? EMPTY : 'must be a mapping, with the key partner_addrs'
    return { value: null, faults: [{ path: [NAME], message }], warnings: [] }
  }
  const faults: Fault[] = []
  const parse = (path: readonly string[], value: unknown, words: AddressWords): string | null => {
    const parsed = parseEndpoint(value, words)
    const message = parsed.ok ? 'must be without http:// or https://' : parsed.message
    if (!parsed.ok || parsed.value.scheme !== null) faults.push({ path, message })
    return parsed.ok ? parsed.value.endpoint : null
  }
  const { connect_address: connect, listen, certfile } = mappingOf(tree['restapi'])
  const scheme = isSet(certfile) ? 'https' : 'http'
  const own = isSet(connect) ? parse(['restapi', 'connect_address'], connect, REST_WORDS) : null
  // Patroni also uses `listen` without `connect_address` (patroni/api.py); its host is often no address for others.
  const port = PORT.exec(own ?? asText(listen) ?? '')?.[0] ?? String(REST_WORDS.port)
  const others = [
    ...(isSet(section['self_addr']) ? [{ path: [NAME, 'self_addr'], value: section['self_addr'] }] : []),
    ...(section['partner_addrs'] === '' ? [] : entriesOf(section['partner_addrs'])).map(({ path, value }) => ({
      path: [NAME, 'partner_addrs', ...path],
      value,
    })),
  ].flatMap(({ path, value }) => parse(path, value, RAFT_WORDS) ?? [])
  const seeds = [...(own === null ? [] : [own]), ...others.map((address) => address.replace(/\d+$/, port))]
  const urls = seeds.flatMap((seed) => parseHttpUrl(`${scheme}://${seed}`)?.origin ?? [])
  if (faults.length === 0 && urls.length === 0) faults.push({ path: ['restapi', 'connect_address'], message: SEEDLESS })
  if (faults.length > 0) return { value: null, faults, warnings: [] }
  return { value: { kind: NAME, urls: [...new Set(urls)] }, faults: [], warnings: [] }
}
