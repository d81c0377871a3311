import { kubernetesWriter } from '../support/kubernetes/key-writer.ts'
import { KubernetesDcs } from '../support/kubernetes/kubernetes-dcs.ts'
import { testDcs } from './support/dcs-scenarios.ts'

// Patroni on Kubernetes, in Endpoints: the fake API server, or a real one where PATRONI_ROUTER_TEST_KUBERNETES names it.

testDcs({
  start: () => KubernetesDcs.start({ useEndpoints: true }),
  // As when somebody edits the object of the leader.
  takeLock: async (dcs, key) => kubernetesWriter(dcs).delete(key),
})
