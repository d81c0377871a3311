// `npm run build`: compiles src/ into an empty dist/, which is what is published.
import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

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
