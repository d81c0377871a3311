import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { ConsulDcs } from '../../test/support/consul/consul-dcs.ts'
import { isRealConsul } from '../../test/support/consul/server.ts'
import { KubernetesDcs } from '../../test/support/kubernetes/kubernetes-dcs.ts'
import type { PatroniDcs } from '../../test/support/patroni/dcs.ts'
import { ZooKeeperEnsemble } from '../../test/support/zookeeper/ensemble.ts'

/**
 * Returns which DCS a run has, where the description of the machine has no version of it: of the run, not of the process that prints
 * the table, since results are printed elsewhere, too. Empty: there is nothing to add.
 */
export async function remarksOf(dcs: PatroniDcs): Promise<readonly string[]> {
  if (dcs instanceof ConsulDcs) return [await consulRemark(dcs)]
  if (dcs instanceof ZooKeeperEnsemble) return [await zookeeperRemark(dcs)]
  if (dcs instanceof KubernetesDcs) return [await kubernetesRemark(dcs)]
  return []
}

async function consulRemark({ client }: ConsulDcs): Promise<string> {
  const { Config } = JSON.parse(await client.call('GET', 'agent/self')) as { Config: { Version: string } }
  return isRealConsul ? `Consul is ${Config.Version}.` : fake('Consul')
}

async function kubernetesRemark({ server, client }: KubernetesDcs): Promise<string> {
  if (!server.real) return fake('Kubernetes')
  const { gitVersion } = (await client.call('GET', '/version')) as { gitVersion: string }
  return `Kubernetes is kube-apiserver ${gitVersion.replace(/^v/, '')}.`
}

/** Asks with the four-letter word `srvr`, whose answer begins with the version. */
async function zookeeperRemark({ server: { port } }: ZooKeeperEnsemble): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  socket.write('srvr')
  const [, version = 'of an unknown version'] = /version: (\d+(?:\.\d+)+)/i.exec(await text(socket)) ?? []
  return `ZooKeeper is ${version}.`
}

function fake(name: string): string {
  return `${name} is a fake that passes the same contract suite.`
}
