import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { CertificateAuthority } from '../files/certificates.ts'
import { TempDir } from '../files/temp.ts'
import { KubernetesClient } from '../kubernetes/client.ts'
import type { FakeSettings } from '../kubernetes/fake/api.ts'
import { kubeconfigOf } from '../kubernetes/kubeconfig.ts'
import { makePod } from '../kubernetes/kubernetes-dcs.ts'
import { holderOf, keysIn, LABELS } from '../kubernetes/patroni-objects.ts'
import type { Host } from './host.ts'
import type { Lan } from './lan.ts'
import type { HostsDcs } from './patroni-config.ts'

const FAKE = join(import.meta.dirname, '../kubernetes/fake-main.ts')
const ADDRESS = '10.0.0.254'
const PORT = 6443
const TOKEN = 'of-the-administrator'
const KUBECONFIG = '/etc/patroni/kubeconfig'
/** The cluster, whose Pods are hosts, in Endpoints. */
const PLACE = { namespace: 'db', scope: 'demo', group: null, useEndpoints: true }
const MEMBERS = ['demo-0', 'demo-1']

/** The fake API server of Kubernetes at 10.0.0.254 of a LAN, with the cluster `demo` in the namespace `db`. Ends with its LAN. */
export class LanKubernetes implements HostsDcs, AsyncDisposable {
  readonly members = MEMBERS
  readonly namespace = PLACE.namespace
  /** The administrator's. */
  readonly client: KubernetesClient
  readonly #dir: TempDir
  readonly #ca: string

  private constructor(dir: TempDir, ca: string, socket: string) {
    this.#dir = dir
    this.#ca = ca
    this.client = new KubernetesClient('http://kubernetes', { token: TOKEN, socket })
  }

  static async start(lan: Lan): Promise<LanKubernetes> {
    const dir = TempDir.create('kubernetes')
    const file = (name: string): string => join(dir.path, name)
    const authority = CertificateAuthority.create(dir.path)
    const settings: FakeSettings = {
      ...{ host: ADDRESS, port: PORT, socket: file('socket'), adminToken: TOKEN, passwords: {}, bookmarkMs: 60_000 },
      ...{ dataFile: file('data.json'), tokenFile: file('tokens.json') },
      tls: { ...authority.server('server', { hosts: [ADDRESS] }), clientCa: authority.cert },
    }
    writeFileSync(file('settings.json'), JSON.stringify(settings))
    const started = new LanKubernetes(dir, authority.cert, file('socket'))
    const { client } = started
    const child = await lan.start('kubernetes', `exec '${process.execPath}' '${FAKE}' '${file('settings.json')}'`)
    await child.until('Kubernetes is ready', async () => (await client.request('GET', '/readyz')).status === 200)
    for (const name of MEMBERS) await makePod(client, { ...PLACE, rest: '' }, name)
    return started
  }

  section({ address }: Host): Readonly<Record<string, unknown>> {
    const own = { pod_ip: address, ports: [{ name: 'postgresql', port: 5432 }] }
    const { namespace, useEndpoints } = PLACE
    return { kubernetes: { context: 'test', namespace, labels: { ...LABELS }, use_endpoints: useEndpoints, ...own } }
  }

  async install(host: Host): Promise<void> {
    await this.writeKubeconfig(host, KUBECONFIG)
    await host.write(
      '/etc/systemd/system/patroni.service.d/kubernetes.conf',
      `[Service]\nEnvironment=KUBECONFIG=${KUBECONFIG}\n`,
    )
    await host.ok('systemctl daemon-reload')
  }

  async key(_lan: Lan, _hosts: readonly Host[], name: string): Promise<string | null> {
    const holder = holderOf(PLACE, name)
    const object = await this.client.get(holder.resource, PLACE.namespace, holder.name)
    const value = object === null ? undefined : keysIn(PLACE, holder.resource, object).get(name)
    return value === undefined || value === '' ? null : value
  }

  /** Writes the administrator's kubeconfig on a host, where kubectl expects it by default. */
  async writeKubeconfig(host: Host, path = '/root/.kube/config'): Promise<void> {
    const { contexts, ...config } = kubeconfigOf(`https://${ADDRESS}:${PORT}`, this.#ca, {
      ...{ token: TOKEN, embedded: true },
    })
    const [context] = contexts as readonly { readonly context: object }[]
    const named = { ...context, context: { ...context?.context, namespace: PLACE.namespace } }
    await host.write(path, stringify({ ...config, contexts: [named] }))
  }

  /** Removes its files, after the LAN has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dir.remove()
  }
}
