// `node scripts/in-order.ts CONCURRENCY TIMEOUT_MS PATTERN FILE...`: runs test files in this order, where `node --test` begins with the
// first by name. An empty pattern fits every test.
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const [concurrency = '', timeoutMs = '', pattern = '', ...files] = process.argv.slice(2)
const over = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => over.abort())
const events = run({
  files,
  concurrency: Number(concurrency),
  execArgv: [`--test-timeout=${timeoutMs}`, `--import=${import.meta.resolve('./test-limit.ts')}`],
  signal: over.signal,
  ...(pattern === '' ? {} : { testNamePatterns: [pattern] }),
})
events.on('test:fail', () => (process.exitCode = 1))
events.pipe(new spec()).pipe(process.stdout)
