/** ZooKeeper, over its own protocol (Patroni's section `zookeeper`). */
import { zookeeperKind } from '../zookeeper-common/descriptor.ts'
import { ZOOKEEPER_FORM } from './form.ts'
import { NAME, type NamedServersConfig, resolveZooKeeper } from './section.ts'

export const zookeeper = zookeeperKind<NamedServersConfig>({
  name: NAME,
  keys: ['hosts', 'exhibitor'],
  needed: { key: 'hosts', how: 'zookeeper.hosts' },
  form: ZOOKEEPER_FORM,
  variables: {},
  resolve: resolveZooKeeper,
  placesOf: ({ endpoints }) => endpoints,
  describePlaces: ({ endpoints }) => endpoints.join(', '),
  servers: async ({ endpoints }, lookups) =>
    new (await import('../zookeeper-common/servers.ts')).NamedServers(endpoints, lookups),
})
