import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readConfig } from '../../../src/config/read.ts'
import { RouterError } from '../../../src/errors.ts'

let directory = ''
const path = (name: string): string => join(directory, name)

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'patroni-router-config-'))
  for (const name of ['flag', 'variable', 'default'])
    await writeFile(path(`${name}.yml`), `scope: ${name}\netcd3: {hosts: a}\n`)
})

after(async () => {
  await rm(directory, { recursive: true })
})

async function scope(configFlag: string | null, variable: string, defaultFile: string): Promise<unknown> {
  const env = { PATRONI_ROUTER_CONFIG: variable, PATRONI_ETCD3_HOSTS: 'b' }
  const result = await readConfig({ configFlag, env, defaultFile })
  if (!result.ok) return result.problems.map((problem) => problem.path)
  return [result.config.clusters[0]?.scope, result.config.file]
}

test('-c FILE comes before the variable, and that before the default file', async () => {
  const [flag, variable, fallback] = [path('flag.yml'), path('variable.yml'), path('default.yml')]
  assert.deepEqual(await scope(flag, variable, fallback), ['flag', flag])
  assert.deepEqual(await scope(null, variable, fallback), ['variable', variable])
  assert.deepEqual(await scope(null, '', fallback), ['default', fallback])
})

test('a default file that is not there leaves the environment alone', async () => {
  assert.deepEqual(await scope(null, '', path('missing.yml')), ['scope'])
  const env = { PATRONI_SCOPE: 'demo', PATRONI_ETCD3_HOSTS: 'b' }
  const result = await readConfig({ configFlag: null, env, defaultFile: path('missing.yml') })
  assert.ok(result.ok)
  assert.equal(result.config.file, null)
})

for (const [title, flag, variable] of [
  ['with -c', 'missing.yml', ''],
  ['by the variable', null, 'missing.yml'],
] as const)
  test(`a file named ${title} that is not there is an error that names it`, async () => {
    const reading = scope(flag && path(flag), variable && path(variable), path('default.yml'))
    await assert.rejects(reading, (error: unknown) => {
      assert.ok(error instanceof RouterError)
      assert.equal(error.code, 'CONFIG_UNREADABLE')
      assert.ok(error.message.includes(path('missing.yml')))
      return true
    })
  })

test('a file that is there and cannot be read is an error, also the default one', async () => {
  await assert.rejects(scope(null, '', directory), { code: 'CONFIG_UNREADABLE' })
})
