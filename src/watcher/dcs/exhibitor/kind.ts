/** ZooKeeper whose servers are listed by an Exhibitor (Patroni's section `exhibitor`). */
import { port } from '../../../config/env-values.ts'
import { zookeeperKind } from '../zookeeper-common/descriptor.ts'
import { EXHIBITOR_FORM } from './form.ts'
import { type ExhibitorConfig, NAME, resolveExhibitor } from './section.ts'

export const exhibitor = zookeeperKind<ExhibitorConfig>({
  name: NAME,
  keys: ['hosts', 'port', 'poll_interval'],
  needed: { key: 'hosts', how: 'exhibitor.hosts' },
  form: EXHIBITOR_FORM,
  variables: { PORT: port },
  resolve: resolveExhibitor,
  placesOf: ({ hosts, port }) => hosts.map((host) => `${host} ${port}`),
  describePlaces: ({ hosts, port }) => `the servers that Exhibitor lists at ${hosts.join(', ')} (port ${port})`,
  servers: async (config, lookups) => new (await import('./ensemble.ts')).Ensemble(config, lookups),
})
