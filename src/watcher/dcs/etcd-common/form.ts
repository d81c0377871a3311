/** A section of etcd as JSON Schema: what a value has to look like, where Patroni's precedence lets it count. Pure. */
import { AUTHORITY, BARE_IPV6 } from '../address.ts'
import { DOMAIN, SUFFIX } from './srv.ts'
import { type Form, orNull, PORT, withCommas } from '../../../config/values/form.ts'

const SCHEME = '[hH][tT][tT][pP][sS]?://'
const ENDPOINT = `(?:${SCHEME})?(?:${AUTHORITY}|${BARE_IPV6})/?`
const USER = '[^:/?#]+:[^/?#]+@'
const URL: Form = {
  type: 'string',
  pattern: `^\\s*${SCHEME}(?:${USER})?${AUTHORITY}(?:[/?#][^@]*)?$`,
}
const ENDPOINTS: Form = { type: 'string', pattern: withCommas(ENDPOINT) }
const TEXT: Form = { type: ['string', 'null'] }
const UNSET: Form = { enum: [null, ''] }

const PROPERTIES = {
  hosts: {
    description:
      'Addresses of etcd, `host:port`: a list, or text with commas. They are seeds: the client URLs that etcd advertises are discovered.',
  },
  host: { description: 'One address of etcd, `host:port`. Used where `hosts` is not set.' },
  url: {
    description: '`http://host:port` or `https://user:password@host:port`. Takes precedence over `hosts` and `host`.',
  },
  proxy: { description: 'The same as `url`, before which it takes precedence. Implies `use_proxies`.' },
  port: { description: 'Port of addresses that have none.', default: 2379 },
  use_proxies: {
    description: 'Use the given addresses only, without discovery.',
    type: ['boolean', 'null'],
    default: false,
  },
  protocol: {
    description: '`https`: TLS. With `url` and `proxy` their scheme counts.',
    type: ['string', 'null'],
    enum: ['http', 'https', null],
    default: 'http',
  },
  cacert: { ...TEXT, description: 'File with the CA of etcd. Default: the CAs of the system.' },
  ca_cert: { description: 'Other name of `cacert`.' },
  cert: { ...TEXT, description: 'File with the client certificate for etcd; it may hold the key, too.' },
  key: { ...TEXT, description: 'File with the key of `cert`. Default: the key in `cert`.' },
  username: { description: 'User of etcd. A role that may read `/service/SCOPE/` is enough.' },
  password: { description: 'Password of that user.' },
  namespace: { ...TEXT, description: 'Former place of `namespace` in files of Patroni; still read.' },
  srv: {
    description:
      'Domain whose DNS SRV records (`_etcd-client-ssl._tcp.DOMAIN` and so on) name the members of etcd. Where there are none, `hosts` or `host` count.',
  },
  srv_suffix: { description: 'Addition to the names of these records: `main` is `_etcd-client-ssl-main._tcp.DOMAIN`.' },
  discovery_srv: { description: 'Other name of `srv`, which it goes over.' },
  srv_domain: { description: 'Other name of `srv`, which it goes over.' },
  group: { ...UNSET, description: 'Refused: Patroni takes it for the Citus group. Use `citus.group`.' },
} satisfies Readonly<Record<string, Form>>

/** Returns the form of a section in which `key` has a value. */
function isSet(key: string): Form {
  return { required: [key], properties: { [key]: { not: UNSET } } }
}

const IS_URL: Form = { anyOf: [isSet('proxy'), isSet('url')] }

const IS_SRV: Form = { anyOf: [isSet('srv'), isSet('discovery_srv'), isSet('srv_domain')] }

/** Returns the form of a section where one of the names of `srv` counts: without these. */
function srvForm(key: string, over: readonly string[]): Form {
  return {
    if: { not: { anyOf: [isSet('proxy'), ...over.map((other): Form => ({ required: [other] }))] } },
    then: { properties: { [key]: orNull({ anyOf: [{ type: 'string', pattern: DOMAIN }, UNSET] }) } },
  }
}

/** Returns the form of a section. The same precedence as in section.ts: a value that is not used may be anything. */
export function etcdForm(description: string): Form {
  return {
    type: ['object', 'null'],
    description,
    properties: PROPERTIES,
    allOf: [
      { if: isSet('proxy'), then: { properties: { proxy: URL } } },
      { if: { allOf: [isSet('url'), { not: isSet('proxy') }] }, then: { properties: { url: URL } } },
      {
        if: { not: IS_URL },
        then: {
          properties: {
            hosts: {
              anyOf: [{ type: 'array', items: ENDPOINTS, minItems: 1 }, { ...ENDPOINTS, minLength: 1 }, UNSET],
            },
            port: { type: ['string', 'integer', 'null'], pattern: `^${PORT}$`, minimum: 1, maximum: 65_535 },
            username: TEXT,
            password: TEXT,
          },
        },
      },
      {
        if: { not: { anyOf: [IS_URL, isSet('hosts')] } },
        then: {
          properties: { host: orNull({ anyOf: [{ type: 'string', pattern: `^\\s*${ENDPOINT}\\s*$` }, UNSET] }) },
        },
      },
      srvForm('srv_domain', []),
      srvForm('discovery_srv', ['srv_domain']),
      srvForm('srv', ['discovery_srv', 'srv_domain']),
      {
        if: { allOf: [IS_SRV, { not: isSet('proxy') }] },
        then: { properties: { srv_suffix: orNull({ anyOf: [{ type: 'string', pattern: SUFFIX }, UNSET] }) } },
      },
      { if: { not: isSet('cacert') }, then: { properties: { ca_cert: TEXT } } },
    ],
  }
}
