/** The section `consul` as JSON Schema: what a value has to look like, where Patroni's precedence lets it count. Pure. */
import { type Form, orNull, PORT } from '../../../config/values/form.ts'
import { AUTHORITY, BARE_IPV6 } from '../address.ts'
import { CONSISTENCIES, TOKEN } from './section.ts'

const URL = `^\\s*[hH][tT][tT][pP][sS]?://(?:[^/?#]*@)?${AUTHORITY}(?:[/?#][^@]*)?\\s*$`
const TEXT: Form = { type: ['string', 'null'] }
const UNSET: Form = { enum: [null, ''] }

const PROPERTIES = {
  host: { description: 'Address of an agent of Consul, `host:port`.', default: '127.0.0.1:8500' },
  port: { description: 'Port; it goes over the one in `host`.', default: 8500 },
  url: {
    description:
      '`http://host:port` or `https://host:port`. Takes precedence over `host`, `port` and `scheme`. The variable `CONSUL_HTTP_ADDR` goes over all of them, as in Patroni.',
  },
  scheme: { description: '`https`: TLS. The variable `CONSUL_HTTP_SSL` (`true`) goes over it.', default: 'http' },
  token: {
    ...TEXT,
    anyOf: [{ pattern: TOKEN }, UNSET],
    description:
      'Token of the ACL. The variable `CONSUL_HTTP_TOKEN` goes over it. The right to read `service/SCOPE/` is enough.',
  },
  verify: {
    description:
      '`false`: do not verify the certificate. With `cacert` it always is. The variable `CONSUL_HTTP_SSL_VERIFY` goes over it.',
    default: true,
  },
  cacert: { ...TEXT, description: 'File with the CA of Consul. Default: the CAs of the system.' },
  ca_cert: { description: 'Other name of `cacert`.' },
  cert: { ...TEXT, description: 'File with the client certificate for Consul; it may hold the key, too.' },
  key: { ...TEXT, description: 'File with the key of `cert`. Default: the key in `cert`.' },
  dc: { ...TEXT, description: 'Datacenter of the cluster. Default: that of the agent.' },
  consistency: {
    enum: [...CONSISTENCIES, null, ''],
    description: 'How current what Patroni reads is: `default`, `consistent` or `stale`.',
    default: 'default',
  },
  namespace: { ...TEXT, description: 'Former place of `namespace` in files of Patroni; still read.' },
  group: { ...UNSET, description: 'Refused: Patroni takes it for the Citus group. Use `citus.group`.' },
} satisfies Readonly<Record<string, Form>>

/** The same precedence as in section.ts: a value that is not used may be anything. */
export const CONSUL_FORM: Form = {
  type: ['object', 'null'],
  description: 'Consul, as in Patroni.',
  properties: PROPERTIES,
  allOf: [
    {
      if: { required: ['url'] },
      then: { properties: { url: orNull({ anyOf: [{ type: 'string', pattern: URL }, UNSET] }) } },
      else: {
        properties: {
          host: orNull({ anyOf: [{ type: 'string', pattern: `^\\s*(?:${AUTHORITY}|${BARE_IPV6})/?\\s*$` }, UNSET] }),
          port: { type: ['string', 'integer', 'null'], pattern: `^(?:${PORT})?$`, minimum: 1, maximum: 65_535 },
          scheme: orNull({ anyOf: [{ type: 'string', pattern: '^[hH][tT][tT][pP][sS]?$' }, UNSET] }),
        },
      },
    },
    { if: { required: ['cacert'], properties: { cacert: { not: UNSET } } }, else: { properties: { ca_cert: TEXT } } },
  ],
}
