import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { Rule } from '../../support/kubernetes/server.ts'
import { ROOT } from '../../support/router/package.ts'

export const EXAMPLE = 'kubernetes'
export const FOLDER = join(ROOT, 'examples', EXAMPLE)
/** Those with a Deployment. */
export const DEPLOYMENTS = ['router.yaml', 'sidecar.yaml']
/** The next release takes another one: the files name the version that they belong to. */
export const IMAGE = `patroni-router:${(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version}`

type Named = { readonly name: string }
export type Container = Named & {
  readonly image: string
  readonly env?: readonly (Named & { readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } } })[]
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly ports?: readonly Named[]
  readonly volumeMounts?: readonly (Named & { readonly mountPath: string })[]
  readonly startupProbe?: Probe
  readonly readinessProbe?: Probe
  readonly livenessProbe?: Probe
}
type Probe = { readonly exec: { readonly command: readonly string[] } }
export type PodSpec = {
  readonly initContainers?: readonly Container[]
  readonly containers: readonly Container[]
  readonly volumes: readonly (Named & { readonly configMap?: Named })[]
  readonly serviceAccountName: string
  readonly automountServiceAccountToken: boolean
  readonly terminationGracePeriodSeconds: number
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly topologySpreadConstraints?: readonly object[]
}
export type Labels = Readonly<Record<string, string>>
type Egress = {
  readonly to?: readonly { readonly podSelector: { readonly matchLabels: Labels } }[]
  readonly ports: readonly { readonly protocol: string; readonly port: number }[]
}
export type Manifest = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Named
  readonly data?: Readonly<Record<string, string>>
  readonly automountServiceAccountToken?: boolean
  readonly rules?: readonly Rule[]
  readonly roleRef?: Named & { readonly kind: string }
  readonly subjects?: readonly (Named & { readonly kind: string })[]
  readonly spec?: {
    readonly selector?: Labels & { readonly matchLabels?: Labels }
    readonly podSelector?: { readonly matchLabels: Labels }
    readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec }
    readonly ports?: readonly { readonly targetPort: string }[]
    readonly unhealthyPodEvictionPolicy?: string
    readonly policyTypes?: readonly string[]
    readonly ingress?: readonly { readonly ports: readonly { readonly port: string }[] }[]
    readonly egress?: readonly Egress[]
  }
}

export function manifests(file: string): Manifest[] {
  const text = readFileSync(join(FOLDER, file), 'utf8')
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest)
}

/** Returns the one of a kind in a file. @throws where there is none. */
export function objectOf(file: string, kind: string): Manifest {
  const found = manifests(file).find((object) => object.kind === kind)
  if (found === undefined) throw new Error(`${file} has no ${kind}`)
  return found
}

export function podOf(file: string): PodSpec {
  const spec = objectOf(file, 'Deployment').spec?.template?.spec
  if (spec === undefined) throw new Error(`${file} has no Pod`)
  return spec
}

export function containersOf(spec: PodSpec): readonly Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers]
}

/** Returns the container of the router. @throws where there is none. */
export function routerOf(file: string): Container {
  const found = containersOf(podOf(file)).find(({ name }) => name === 'router')
  if (found === undefined) throw new Error(`${file} has no router`)
  return found
}

/** Returns the rights of a Role, each as a rule of its own. */
export function rightsOf(rules: readonly Rule[]): readonly Rule[] {
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    resources.flatMap((resource) =>
      verbs.map((verb) => ({
        ...(apiGroups === undefined ? {} : { apiGroups }),
        resources: [resource],
        verbs: [verb],
      })),
    ),
  )
}
