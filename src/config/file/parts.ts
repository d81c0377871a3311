/** The texts that a configuration is made of, each over those before. Pure. */
import { merge, type Tree } from '../env.ts'
import { isMapping } from '../../text/unknown-shape.ts'
import type { Located, Problem } from './problem.ts'
import { unrendered } from './unrendered.ts'
import { parseYaml, type PlacedKey, type YamlFile } from './yaml.ts'

export interface ConfigPart {
  /** As it is shown: a path, or the name of a variable. */
  readonly file: string
  readonly text: string
}

export type Parts =
  | { readonly ok: false; readonly problems: readonly Problem[] }
  | {
      readonly ok: true
      readonly tree: Tree
      readonly duplicates: readonly (PlacedKey & Located)[]
      readonly misread: readonly (PlacedKey & Located)[]
      /** Where a key is written that counts, or else the nearest one above it. */
      readonly locate: (path: readonly string[]) => Located | null
    }

interface Part {
  readonly file: string
  readonly yaml: Extract<YamlFile, { readonly ok: true }>
  readonly tree: Tree
}

/**
 * Reads the texts as Patroni's `_load_config_path` reads a directory: the last one counts, key by key. All problems at
 * once.
 */
export function readParts(texts: readonly ConfigPart[]): Parts {
  const read = texts.map(readPart)
  const problems = read.flatMap((part) => (Array.isArray(part) ? part : []))
  if (problems.length > 0) return { ok: false, problems }
  const parts = read.flatMap((part) => (Array.isArray(part) ? [] : [part]))
  const [first, ...others] = parts
  return {
    ok: true,
    tree: others.reduce((tree, part) => merge(tree, part.tree), first?.tree ?? {}),
    duplicates: parts.flatMap(({ file, yaml }) => yaml.duplicates.map((key) => ({ ...key, file }))),
    misread: parts.flatMap(({ file, yaml }) => yaml.misread.map((key) => ({ ...key, file }))),
    locate: (path) => {
      const depths = parts.map(({ yaml }) => yaml.depth(path))
      const part = parts[depths.lastIndexOf(Math.max(...depths))]
      const place = part?.yaml.locate(path) ?? null
      return part === undefined || place === null ? null : { file: part.file, ...place }
    },
  }
}

function readPart({ file, text }: ConfigPart): Part | Problem[] {
  const yaml = parseYaml(text)
  if (!yaml.ok) return unrendered(text, yaml.errors).map((error) => ({ file, path: '', ...error }))
  const tree = yaml.value ?? {}
  if (isMapping(tree)) return { file, yaml, tree }
  const message = 'must be a mapping: sections and keys, each with a colon'
  return [{ file, line: 1, column: 1, path: '', message }]
}
