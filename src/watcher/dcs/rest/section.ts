/** The section `rest`. Pure. */
import { checkOnlyKey, type DcsResult } from '../../../config/dcs/kind.ts'
import { type Form, HOST, IPV6, oneOrList, PORT, withCommas } from '../../../config/values/form.ts'
import { bad, entriesOf, good, type Parsed } from '../../../config/values/parsed.ts'
import { parseHttpUrl } from '../../../http-url.ts'
import { isMapping } from '../../../text/unknown-shape.ts'
import type { MembersConfig } from '../member-reports/descriptor.ts'

export const NAME = 'rest'

export type RestConfig = MembersConfig<typeof NAME>

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
