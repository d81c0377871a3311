/** The section `exhibitor` as JSON Schema. Pure. */
import { type Form, HOST, IPV6, orNull, PORT, withCommas } from '../../../config/values/form.ts'
import { accessForms, UNSET } from '../zookeeper-common/form.ts'

const NAME_OR_ADDRESS = `(?:${HOST}|${IPV6}|\\[${IPV6}\\])`

export const EXHIBITOR_FORM: Form = {
  type: ['object', 'null'],
  description: 'ZooKeeper whose servers an Exhibitor tells, as in Patroni.',
  properties: {
    hosts: {
      anyOf: [{ type: 'array', items: { type: 'string', pattern: withCommas(NAME_OR_ADDRESS) }, minItems: 1 }, UNSET],
      description: 'Hosts of Exhibitor, without ports: a list.',
    },
    port: {
      ...orNull({ type: ['string', 'integer'], pattern: `^${PORT}$`, minimum: 1, maximum: 65_535 }),
      description: 'Port of Exhibitor.',
    },
    poll_interval: {
      anyOf: [{ type: 'number', minimum: 0 }, UNSET],
      description: 'How often the list of servers is read, in seconds.',
      default: 300,
    },
    ...accessForms('exhibitor'),
  },
}
