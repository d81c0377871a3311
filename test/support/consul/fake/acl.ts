/** Rules of a policy in JSON, as Consul takes them beside HCL: `{"key_prefix": {"service/demo/": {"policy": "read"}}}`. */
export type Rules = Readonly<Record<string, Readonly<Record<string, { readonly policy: Access }>>>>
export type Access = 'deny' | 'read' | 'write'
export type Resource = 'key' | 'session' | 'agent' | 'service'

/** What a request may do. */
export interface Rights {
  may(access: 'read' | 'write', resource: Resource, name: string): boolean
  /** Whether a whole tree of keys may be written. */
  mayWriteTree(prefix: string): boolean
  readonly management: boolean
}

export const MANAGEMENT: Rights = { may: () => true, mayWriteTree: () => true, management: true }

/** The rights by some policies, where everything else is denied: the exact rule counts, else that of the longest prefix. */
export function rightsOf(policies: readonly Rules[]): Rights {
  const rules = (resource: Resource) => policies.map((policy) => policy[resource] ?? {})
  const prefixes = (resource: Resource) =>
    policies.flatMap((policy) => Object.entries(policy[`${resource}_prefix`] ?? {}))
  const accessTo = (resource: Resource, name: string): Access => {
    const exact = rules(resource).flatMap((named) => named[name] ?? [])
    const fitting = prefixes(resource).filter(([prefix]) => name.startsWith(prefix))
    const [longest] = fitting.sort(([a], [b]) => b.length - a.length)
    return (exact[0] ?? longest?.[1])?.policy ?? 'deny'
  }
  return {
    management: false,
    may: (access, resource, name) => [access, 'write'].includes(accessTo(resource, name)),
    mayWriteTree: (tree) => {
      const below = [...prefixes('key'), ...rules('key').flatMap((named) => Object.entries(named))]
      const writable = below.every(([name, { policy }]) => !name.startsWith(tree) || policy === 'write')
      return writable && accessTo('key', tree) === 'write'
    },
  }
}
