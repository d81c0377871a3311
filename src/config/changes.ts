/** What differs between two configurations, in the words of the file. Pure. */
import type { Config } from './config.ts'
import type { DcsSection } from './dcs/kind.ts'
import type { Tree } from './env.ts'

/** What a configuration was made of: files and environment together, and what came of them. */
export interface Settings {
  readonly tree: Tree
  readonly config: Config
  readonly kinds: readonly DcsSection[]
}
