/** Draws what a random configuration is made of: independent parts, of which a few are drawn again for the next one. */
import type { Random } from './random.ts'
import { NAMESPACES, type Scope, SCOPES, type World } from './world.ts'

export type Section = Readonly<Record<string, unknown>>

/** What is configured of one cluster, whether it is there or not. */
interface ClusterDraft {
  /** null: as at the top of the file. */
  readonly dcs: Section | null
  readonly rest: Section
  readonly proxy: Section
}

export interface Draft {
  readonly scopes: readonly Scope[]
  /** One cluster alone, in a flat file. */
  readonly isFlat: boolean
  /** Another name than the scope, for the first cluster of those above. */
  readonly alias: boolean
  readonly dcs: Section
  /** A template of keys alone, without any cluster; null: the rest is there. */
  readonly keys: Section | null
  readonly clusters: Readonly<Record<Scope, ClusterDraft>>
  readonly proxy: Section
  /** null: it is not there. */
  readonly listeners: readonly (ListenerDraft | null)[]
  readonly templates: readonly (TemplateDraft | null)[]
  readonly hooks: readonly (Addressed | null)[]
  readonly tracks: readonly (Addressed | null)[]
  readonly stateDir: string | null
  readonly admin: Section
  readonly logging: Section
}

/** Belongs to one of the clusters that are there, whichever they are. */
export interface Addressed {
  readonly cluster: number
  readonly section: Section
}

export interface ListenerDraft extends Addressed {
  readonly name: string
  readonly binds: readonly string[]
}

export interface TemplateDraft extends Addressed {
  readonly isAboutAll: boolean
}

const LISTENERS = 7
const TEMPLATES = 5
const HOOKS = 3
const TRACKS = 4

/** The names of the templates, and what is in them; the last one reads keys. None is ever empty: a check would fail while a list is. */
export const SOURCES: Readonly<Record<string, string>> = {
  'primary.hbs': 'primary {{primary.name}} {{primary.host}}:{{primary.port}}\n',
  'members.hbs': 'members\n{{#each members}}{{name}} {{host}}:{{port}} {{role}}\n{{/each}}',
  'replicas.hbs': 'replicas\n{{#each replicas}}{{name}}\n{{/each}}',
  'clusters.hbs': 'clusters\n{{#each clusters}}{{name}} {{primary.name}}\n{{/each}}',
  'keys.hbs': '{{getv "/color"}} {{getv "/size"}}\n',
}

/** Draws drafts. */
export class Drafts {
  readonly #random: Random
  readonly #world: World

  constructor(world: World, random: Random) {
    this.#world = world
    this.#random = random
  }

  /** Returns one that differs in a few parts, or now and then in all. */
  changed(before: Draft): Draft {
    const random = this.#random
    if (random.chance(0.05)) return this.whole()
    let draft: Draft = { ...before, keys: random.chance(0.03) ? this.#keys() : null }
    for (let changes = 1 + random.below(5); changes > 0; changes--) draft = this.#changedOnce(draft)
    return draft
  }

  #changedOnce(draft: Draft): Draft {
    const random = this.#random
    const at = <T>(list: readonly T[], draw: (index: number) => T): readonly T[] => {
      const index = random.below(list.length)
      return list.with(index, draw(index))
    }
    const scope = random.pick(SCOPES)
    const own = draft.clusters[scope]
    const other = (changes: Partial<ClusterDraft>): Draft => ({
      ...draft,
      clusters: { ...draft.clusters, [scope]: { ...own, ...changes } },
    })
    const changes: readonly (() => Draft)[] = [
      () => ({ ...draft, ...this.#scopes() }),
      () => ({ ...draft, isFlat: !draft.isFlat, alias: random.chance(0.3) }),
      () => ({ ...draft, dcs: this.#etcd() }),
      () => other({ dcs: this.#dcs(scope) }),
      () => other({ dcs: this.#dcs(scope) }),
      () => other({ rest: this.#rest(scope) }),
      () => other({ proxy: this.#clusterProxy() }),
      () => ({ ...draft, proxy: this.#proxy() }),
      () => ({ ...draft, listeners: at(draft.listeners, (index) => this.#listener(index)) }),
      () => ({ ...draft, listeners: at(draft.listeners, (index) => this.#rebound(draft.listeners[index], index)) }),
      () => ({ ...draft, listeners: random.shuffled(draft.listeners) }),
      () => ({ ...draft, templates: at(draft.templates, (index) => this.#template(index)) }),
      () => ({ ...draft, templates: random.shuffled(draft.templates) }),
      () => ({ ...draft, hooks: at(draft.hooks, () => this.#hook()) }),
      () => ({ ...draft, tracks: at(draft.tracks, (index) => this.#track(index)) }),
      () => ({ ...draft, stateDir: this.#stateDir() }),
      () => ({ ...draft, admin: this.#admin() }),
      () => ({ ...draft, logging: this.#logging() }),
    ]
    return random.pick(changes)()
  }

  /** Returns one in which everything is drawn. */
  whole(): Draft {
    const draw = <T>(count: number, one: (index: number) => T): readonly T[] =>
      Array.from({ length: count }, (_, index) => one(index))
    const cluster = (scope: Scope): ClusterDraft => ({
      dcs: this.#dcs(scope),
      rest: this.#rest(scope),
      proxy: this.#clusterProxy(),
    })
    return {
      ...this.#scopes(),
      isFlat: this.#random.chance(0.5),
      alias: this.#random.chance(0.2),
      dcs: this.#etcd(),
      keys: null,
      clusters: { a: cluster('a'), b: cluster('b'), c: cluster('c') },
      proxy: this.#proxy(),
      listeners: draw(LISTENERS, (index) => this.#listener(index)),
      templates: draw(TEMPLATES, (index) => this.#template(index)),
      hooks: draw(HOOKS, () => this.#hook()),
      tracks: draw(TRACKS, (index) => this.#track(index)),
      stateDir: this.#stateDir(),
      admin: this.#admin(),
      logging: this.#logging(),
    }
  }

  #scopes(): Pick<Draft, 'scopes'> {
    return { scopes: this.#random.some(SCOPES) }
  }

  /** Both etcds have all clusters. */
  #etcd(): Section {
    const random = this.#random
    const [first, second] = this.#world.etcdPorts
    const hosts = random.pick([
      ...[[`127.0.0.1:${first}`], [`127.0.0.1:${second}`], [`127.0.0.1:${first}`, `127.0.0.1:${second}`]],
      [`localhost:${first}`],
    ])
    return {
      [random.pick(['etcd3', 'etcd3', 'etcd'])]: { hosts },
      ...(random.chance(0.3) ? { namespace: `/${random.pick(NAMESPACES)}/` } : {}),
    }
  }

  #dcs(scope: Scope): Section | null {
    const random = this.#random
    const kind = random.pick(['file', 'rest', 'etcd', 'top'])
    if (kind === 'file') return { file: { path: this.#world.file(scope, random.below(2)) } }
    if (kind === 'rest') return { rest: { urls: random.some(this.#world.restUrls(scope)) } }
    return kind === 'etcd' ? this.#etcd() : null
  }

  #rest(scope: Scope): Section {
    const random = this.#random
    return {
      ...(random.chance(0.5) ? { ctl: { insecure: random.chance(0.5) } } : {}),
      ...(random.chance(0.5) ? { name: `${scope}${random.below(2)}` } : {}),
    }
  }

  #check(): Section {
    const random = this.#random
    const rise = random.pick([1, 1, 2])
    return {
      interval: random.pick(rise === 1 ? ['300ms', '500ms', '1s'] : ['300ms']),
      fast_interval: random.pick(['20ms', '50ms', '100ms']),
      timeout: random.pick(['1s', '2s']),
      ...{ rise, fall: random.pick([2, 3]) },
    }
  }

  #clusterProxy(): Section {
    const random = this.#random
    return {
      ...(random.chance(0.3) ? { check: this.#check() } : {}),
      ...(random.chance(0.2) ? { trust: random.pick(['proof', 'dcs']) } : {}),
      ...(random.chance(0.2) ? { address: random.pick(['conn_url', 'proxy_url']) } : {}),
    }
  }

  #proxy(): Section {
    const random = this.#random
    return {
      check: this.#check(),
      trust: random.pick(['proof', 'proof', 'proof', 'dcs']),
      address: random.pick(['conn_url', 'conn_url', 'conn_url', 'proxy_url']),
      hold: { timeout: random.pick(['0', '5m', '10m']), max_connections: random.pick([50, 100]) },
      max_connections: random.pick([0, 200, 300]),
      timeouts: { connect: '4s', client: random.pick(['0', '10m', '20m']), server: random.pick(['0', '10m', '30m']) },
      tcp_keepalive: random.pick(['0', '15s']),
      drain_timeout: random.pick(['0', '100ms', '200ms']),
    }
  }

  #listener(index: number): ListenerDraft | null {
    const random = this.#random
    if (random.chance(0.35)) return null
    const route = random.pick([
      ...['primary', 'primary', 'replica', 'replica', 'sync', 'async', 'read-only', 'any'],
      'standby-leader',
    ])
    const hasTags = !['primary', 'standby-leader'].includes(route)
    const fallback = ['replica', 'sync', 'async'].includes(route) && random.chance(0.4) ? 'primary' : 'none'
    return {
      name: `l${index}`,
      binds: this.#binds(),
      cluster: random.below(SCOPES.length),
      section: {
        route,
        ...(hasTags && random.chance(0.3) ? { max_lag: random.pick([10, '16MB']) } : {}),
        ...(hasTags && random.chance(0.3) ? { tags: { dc: random.pick(['x', 'y', 'z']) } } : {}),
        ...(random.chance(0.3) ? { balance: 'roundrobin' } : {}),
        ...{ fallback, close_fallback: fallback === 'primary' && random.chance(0.5) },
      },
    }
  }

  #rebound(listener: ListenerDraft | null | undefined, index: number): ListenerDraft | null {
    return (listener ?? null) === null
      ? this.#listener(index)
      : { ...(listener as ListenerDraft), binds: this.#binds() }
  }

  #binds(): readonly string[] {
    const random = this.#random
    return Array.from({ length: random.pick([1, 1, 2, 3]) }, () => {
      const port = random.pick(this.#world.ports)
      return random.pick([
        ...[`127.0.0.1:${port}`, `127.0.0.1:${port}`, `*:${port}`, `[::1]:${port}`, `127.0.0.2:${port}`],
        this.#socket(),
      ])
    })
  }

  /** Listeners and the admin socket take each other's; listeners and HTTP each other's ports. */
  #socket(): string {
    return this.#world.path('run', `${this.#random.below(4)}.sock`)
  }

  #template(index: number): TemplateDraft | null {
    const random = this.#random
    if (random.chance(0.5)) return null
    const source = random.pick(Object.keys(SOURCES))
    const isAboutAll = source === 'clusters.hbs'
    const group = random.pick([null, null, 'g', 'h'])
    return {
      cluster: random.below(SCOPES.length),
      isAboutAll,
      section: {
        ...{ source: this.#world.path(source), destination: this.#world.path('out', `${index}-${random.below(2)}`) },
        ...(source === 'keys.hbs' ? { prefix: '/app', keys: random.pick([['/'], ['/color', '/size']]) } : {}),
        ...(random.chance(0.15) ? { check: random.pick([['test', '-s', '{{staged}}'], 'test -s {{staged}}']) } : {}),
        ...(group === null ? {} : { reload_group: group }),
        ...(random.chance(0.2) ? { reload: ['true'] } : {}),
        ...(random.chance(0.3) ? { mode: random.pick(['0600', '0644']) } : {}),
        ...{ debounce: { min: '5ms', max: '50ms' }, on_empty: random.pick(['keep', 'render']) },
        ...(group === null && random.chance(0.3) ? { interval: random.pick(['0', '30s']) } : {}),
        ...(random.chance(0.2) ? { backup: true } : {}),
      },
    }
  }

  #keys(): Section {
    const [source, destination] = [this.#world.path('keys.hbs'), this.#world.path('out', 'keys')]
    const keys = this.#random.pick([['/'], ['/color', '/size']])
    return { source, destination, prefix: '/app', keys, debounce: { min: '5ms', max: '50ms' } }
  }

  #hook(): Addressed | null {
    const random = this.#random
    if (random.chance(0.7)) return null
    const on = random.pick(['open', 'any', ['switching', 'none'], 'switching'])
    return {
      cluster: random.below(SCOPES.length),
      section: { on, command: ['true'], ...(random.chance(0.2) ? { after: random.pick(['g', 'h']) } : {}) },
    }
  }

  #track(index: number): Addressed | null {
    const random = this.#random
    if (random.chance(0.5)) return null
    const when = random.pick(['primary', 'replicas', 'local-leader'])
    return {
      cluster: random.below(SCOPES.length),
      section: { path: this.#world.path('tracks', `${index}-${random.below(2)}`), when },
    }
  }

  #stateDir(): string | null {
    const name = this.#random.pick([null, 'state-0', 'state-1'])
    return name === null ? null : this.#world.path(name)
  }

  #admin(): Section {
    const random = this.#random
    const socket = random.chance(0.5) ? this.#socket() : this.#world.path(`admin-${random.below(2)}`, 'router.sock')
    const port = random.pick(this.#world.ports)
    const bind = random.pick(['off', `127.0.0.1:${port}`, [`127.0.0.1:${port}`, `[::1]:${port}`]])
    return { socket, bind, ...(random.chance(0.4) ? { mode: random.pick(['0660', '0600']) } : {}) }
  }

  #logging(): Section {
    const random = this.#random
    return {
      level: random.pick(['info', 'warn', 'error']),
      format: random.pick(['auto', 'json', 'text']),
      connections: random.chance(0.5),
    }
  }
}
