/** The section `rest`. Pure. */
import type { DcsConfig } from '../../../config/config.ts'
import { checkOnlyKey, type DcsResult } from '../../../config/dcs/kind.ts'
import type { Fault } from '../../../config/file/problem.ts'
import { type Form, HOST, IPV6, oneOrList, PORT, withCommas } from '../../../config/values/form.ts'
import { bad, entriesOf, good, type Parsed } from '../../../config/values/parsed.ts'
import { parseHttpUrl } from '../../../http-url.ts'
import { isMapping, type Mapping } from '../../../text/unknown-shape.ts'

/** The members' own REST API, as far as it can be discovered from these. */
export interface RestConfig extends DcsConfig {
  readonly kind: typeof NAME
  /** Scheme, host and port, without a path: `http://10.0.0.1:8008`. */
  readonly urls: readonly string[]
}

export const NAME = 'rest'

const URL = `[hH][tT][tT][pP][sS]?://(?:\\[${IPV6}\\]|${HOST}):${PORT}(?:/(?:patroni|cluster)?)?`

export const REST_FORM: Form = {
  type: ['object', 'null'],
  description: "Where the cluster is observed instead of a DCS: the members' own REST API, for any DCS.",
  required: ['urls'],
  properties: {
    urls: {
      ...oneOrList({ type: 'string', pattern: withCommas(URL) }, 1),
      description:
        'REST API of some members, like `http://10.0.0.1:8008`: a list, or text with commas. The others are found through them.',
    },
  },
  additionalProperties: false,
}

/** Parses the section. */
export function resolveRest(section: unknown): DcsResult<RestConfig> {
  const faults = [...checkOnlyKey(NAME, section, 'urls', '{urls: [http://10.0.0.1:8008]}')]
  if (!isMapping(section)) return { value: null, faults, warnings: [] }
  const entries = section['urls'] === '' ? [] : entriesOf(section['urls'])
  if (entries.length === 0)
    faults.push({ path: [NAME, 'urls'], message: 'is required: the REST API of a member, like http://10.0.0.1:8008' })
  const origins = entries.flatMap(({ path, value }) => {
    const parsed = parseOrigin(value)
    if (!parsed.ok) faults.push({ path: [NAME, 'urls', ...path], message: parsed.message })
    return parsed.ok ? [parsed.value] : []
  })
  if (faults.length > 0) return { value: null, faults, warnings: [] }
  return { value: { kind: NAME, urls: [...new Set(origins)] }, faults: [], warnings: [] }
}

/** Finds what needs a DCS: no lock can be read here, and Patroni's `GET /cluster` leaves out `proxy_url` (utils.py). */
export function checkProxy({ trust, address }: Mapping): Fault[] {
  const faults: Fault[] = []
  const report = (key: string, message: string): void => void faults.push({ path: ['proxy', key], message })
  if (trust === 'dcs') report('trust', 'dcs needs a DCS, and rest reads only the members: use proof, or etcd3 or file')
  if (address === 'proxy_url')
    report('address', `with rest only conn_url is known: Patroni's REST API does not show the proxy_url of a member`)
  return faults
}

/** Parses scheme, host and port. Patroni's own paths may follow: `api_url` of a member ends with `/patroni`. */
function parseOrigin(value: unknown): Parsed<string> {
  const example = 'must be a URL like http://10.0.0.1:8008'
  const parsed = typeof value === 'string' ? parseHttpUrl(value) : null
  if (typeof value !== 'string' || parsed === null) return bad(example)
  const { username, password, pathname, search, hash } = parsed.url
  if (username !== '' || password !== '')
    return bad('must be without user and password: Patroni requires none for reading')
  if (!/^https?:\/\/[^/?#]+:\d+([/?#]|$)/i.test(value)) return bad('has no port: the one of Patroni is usually 8008')
  if (!['/', '/patroni', '/cluster'].includes(pathname) || search !== '' || hash !== '')
    return bad('must end after the port: the router adds the path')
  return good(parsed.origin)
}
