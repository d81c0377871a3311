import { ZooKeeperEnsemble } from '../support/zookeeper/ensemble.ts'
import { testDcs } from './support/dcs-scenarios.ts'

// Patroni on ZooKeeper.

testDcs({
  start: () => ZooKeeperEnsemble.start(),
  takeLock: ({ client }, key) => client.delete(key),
})
