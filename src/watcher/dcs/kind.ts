/** What each kind of DCS is to the rest of the router: one folder beside this file, and one line in kinds.ts. */
import type { ClusterConfig, DcsConfig } from '../../config/config.ts'
import type { DcsSection } from '../../config/dcs/kind.ts'
import type { Lookups } from '../../names/lookups.ts'
import type { RestClient } from '../checks/rest-client.ts'
import type { Log } from '../../text/log-line.ts'
import type { CertificateFiles, CertificateSettings } from '../tls/certificates.ts'
import type { ClusterSource, Dcs, DcsTraits } from './dcs.ts'
import type { KeyValueSource } from './key-values.ts'
import type { OnlineRead } from './online.ts'

export interface DcsContext {
  /** Whose DCS it is. */
  readonly cluster: ClusterConfig
  /** The caller's to close. */
  readonly rest: RestClient
  /** Where what is no observation is logged, as of certificates that are replaced; null: nowhere. */
  readonly log: Log | null
  /** All that are observed, `cluster` among them. */
  readonly clusters: readonly ClusterConfig[]
}

export interface KeysContext {
  readonly cluster: ClusterConfig
  readonly lookups: Lookups
  /** Where keys that are left out are logged; null: nowhere. */
  readonly log: Log | null
}

/** What a kind reads besides a DCS, for `check`. */
export interface DcsFiles {
  readonly certificates?: {
    readonly peer: string
    readonly files: CertificateFiles
    readonly settings: CertificateSettings
  }
  readonly others?: readonly { readonly path: string; readonly what: string }[]
}

/**
 * A kind of DCS. Methods get the configuration that its own `resolve` has made. Nothing here connects or loads a client
 * library before it is asked to observe: see {@link deferred}.
 */
export interface DcsKind<C extends DcsConfig = DcsConfig> extends DcsSection<C> {
  /** Describes for `check` where a cluster is observed. No password is shown. */
  describe(config: C): string
  /** Names the files that it is read with, or from. */
  files?(config: C): DcsFiles
  /** Builds what observes a cluster. */
  create(config: C, context: DcsContext): Dcs
  /** Builds what arbitrary keys are read from; there where `hasKeys`. */
  createKeys?(config: C, context: KeysContext): KeyValueSource
  /** Asks once, for `check --online`; left out: what the first observation says. Rejects when `signal` aborts. */
  checkOnline?(config: C, context: DcsContext, signal: AbortSignal): Promise<OnlineRead>
  /** Finds out whether nothing of it answers. Rejects when `signal` aborts. */
  isAway?(config: C, context: KeysContext, signal: AbortSignal): Promise<boolean>
}

/** Builds a source when it is observed first, so that what it needs is loaded only where its kind is used. */
export function deferred(traits: DcsTraits, build: () => Promise<ClusterSource>): Dcs {
  let source: ClusterSource | null = null
  return {
    ...traits,
    async *observe(signal, remembered) {
      source ??= await build()
      yield* source.observe(signal, remembered)
    },
  }
}

/** Builds what arbitrary keys are read from when they are observed. */
export function deferredKeys(build: () => Promise<KeyValueSource>): KeyValueSource {
  return {
    async *observe(root, signal) {
      yield* (await build()).observe(root, signal)
    },
  }
}
