// `npm run test:real-dcs [-- NAME...]`: runs the tests of DCSs that Debian 12 does not have on the real ones, where
// `npm test` runs fakes: the contract suites, which fakes and real ones have to pass, and the clusters; and those of
// ZooKeeper on an old one. Installs nothing.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { CONSUL } from './real-dcs/consul.ts'
import { KUBERNETES } from './real-dcs/kubernetes.ts'
import { ZOOKEEPER } from './real-dcs/zookeeper.ts'
import type { RealDcs } from './real-dcs/real-dcs.ts'

const ROOT = join(import.meta.dirname, '..')
const CACHE = join(ROOT, 'node_modules', '.cache', 'real-dcs')
const ALL: readonly RealDcs[] = [CONSUL, KUBERNETES, ZOOKEEPER]

/** Runs files as `npm test` does, with the program; its counts, and whether all have passed. */
async function run(files: readonly string[], env: NodeJS.ProcessEnv): Promise<{ counts: string; passed: boolean }> {
  const suites = ['integration', 'cluster'].filter((suite) => files.some((file) => file.startsWith(`test/${suite}/`)))
  const runner = spawn(process.execPath, ['scripts/test.ts', ...suites, ...files], {
    ...{ cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  })
  let text = ''
  runner.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    process.stdout.write(chunk)
  })
  const code = await new Promise((done, failed) => runner.once('close', done).once('error', failed))
  const counts = ['tests', 'pass', 'fail'].map((name) => {
    // Once for each time that the runner was started.
    const each = [...text.matchAll(new RegExp(`^ℹ ${name} (\\d+)`, 'gm'))].map(([, count]) => Number(count))
    return `${name} ${each.reduce((sum, count) => sum + count, 0)}`
  })
  return { counts: counts.join(', '), passed: code === 0 }
}

/** Returns the result for people, and whether all have passed. */
async function test({ variable, tests, except = [], bring }: RealDcs): Promise<{ text: string; passed: boolean }> {
  const { program, origin } = bring(CACHE)
  const files = [...new Set(globSync([...tests], { cwd: ROOT, exclude: [...except] }))].sort()
  const { counts, passed } = await run(files, { [variable]: program })
  const list = files.map((file) => `  ${file}\n`).join('')
  return { text: `\n${origin}\n${list}${counts}: ${passed ? 'passed' : 'FAILED'}`, passed }
}

async function main(): Promise<number> {
  const names = process.argv.slice(2)
  const unknown = names.filter((name) => !ALL.some((dcs) => dcs.name === name))
  if (unknown.length > 0) {
    console.error(`unknown: ${unknown.join(' ')}; there are ${ALL.map(({ name }) => name).join(', ')}`)
    return 2
  }
  const results: { text: string; passed: boolean }[] = []
  for (const dcs of ALL.filter(({ name }) => names.length === 0 || names.includes(name))) results.push(await test(dcs))
  for (const { text } of results) console.log(text)
  return results.every(({ passed }) => passed) ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
