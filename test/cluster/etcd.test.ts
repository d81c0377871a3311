import { EtcdV2Cluster } from '../support/etcd/v2-cluster.ts'
import { testDcs } from './support/dcs-scenarios.ts'

// Patroni on etcd by its API v2.

testDcs({ start: () => EtcdV2Cluster.start(), takeLock: ({ client }, key) => client.delete(key) })
