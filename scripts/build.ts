// `npm run build`: compiles src/ into an empty dist/, and writes the man pages and the shell completion beside it: what is
// published.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SCRIPTS } from '../src/cli/completion/completion.ts'
import { manPages, toMan } from './manual/man-page.ts'

const root = join(import.meta.dirname, '..')
rmSync(join(root, 'dist'), { recursive: true, force: true })
execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
const main = join(root, 'dist/main.js')
// A Node that is too old has to understand it, whatever it takes it for.
const entry = readFileSync(main, 'utf8')
  .replace(/^export {};\n/m, '')
  .replace('import("./start.js")', `eval('import("./start.js")')`)
writeFileSync(main, entry)
chmodSync(main, 0o755)

for (const { file, markdown } of manPages()) write(`man/${file}`, toMan(markdown))
for (const { file, text } of Object.values(SCRIPTS)) write(`completion/${file}`, text())

function write(file: string, text: string): void {
  const path = join(root, 'dist', file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
