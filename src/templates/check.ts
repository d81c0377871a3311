/** What is wrong with a template before it is ever rendered, for the command `check`. Writes nothing and runs no command of it. */
import type { TemplateConfig } from '../config/config.ts'
import { explain } from '../errors.ts'
import type { TextFile } from '../text-file.ts'
import { formatTemplateProblem } from './engine/template.ts'
import { placeOf } from './files/destination.ts'
import { Owners } from './files/owner.ts'
import { readSource } from './source-file.ts'

export type CheckedSource =
  | Exclude<TextFile, { readonly kind: 'text' }>
  | { readonly kind: 'text'; readonly text: string; readonly problems: readonly string[] }

/** Reads and compiles a template; `name` is for its problems. Never rejects. */
export async function checkSource(template: TemplateConfig, name: string): Promise<CheckedSource> {
  const file = await readSource(template.source)
  if (file.kind !== 'text') return file
  // Loaded here, so that a configuration without templates does not wait for the compiler.
  const { compileFor } = await import('./engine/compile.ts')
  try {
    const compiled = compileFor(template, name, file.text)
    return { ...file, problems: compiled.ok ? [] : compiled.problems.map((each) => formatTemplateProblem(name, each)) }
  } catch (error) {
    return { ...file, problems: [`${name}: ${explain(error)}`] }
  }
}

/**
 * Returns the file that a destination stands for, with links followed; it need not be there yet. Rejects with
 * TEMPLATE_FAILED for what is no file, and where its directory is missing.
 */
export async function fileOf(destination: string): Promise<string> {
  return (await placeOf(destination)).path
}

/** Returns what rejects with TEMPLATE_FAILED for a template whose owner or group this machine does not know. */
export function ownerCheck(): (template: TemplateConfig) => Promise<unknown> {
  const owners = new Owners()
  return (template) => owners.resolve(template)
}
