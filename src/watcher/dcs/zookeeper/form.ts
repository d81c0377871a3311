/** The section `zookeeper` as JSON Schema. Pure. */
import type { Form } from '../../../config/values/form.ts'
import { AUTHORITY, BARE_IPV6 } from '../address.ts'
import { accessForms, UNSET } from '../zookeeper-common/form.ts'

const SERVER = `(?:${AUTHORITY}|${BARE_IPV6})`
const CHROOT = '(?:/(?!\\.{1,2}(?:/|\\s*$))[^/\\s,]+)*/?'
const SERVERS: Form = { type: 'string', pattern: `^\\s*${SERVER}\\s*(?:,\\s*${SERVER}\\s*)*${CHROOT}\\s*$` }
export const ZOOKEEPER_FORM: Form = {
  type: ['object', 'null'],
  description: 'ZooKeeper, as in Patroni.',
  properties: {
    hosts: {
      anyOf: [{ type: 'array', items: SERVERS, minItems: 1 }, { ...SERVERS, minLength: 1 }, UNSET],
      description:
        'Servers of the ensemble, `host:port`: a list, or text with commas. A chroot follows the last one: `zk1:2181,zk2:2181/patroni`.',
    },
    ...accessForms('zookeeper'),
  },
}
