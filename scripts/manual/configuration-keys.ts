/** The keys of the configuration in groups, as documents and man page show them. Pure. */
import { variablesByKey } from '../../src/config/env.ts'
import { ourForms, patroniForms, propertiesOf } from '../../src/config/json-schema.ts'
import { NOT_YET } from '../../src/config/values/fields.ts'
import type { Form } from '../../src/config/values/form.ts'
import { DCS_KINDS } from '../../src/watcher/dcs/kinds.ts'

export interface KeyText {
  /** `proxy.hold.timeout`, `proxy.listeners.NAME.bind`, `templates[].source`. */
  readonly key: string
  /** As Markdown; null: the key is required. */
  readonly fallback: string | null
  /** As Markdown, in whole sentences. */
  readonly meaning: string
}

export interface KeyGroup {
  /** The part of docs/configuration.md. */
  readonly part: string
  readonly title: string
  /** The keys begin with one of these, and with nothing of an earlier group. */
  readonly below: readonly string[]
}

export const GROUPS: readonly KeyGroup[] = [
  { part: 'keys-cluster', title: 'The cluster', below: ['scope', 'namespace', 'name', 'postgresql.', 'citus.'] },
  { part: 'keys-etcd3', title: 'etcd', below: ['etcd3.'] },
  { part: 'keys-etcd', title: 'etcd with its API v2', below: ['etcd.'] },
  { part: 'keys-consul', title: 'Consul', below: ['consul.'] },
  { part: 'keys-zookeeper', title: 'ZooKeeper', below: ['zookeeper.'] },
  { part: 'keys-exhibitor', title: 'Exhibitor', below: ['exhibitor.'] },
  { part: 'keys-kubernetes', title: 'Kubernetes', below: ['kubernetes.'] },
  { part: 'keys-raft', title: 'raft', below: ['raft.'] },
  { part: 'keys-sources', title: 'Without a DCS', below: ['rest.', 'file.'] },
  { part: 'keys-ctl', title: "The members' REST API", below: ['ctl.', 'restapi.'] },
  { part: 'keys-listeners', title: 'Listeners', below: ['proxy.listeners.'] },
  { part: 'keys-proxy', title: 'Proxy', below: ['proxy.'] },
  { part: 'keys-templates', title: 'Templates', below: ['templates[].'] },
  { part: 'keys-hooks', title: 'Hooks', below: ['hooks[].'] },
  { part: 'keys-track', title: 'Track files', below: ['track.files[].'] },
  { part: 'keys-router', title: 'State, admin socket and log', below: ['state_dir', 'admin.', 'logging.'] },
]

/** Returns the keys of a group. */
export function keysOf({ below }: KeyGroup): readonly KeyText[] {
  const first = (key: string): KeyGroup | undefined =>
    GROUPS.find((group) => group.below.some((start) => (start.endsWith('.') ? key.startsWith(start) : key === start)))
  return ALL.filter(({ key }) => first(key)?.below === below)
}

/** Every key but those of `clusters`, which are the same as at the top. */
const ALL: readonly KeyText[] = leavesOf({ ...patroniForms(DCS_KINDS), ...ourForms(DCS_KINDS), clusters: {} }, '')

/** Returns the keys that have a value and no further keys, each with all of its name. */
function leavesOf(forms: Readonly<Record<string, Form>>, above: string, required: readonly string[] = []): KeyText[] {
  return Object.entries(forms).flatMap(([name, form]) => {
    const key = above + name
    const { items, additionalProperties } = form
    const nested = [
      ...leavesOf(propertiesOf(form), `${key}.`, form.required),
      ...below(items, `${key}[].`),
      ...below(additionalProperties, `${key}.NAME.`),
    ]
    if (nested.length > 0 || key === 'clusters' || form.description === NOT_YET) return nested
    return textOf(key, form, required.includes(name))
  })
}

function below(form: Form['items'] | Form['additionalProperties'], above: string): KeyText[] {
  return typeof form === 'object' && !Array.isArray(form) ? leavesOf(propertiesOf(form), above, form.required) : []
}

function textOf(key: string, { description = '', default: written }: Form, isRequired: boolean): KeyText {
  const [meaning = '', words] = description.split(' Default: ')
  if (key === 'scope' || isRequired) return { key, fallback: null, meaning }
  const shown = typeof written === 'string' ? written : JSON.stringify(written ?? '')
  const isEmpty = ['', '""', '[]', '{}'].includes(shown)
  const fallback = words?.replace(/\.$/, '') ?? (isEmpty ? 'none' : `\`${shown}\``)
  return { key, fallback, meaning }
}

/** Returns the variables of Patroni, and the key that each sets. */
export function variables(): readonly (readonly [variable: string, key: string])[] {
  return Array.from(variablesByKey(DCS_KINDS), ([key, variable]) => [variable, key] as const)
}
