/**
 * What the configuration has to know of a kind of DCS. The kinds are listed in watcher/dcs/kinds.ts and handed in: no
 * line of the configuration names one of them.
 */
import { RouterError } from '../../errors.ts'
import { suggest } from '../../text/suggestion.ts'
import { isMapping, type Mapping } from '../../text/unknown-shape.ts'
import type { Form } from '../values/form.ts'
import { showKind } from '../values/parsed.ts'
import type { ClusterConfig, DcsConfig } from '../config.ts'
import type { Parse } from '../env-values.ts'
import type { Fault } from '../file/problem.ts'

/** No message about a section of Patroni or a URL shows a value: it can carry user and password. */
export interface DcsResult<C extends DcsConfig = DcsConfig> {
  readonly value: C | null
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

/** Where the configuration was read. */
export interface Origin {
  /** Where relative paths start. */
  readonly directory: string
  readonly files: readonly string[]
}

/** One kind of DCS, as far as its section of the configuration goes. */
export interface DcsSection<C extends DcsConfig = DcsConfig> {
  /** The name of the section, and of the kind. */
  readonly name: string
  /** null: the section is the router's own, and goes over those of Patroni. */
  readonly patroni: PatroniDcs | null
  /** The key without which there is no cluster, and how to set it: `set etcd3.hosts or PATRONI_ETCD3_HOSTS`. */
  readonly needed: { readonly key: string; readonly how: string }
  /** Keys with addresses, and with passwords: those of the examples are not to stay there. */
  readonly addresses: readonly string[]
  readonly passwords: readonly string[]
  /** The section as JSON Schema, with a description of each key that is read (values/form.ts). */
  readonly form: Form
  /** Whether templates can read arbitrary keys there. */
  readonly hasKeys: boolean
  /**
   * Parses the section; null: it is empty, which is none to Patroni. `tree`: all sections of the cluster, for a kind that
   * reads more than its own. Pure.
   */
  resolve(section: unknown, origin: Origin, tree: Mapping): DcsResult<C>
  /** Returns what is equal, as JSON, for two clusters that are one and the same. */
  identify(config: C, cluster: Pick<ClusterConfig, 'namespace' | 'scope' | 'citusGroup'>): unknown
  /** Names the files of the section that no template may write, whatever else is wrong with it. */
  reads?(section: Mapping): readonly { readonly path: string; readonly what: string }[]
  /** Finds settings of the `proxy` section that this kind does not have. */
  checkProxy?(proxy: Mapping): Fault[]
}

/** What is Patroni's about a kind. */
export interface PatroniDcs {
  /** All that Patroni 3.0 to 4.1 reads there. */
  readonly keys: readonly string[]
  /** What such keys are called elsewhere, with what to write instead. */
  readonly words: Readonly<Record<string, string>>
  /** What Patroni needs to use it; without, it takes the next section. */
  readonly library: string
  /**
   * How values of its environment are read where not as for every DCS: `HOSTS` is `PATRONI_ETCD3_HOSTS`. With endings of
   * its own, too.
   */
  readonly variables: Readonly<Record<string, Parse>>
  /** Keys that Patroni takes from the environment only where another variable has made the section. */
  readonly login: readonly string[]
  /** Variables of any name that count where there is a section: `resolve` gets each as {@link foreignKey}. */
  readonly foreign?: readonly string[]
  /** Whether these count for the sections of single clusters, too; left out: for the one at the top only. */
  readonly isForeignEverywhere?: boolean
  /** The namespace where none is set; left out: `service`. */
  readonly namespace?: string
}

/** Returns the key of a section that is a variable of its client library, which no file has. */
export function foreignKey(variable: string): string {
  return `$${variable}`
}

/** Returns the names of the router's own kinds. */
export function ownNames(kinds: readonly DcsSection[]): readonly string[] {
  return kinds
    .filter(({ patroni }) => patroni === null)
    .map(({ name }) => name)
    .toSorted()
}

/** Returns the kinds that are Patroni's too, in its order (patroni/dcs/__init__.py, `get_dcs`). */
export function patroniKinds<K extends DcsSection>(
  kinds: readonly K[],
): readonly { readonly kind: K; readonly name: string; readonly patroni: PatroniDcs }[] {
  return kinds
    .flatMap((kind) => (kind.patroni === null ? [] : { kind, name: kind.name, patroni: kind.patroni }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Returns the names of all sections that say where a cluster is observed. */
export function dcsNames(kinds: readonly DcsSection[]): readonly string[] {
  return kinds.map(({ name }) => name)
}

export function isThere(tree: Mapping, name: string): boolean {
  return (tree[name] ?? null) !== null
}

/** Returns the kind of which there is a section, of several the one that counts; null: of none. */
export function kindIn<K extends DcsSection>(tree: Mapping, kinds: readonly K[]): K | null {
  const own = ownNames(kinds).find((name) => isThere(tree, name))
  const patronis = patroniKinds(kinds).map((each) => each.name)
  // Of one of Patroni's that is empty its keys are missing, and not the section.
  const name = own ?? patronis.find((each) => isThere(tree, each)) ?? patronis.find((each) => each in tree)
  return kinds.find((kind) => kind.name === name) ?? null
}

/** Returns the kind of a configuration that these kinds have made. @throws RouterError `INTERNAL` of any other. */
export function kindOf<K extends DcsSection>({ kind: name }: DcsConfig, kinds: readonly K[]): K {
  const found = kinds.find((kind) => kind.name === name)
  if (found === undefined) throw new RouterError('INTERNAL', `there is no kind of DCS called ${name}`)
  return found
}

/** Finds what is wrong with a section of the router's own that has one key, but for the value of that. */
export function checkOnlyKey(name: string, section: unknown, key: string, example: string): readonly Fault[] {
  if (!isMapping(section))
    return [{ path: [name], message: `must be a mapping like ${example}, not ${showKind(section)}` }]
  // Any other key was meant to be it.
  const hint = (unknown: string): string => (key in section ? suggest(unknown, [key]) : `did you mean "${key}"?`)
  return Object.keys(section)
    .filter((unknown) => unknown !== key)
    .map((unknown) => ({ path: [name, unknown], message: `unknown key; ${hint(unknown)}` }))
}
