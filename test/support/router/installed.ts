import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { ROOT } from './package.ts'

const CACHE = join(ROOT, 'node_modules/.cache/installed')

/**
 * A directory with what the package installs besides its dependencies, compiled from what src/ is now. Types are not
 * checked, so this takes a second; and it is kept until something changes.
 */
export function installedFiles(): string {
  const sources = globSync('src/**/*.ts', { cwd: ROOT }).sort()
  const texts = new Map(sources.map((name) => [name, readFileSync(join(ROOT, name), 'utf8')]))
  const hash = createHash('sha256')
    .update(JSON.stringify([...texts]))
    .digest('hex')
  const directory = join(CACHE, hash)
  if (existsSync(directory)) return directory
  mkdirSync(CACHE, { recursive: true })
  const fresh = mkdtempSync(`${directory}-`)
  for (const [name, text] of texts) write(join(fresh, name.replace(/^src/, 'dist').replace(/ts$/, 'js')), compile(text))
  cpSync(join(ROOT, 'package.json'), join(fresh, 'package.json'))
  try {
    renameSync(fresh, directory)
  } catch (error) {
    if (!existsSync(directory)) throw error
    // Another test process was faster.
    rmSync(fresh, { recursive: true })
  }
  return directory
}

function compile(text: string): string {
  const compilerOptions: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
    rewriteRelativeImportExtensions: true,
  }
  return ts.transpileModule(text, { compilerOptions }).outputText
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text, { mode: 0o755 })
}
