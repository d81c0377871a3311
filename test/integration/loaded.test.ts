/** What a running router has loaded: what is not used takes no memory. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { freePorts } from '../support/net/ports.ts'
import { EtcdCluster } from '../support/etcd/cluster.ts'
import { TempDir } from '../support/files/temp.ts'
import { installedFiles } from '../support/router/installed.ts'
import { ROOT } from '../support/router/package.ts'
import { RouterProcess } from '../support/router/process.ts'
import { FakeMember, SYSTEM_ID } from './watcher/fake-member.ts'

interface Loaded {
  /** The packages of node_modules. */
  readonly packages: readonly string[]
  /** The modules of Node. */
  readonly builtins: readonly string[]
  /** The size of V8's young generation. Bytes. */
  readonly young: number
}

/** Writes a {@link Loaded} at the end. Not in TypeScript, which Node would load its compiler for. */
const PRELOAD = `
import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { getHeapSpaceStatistics } from 'node:v8'
const packages = new Set()
registerHooks({
  load(url, context, next) {
    packages.add(/.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)\\//.exec(url)?.[1])
    return next(url, context)
  },
})
process.once('exit', () => {
  const { space_size: young } = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')
  const builtins = process.moduleLoadList
  writeFileSync(process.env.LOADED_FILE, JSON.stringify({ packages: [...packages].sort(), builtins, young }))
})
`
const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { dependencies: object }
/** The router's own dependencies, and two that are large. */
const PACKAGES = [...Object.keys(dependencies), 'protobufjs', 'undici']

const ALWAYS = ['commander', 'leven', 'pino', 'yaml', 'zod']
const OF_ETCD3 = ['@grpc/grpc-js', 'cockatiel', 'etcd3', 'protobufjs']
const OF_TEMPLATES = ['handlebars']
const OF_HTTP = ['fastify']

/** As at the start. Bytes. */
const YOUNG = 2 * 1024 * 1024

/** Sections of the configuration. */
type Source = (member: FakeMember, dir: string) => object | Promise<object>

const file: Source = ({ name, port, url }, dir) => {
  const members = { [name]: { host: '127.0.0.1', port, api_url: url } }
  writeFileSync(join(dir, 'cluster.json'), JSON.stringify({ leader: name, initialize: SYSTEM_ID, members }))
  return { file: { path: join(dir, 'cluster.json') } }
}

const rest: Source = ({ url }) => ({ rest: { urls: [url] } })

const etcd3 =
  (etcd: EtcdCluster): Source =>
  async (member) => {
    const keys = {
      initialize: SYSTEM_ID,
      [`members/${member.name}`]: member.key({ role: 'primary' }),
      leader: member.name,
    }
    for (const [key, value] of Object.entries(keys)) await etcd.client.put(`/service/demo/${key}`, value)
    return { etcd3: { hosts: etcd.hosts } }
  }

/** Runs a router until its primary is open, and ends it. */
async function loadedBy(source: Source, withTemplate = false): Promise<Loaded> {
  await using dir = TempDir.create('loaded')
  await using member = await FakeMember.start('pg0', 'primary')
  member.cluster = { members: [member.entry('leader')], scope: 'demo' }
  const [template = '', destination = '', preload = '', output = ''] = [
    'source.hbs',
    'destination',
    'preload.mjs',
    'loaded.json',
  ].map((name) => join(dir.path, name))
  const templates = withTemplate ? { templates: [{ source: template, destination }] } : {}
  writeFileSync(template, '{{scope}}')
  writeFileSync(preload, PRELOAD)
  const config = { scope: 'demo', ...(await source(member, dir.path)), ...templates }
  const env = { NODE_OPTIONS: `--import ${pathToFileURL(preload).href}`, LOADED_FILE: output }
  await using router = await RouterProcess.start({ config, env, main: join(installedFiles(), 'dist/main.js') })
  await router.waitForLog('that the primary is open', ({ event }) => event === 'primary-open')
  if (withTemplate) await router.waitForLog('that it is written', ({ event }) => event === 'template-written')
  await router.stop()
  return JSON.parse(readFileSync(output, 'utf8')) as Loaded
}

async function assertLoaded(source: Source, names: readonly string[], withTemplate = false): Promise<void> {
  const { packages, builtins, young } = await loadedBy(source, withTemplate)
  assert.deepEqual(
    packages.filter((name) => PACKAGES.includes(name)),
    names.toSorted(),
  )
  assert.deepEqual(
    builtins.filter((name) => name.includes('undici')),
    [],
  )
  assert.ok(young <= YOUNG, `${young} bytes`)
}

describe('a router that has opened its primary', () => {
  for (const [kind, source] of Object.entries({ rest, file })) {
    test(`has loaded neither the client of etcd nor templates with ${kind}`, () => assertLoaded(source, ALWAYS))

    test(`has loaded what renders templates with ${kind} and a template`, () =>
      assertLoaded(source, [...ALWAYS, ...OF_TEMPLATES], true))
  }

  test('has loaded Fastify with HTTP', async () => {
    const [port] = await freePorts(1)
    const withHttp: Source = (member, dir) => ({ ...file(member, dir), admin: { bind: `127.0.0.1:${port}` } })
    await assertLoaded(withHttp, [...ALWAYS, ...OF_HTTP])
  })

  test('has loaded the client of etcd and no templates with etcd3', async () => {
    await using etcd = await EtcdCluster.start()
    await assertLoaded(etcd3(etcd), [...ALWAYS, ...OF_ETCD3])
  })
})
