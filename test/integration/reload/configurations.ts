/**
 * Random configurations of a world, as valid text. The next one differs in a few parts: what is the same in both is as much of a test as
 * what is not.
 */
import { stringify } from 'yaml'
import type { Config } from '../../../src/config/config.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { overlap, parseBind } from '../../../src/config/proxy/binds.ts'
import { DCS_KINDS } from '../../../src/watcher/dcs/kinds.ts'
import { type Draft, Drafts, type Section, SOURCES, type TemplateDraft } from './drafts.ts'
import type { Random } from './random.ts'
import type { Scope, World } from './world.ts'

/** Draws configurations, one after the other. */
export class Configurations {
  readonly #drafts: Drafts
  readonly #world: World
  #draft: Draft

  constructor(world: World, random: Random) {
    this.#world = world
    this.#drafts = new Drafts(world, random)
    this.#draft = this.#drafts.whole()
  }

  /** Returns the next one, and its text. */
  next(): { readonly config: Config; readonly text: string } {
    const problems: string[] = []
    while (problems.length < MOST_REJECTED) {
      const draft = this.#drafts.changed(this.#draft)
      const text = stringify(treeOf(draft), { defaultStringType: 'QUOTE_SINGLE', aliasDuplicateObjects: false })
      const result = loadConfig({ file: this.#world.path('config.yml'), text, env: {} }, DCS_KINDS)
      // Another one instead of the only cluster is refused: it would be the same one with another name.
      if (result.ok && !isAnotherAlone(this.#draft, draft)) {
        this.#draft = draft
        return { config: result.config, text }
      }
      problems.push(result.ok ? 'another cluster alone' : JSON.stringify(result.problems))
    }
    throw new Error(`no valid configuration is drawn any more: ${problems.slice(-3).join('; ')}`)
  }
}

/** In a row. */
const MOST_REJECTED = 1000

/** Returns what stands in the file. */
function treeOf(draft: Draft): Section {
  const { scopes, alias, stateDir, admin, logging, keys } = draft
  if (keys !== null) return { ...draft.dcs, templates: [keys], admin, logging }
  const isFlat = draft.isFlat && scopes.length === 1
  const named = new Map(scopes.map((scope, index) => [scope, alias && !isFlat && index === 0 ? `${scope}-db` : scope]))
  const clusterOf = (cluster: number): { scope: Scope; name: string } => {
    const scope = scopes[cluster % scopes.length] ?? 'a'
    return { scope, name: named.get(scope) ?? scope }
  }
  const isAlone = scopes.length === 1
  const of = (cluster: number): Section => (isAlone ? {} : { cluster: clusterOf(cluster).name })
  const templates = draft.templates.flatMap((each) => (each === null ? [] : [templateTree(each, of)]))
  const files = draft.tracks.flatMap((each) => {
    if (each === null) return []
    const { scope } = clusterOf(each.cluster)
    const member = each.section['when'] === 'local-leader' ? { member: `${scope}0` } : {}
    return [{ ...each.section, ...of(each.cluster), ...member }]
  })
  const hooks = draft.hooks.flatMap((each) => (each === null ? [] : [{ ...each.section, ...of(each.cluster) }]))
  const listeners = listenersTree(draft, of)
  const [only] = scopes
  return {
    ...(isFlat && only !== undefined
      ? { scope: only, ...(draft.clusters[only].dcs ?? draft.dcs), ...draft.clusters[only].rest }
      : {
          ...draft.dcs,
          clusters: Object.fromEntries(scopes.map((scope) => clusterTree(draft, scope, named))),
        }),
    proxy: { ...draft.proxy, ...(isFlat && only !== undefined ? draft.clusters[only].proxy : {}), listeners },
    ...(templates.length === 0 ? {} : { templates }),
    ...(hooks.length === 0 ? {} : { hooks }),
    ...(files.length === 0 ? {} : { track: { files } }),
    ...(stateDir === null ? {} : { state_dir: stateDir }),
    ...{ admin, logging },
  }
}

function clusterTree(draft: Draft, scope: Scope, named: ReadonlyMap<Scope, string>): [string, Section] {
  const { dcs, rest, proxy } = draft.clusters[scope]
  const own = Object.keys(proxy).length === 0 ? {} : { proxy }
  return [named.get(scope) ?? scope, { scope, ...dcs, ...rest, ...own }]
}

/** Of two listeners at one address the first has it; one that is left without any is not there. */
function listenersTree({ listeners }: Draft, of: (cluster: number) => Section): Section {
  const taken: string[] = []
  const isFree = (bind: string): boolean => !taken.some((other) => areSame(other, bind))
  return Object.fromEntries(
    listeners.flatMap((listener): [string, Section][] => {
      if (listener === null) return []
      const { name, cluster, section } = listener
      const bind = listener.binds.filter((each) => {
        const isOwn = isFree(each)
        if (isOwn) taken.push(each)
        return isOwn
      })
      return bind.length === 0 ? [] : [[name, { bind, ...section, ...of(cluster) }]]
    }),
  )
}

function templateTree({ cluster, isAboutAll, section }: TemplateDraft, of: (cluster: number) => Section): Section {
  return { ...section, ...(isAboutAll ? { clusters: 'all' } : of(cluster)) }
}

function areSame(one: string, other: string): boolean {
  const [a, b] = [parseBind(one), parseBind(other)]
  return a.ok && b.ok && overlap(a.value, b.value)
}

function isAnotherAlone(before: Draft, after: Draft): boolean {
  const scopesOf = ({ keys, scopes }: Draft): readonly Scope[] => (keys === null ? scopes : [])
  const [[one, ...others], [next, ...more]] = [scopesOf(before), scopesOf(after)]
  return one !== undefined && next !== undefined && others.length + more.length === 0 && one !== next
}

/** Returns the files of the templates. */
export function sourcesIn(world: World): readonly (readonly [path: string, text: string])[] {
  return Object.entries(SOURCES).map(([name, text]) => [world.path(name), text])
}
