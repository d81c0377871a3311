import { isMap } from './patch.ts'
import { refusals, type Resource } from './objects.ts'
import type { Draft } from './store.ts'

interface Subset {
  readonly addresses?: readonly { readonly ip?: string }[]
  readonly ports?: readonly Readonly<Record<string, unknown>>[]
}

/**
 * Returns an object with its defaults. Only rules that a reader of Patroni's objects, or Patroni itself, can meet are
 * checked: annotations and labels are text, and no endpoint is in the loopback range. @throws {Refusal} 422
 */
export function validated(resource: Resource, name: string, draft: Draft): Draft {
  for (const field of ['labels', 'annotations']) {
    const values: readonly unknown[] = Object.values(draft.metadata?.[field] ?? {})
    if (values.every((value) => typeof value === 'string')) continue
    throw refusals.invalid(resource, name, 'patch', `Invalid value: metadata.${field}: ReadString: expects " or n`)
  }
  if (resource.name === 'pods') return pod(resource, name, draft)
  if (resource.name === 'endpoints') return endpoints(resource, name, draft)
  return draft
}

function pod(resource: Resource, name: string, draft: Draft): Draft {
  const { spec } = draft
  const containers: unknown = isMap(spec) ? spec['containers'] : undefined
  if (!Array.isArray(containers) || containers.length === 0) {
    throw refusals.invalid(resource, name, 'spec.containers', 'Required value')
  }
  return draft
}

function endpoints(resource: Resource, name: string, draft: Draft): Draft {
  const { subsets = [], ...rest } = draft
  const list = (Array.isArray(subsets) ? subsets : []) as readonly Subset[]
  for (const [at, { addresses = [] }] of list.entries()) {
    for (const [index, { ip = '' }] of addresses.entries()) {
      if (!/^127\.|^::1$/.test(ip)) continue
      const why = `may not be in the loopback range (127.0.0.0/8)`
      const field = `subsets[${at}].addresses[${index}].ip`
      throw refusals.invalid(resource, name, field, `Invalid value: ${JSON.stringify(ip)}: ${why}`)
    }
  }
  if (list.length === 0) return rest
  const withDefaults = list.map(({ ports = [], ...subset }) => ({
    ...subset,
    ports: ports.map((port) => ({ ...port, protocol: port['protocol'] ?? 'TCP' })),
  }))
  return { ...rest, subsets: withDefaults }
}
