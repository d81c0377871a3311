/** What a template can know of a value before there is one: lets every misspelt name be found when it is compiled. */

import type { TemplateClusters, TemplateContext, TemplateMember } from './context.ts'

export type Shape =
  | { readonly kind: 'text' | 'number' | 'flag' }
  /** Has the value of `of`, or none: to be tested, or given a default, before it is written. `absent`: why, as a sentence. */
  | { readonly kind: 'maybe'; readonly of: Shape; readonly absent: string }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'record'; readonly name: string; readonly fields: Readonly<Record<string, Shape>> }
  /** Names that only the value itself has: tags, JSON. */
  | { readonly kind: 'map'; readonly of: Shape }
  | { readonly kind: 'any' }

export const TEXT: Shape = { kind: 'text' }
export const NUMBER: Shape = { kind: 'number' }
export const FLAG: Shape = { kind: 'flag' }
export const ANY: Shape = { kind: 'any' }

const IS_UNKNOWN = 'it is not known'

const MEMBER: Shape = {
  kind: 'record',
  name: 'member',
  fields: {
    name: TEXT,
    host: TEXT,
    port: NUMBER,
    address: TEXT,
    proxy_host: maybe(TEXT),
    proxy_port: maybe(NUMBER),
    rest_url: maybe(TEXT),
    rest_host: maybe(TEXT),
    rest_port: maybe(NUMBER),
    role: TEXT,
    member_state: TEXT,
    replication_state: maybe(TEXT),
    is_leader: FLAG,
    is_primary: FLAG,
    is_sync: FLAG,
    is_replica: FLAG,
    lag: maybe(NUMBER),
    timeline: maybe(NUMBER),
    version: maybe(TEXT),
    pending_restart: FLAG,
    override: maybe(TEXT),
    tags: { kind: 'map', of: ANY },
  } satisfies Record<keyof TemplateMember, Shape>,
}

const MEMBERS: Shape = { kind: 'list', of: MEMBER }

const CLUSTER_FIELDS = {
  scope: TEXT,
  namespace: TEXT,
  citus_group: maybe(NUMBER),
  system_id: maybe(TEXT),
  paused: FLAG,
  standby_cluster: FLAG,
  state: TEXT,
  leader: maybe(MEMBER, 'there is no leader'),
  primary: maybe(MEMBER, 'there is no primary'),
  members: MEMBERS,
  replicas: MEMBERS,
  sync_standbys: MEMBERS,
} satisfies Record<keyof TemplateContext, Shape>

/** What a template begins with (context.ts). */
export const CONTEXT: Shape = { kind: 'record', name: 'cluster', fields: CLUSTER_FIELDS }

/** What one about several clusters begins with. */
export const CLUSTERS: Shape = {
  kind: 'record',
  name: 'configuration',
  fields: {
    clusters: { kind: 'list', of: { kind: 'record', name: 'cluster', fields: { name: TEXT, ...CLUSTER_FIELDS } } },
  } satisfies Record<keyof TemplateClusters, Shape>,
}

/** Of a configuration without a cluster. */
export const NO_CLUSTER: Shape = { kind: 'record', name: 'configuration, which has no scope', fields: {} }

/** Returns the shape of the value where there is one. */
export function present(shape: Shape): Shape {
  return shape.kind === 'maybe' ? present(shape.of) : shape
}

/** Returns the kind of a value, to be read after its name: `members is a list`. */
export function kindOf(shape: Shape): string {
  switch (shape.kind) {
    case 'text':
    case 'number':
    case 'flag':
    case 'list':
      return `a ${shape.kind}`
    case 'record':
      return `a ${shape.name}`
    case 'map':
      return 'a map'
    case 'maybe':
      return kindOf(shape.of)
    case 'any':
      return 'anything'
  }
}

function maybe(of: Shape, absent = IS_UNKNOWN): Shape {
  return { kind: 'maybe', of, absent }
}
