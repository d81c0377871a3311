import { ConsulDcs } from '../support/consul/consul-dcs.ts'
import { testDcs } from './support/dcs-scenarios.ts'

// Patroni on Consul: the fake one, or a real one where PATRONI_ROUTER_TEST_CONSUL names it.

testDcs(() => ConsulDcs.start())
