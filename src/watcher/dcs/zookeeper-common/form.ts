/** What the sections of ZooKeeper have in common, as JSON Schema. Pure. */
import type { Form } from '../../../config/values/form.ts'

const TEXT: Form = { type: ['string', 'null'] }
export const UNSET: Form = { enum: [null, ''] }

/** Returns the keys of the access. `name`: of the section. */
export function accessForms(name: string): Readonly<Record<string, Form>> {
  return {
    use_ssl: {
      description: `TLS, which has a port of its own (\`secureClientPort\`). Any text is true to Patroni, even \`"false"\`: so \`PATRONI_${name.toUpperCase()}_USE_SSL\` turns it on whatever it says.`,
      default: false,
    },
    cacert: { ...TEXT, description: 'File with the CA of ZooKeeper. Default: the CAs of the system.' },
    cert: {
      ...TEXT,
      description: `File with the client certificate for ZooKeeper; used together with \`${name}.key\` only.`,
    },
    key: { ...TEXT, description: 'File with the key of `cert`.' },
    key_password: { ...TEXT, description: 'Password of `key`.' },
    verify: {
      description: '`false`: do not verify the certificate. The name in it is never compared, as in Patroni.',
      default: true,
    },
    auth_data: {
      type: ['object', 'null'],
      additionalProperties: { type: 'string', minLength: 1 },
      description:
        'Credential for each scheme of authentication: `digest: user:password`. The right to read (`r`) below `/service/SCOPE` is enough.',
    },
    namespace: { ...TEXT, description: 'Former place of `namespace` in files of Patroni; still read.' },
    group: { ...UNSET, description: 'Refused: Patroni takes it for the Citus group. Use `citus.group`.' },
  }
}
