import { after } from 'node:test'
import type { KubeAnswer, KubeEvent, KubeObject, KubeWatch } from '../../support/kubernetes/client.ts'
import { KubernetesServer, type KubernetesSettings } from '../../support/kubernetes/server.ts'
import { until } from '../../support/until.ts'

/** Starts the server of a file: the fake, or the kube-apiserver that PATRONI_ROUTER_TEST_KUBERNETES names. Stopped at the end. */
export async function kubernetes(settings: KubernetesSettings = {}): Promise<KubernetesServer> {
  const server = await KubernetesServer.start(settings)
  after(() => server.close())
  return server
}

/** The path of objects of kinds in API group ''. */
export const path = (resource: string, name = ''): string =>
  `/api/v1/namespaces/default/${resource}${name === '' ? '' : `/${name}`}`

export const PARTIAL = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
export const PARTIAL_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

/** The least that makes a Pod. */
export function pod(name: string, metadata: object = {}): object {
  return { metadata: { name, ...metadata }, spec: { containers: [{ name: 'postgres', image: 'postgres' }] } }
}

/** Status, reason and message of an answer that is no object. */
export function told({ status, json }: KubeAnswer): readonly [number, string | undefined, string | undefined] {
  const { reason, message } = (json ?? {}) as { readonly reason?: string; readonly message?: string }
  return [status, reason, message]
}

export interface List {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: {
    readonly resourceVersion: string
    readonly continue?: string
    readonly remainingItemCount?: number
  }
  readonly items: readonly KubeObject[] | null
}

export const listIn = ({ json }: KubeAnswer): List => json as List
export const objectIn = ({ json }: KubeAnswer): KubeObject => json as KubeObject
export const namesIn = (answer: KubeAnswer): string[] =>
  (listIn(answer).items ?? []).map(({ metadata }) => metadata.name)
export const versionIn = (answer: KubeAnswer): number => Number(objectIn(answer).metadata.resourceVersion)

/** The versions of events, and what they are, such as `MODIFIED a`. */
export const shown = ({ events }: KubeWatch): string[] =>
  events.map(({ type, object }) => `${type} ${object.metadata.name}`)

/** Waits for an event that fits. */
export async function event(watch: KubeWatch, fits: (event: KubeEvent) => boolean): Promise<KubeEvent> {
  return until('the event has come', () => watch.events.find(fits))
}
