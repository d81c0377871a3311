import { ConsulDcs } from '../support/consul/consul-dcs.ts'
import { testDcs } from './support/dcs-scenarios.ts'

// Patroni on Consul: the fake one, or a real one where PATRONI_ROUTER_TEST_CONSUL names it.

testDcs({
  start: () => ConsulDcs.start(),
  // As when the agent is stopped through which the leader writes.
  takeLock: async ({ client }, key) => client.destroySession((await client.get(key))?.session ?? ''),
})
