/** HAProxy itself: what one member has in the DCS keeps no other out of the file. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = new URL('../../../', import.meta.url).pathname

const MEMBERS = `leader: a
members:
  a: {host: 127.0.0.1, port: 1, api_url: 'http://127.0.0.1:1/patroni'}
  b: {host: 127.0.0.1, port: 2, api_url: 'http://127.0.0.1:2/patroni'}
`

const PLAIN = `defaults
	timeout client 1m
	timeout server 1m
	timeout connect 1s
listen primary
	bind 127.0.0.1:5999
{{#each members}}
	server {{name}} {{address}} check port {{rest_port}}
{{/each}}
`

interface Rendered {
  readonly code: number
  readonly said: string
  readonly servers: readonly string[]
}

/** One pass over a template that HAProxy checks. */
async function rendered(source: string, members: string): Promise<Rendered> {
  const dir = await mkdtemp(join(tmpdir(), 'haproxy-names-'))
  try {
    const destination = join(dir, 'haproxy.cfg')
    const config = [
      'scope: shop',
      'file: {path: members.yml}',
      `templates: [{source: ${source}, destination: ${destination}, check: 'haproxy -c -f {{staged}}'}]`,
    ]
    await writeFile(join(dir, 'config.yml'), config.join('\n'))
    await writeFile(join(dir, 'members.yml'), members)
    await writeFile(join(dir, 'plain.hbs'), PLAIN)
    const args = [join(ROOT, 'src/main.ts'), 'render', '-c', join(dir, 'config.yml')]
    const { promise, resolve } = Promise.withResolvers<Pick<Rendered, 'code' | 'said'>>()
    execFile(process.execPath, args, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), said: stdout + stderr }),
    )
    const end = await promise
    const text = await readFile(destination, 'utf8').catch(() => '')
    return { ...end, servers: Array.from(text.matchAll(/^\s*server (\S+)/gm), ([, name = '']) => name) }
  } finally {
    await rm(dir, { recursive: true })
  }
}

const ODD = ['c@east', 'узел-3', 'c,east'].map(
  (name) => `  ${name}: {host: 127.0.0.1, port: 3, api_url: 'http://127.0.0.1:3/patroni'}\n`,
)

test('the example gives a valid name to each', async () => {
  const { code, said, servers } = await rendered(join(ROOT, 'examples/haproxy/haproxy.cfg.hbs'), MEMBERS + ODD.join(''))
  assert.equal(code, 0, said)
  assert.deepEqual(new Set(servers), new Set(['a', 'b', 'c:2Ceast', 'c:40east', ':D1:83:D0:B7:D0:B5:D0:BB-3']))
})

test('a template that writes names as they are leaves out, and reports, a member with another', async () => {
  const { code, said, servers } = await rendered('plain.hbs', MEMBERS + ODD.join(''))
  assert.equal(code, 0, said)
  assert.deepEqual(servers, ['a', 'b'])
  assert.match(said, /c@east is left out: HAProxy accepts no "@" in a server name/)
})

test('a member whose name is not in the DNS is in the file of the example', async () => {
  const lost = `  c: {host: c.invalid, api_url: 'http://c.invalid:8008/patroni'}\n`
  const { code, said, servers } = await rendered(join(ROOT, 'examples/haproxy/haproxy.cfg.hbs'), MEMBERS + lost)
  assert.equal(code, 0, said)
  assert.deepEqual(servers, ['a', 'b', 'c', 'a', 'b', 'c'])
})
