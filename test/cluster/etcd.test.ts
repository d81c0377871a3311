import { EtcdV2Cluster } from '../support/etcd/v2-cluster.ts'
import { testDcs } from './support/dcs-scenarios.ts'

// Patroni on etcd by its API v2.

testDcs(() => EtcdV2Cluster.start())
