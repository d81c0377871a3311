// A watcher in a process of its own, with few file descriptors: `starved-watcher.ts SOURCE`, where SOURCE is the JSON of
// `{file}`, `{urls}` or `{hosts}`. SIGUSR2 takes every descriptor that is left, SIGHUP gives them back. Prints a JSON line
// for each change of the primary and of the epoch, and for each question to a member.
import { closeSync, openSync } from 'node:fs'
import { Lookups } from '../../../src/names/lookups.ts'
import type { Dcs } from '../../../src/watcher/dcs/dcs.ts'
import { FileDcs } from '../../../src/watcher/dcs/file/file-dcs.ts'
import { RestDcs } from '../../../src/watcher/dcs/member-reports/rest-dcs.ts'
import type { RestReply } from '../../../src/watcher/checks/proof.ts'
import { RestClient } from '../../../src/watcher/checks/rest-client.ts'
import { clusterConfig, Watched } from './watched.ts'
import { dcsOf } from './dcs-of.ts'

interface Source {
  readonly file?: string
  readonly urls?: readonly string[]
  readonly hosts?: readonly string[]
}

const say = (what: object): void => console.log(JSON.stringify(what))

class TellingClient extends RestClient {
  override async get(url: string, path: string, signal: AbortSignal): Promise<RestReply> {
    const reply = await super.get(url, path, signal)
    say({ event: 'asked', path, kind: reply.kind, at: performance.now() })
    return reply
  }
}

const { file, urls, hosts } = JSON.parse(process.argv[2] ?? '{}') as Source
const { restApi, proxy } = clusterConfig([])
const rest = new TellingClient(restApi, proxy.check.timeoutMs, new Lookups())
const sourceOf = (): Dcs | undefined => {
  if (file !== undefined) return dcsOf(new FileDcs({ path: file, intervalMs: 300 }))
  if (urls === undefined) return undefined
  const config = { kind: 'rest', urls } as const
  return dcsOf(new RestDcs({ config, restClient: rest, scope: 'demo', intervalMs: 300, fastIntervalMs: 30 }))
}
const dcs = sourceOf()
const watched = new Watched(hosts ?? [], { started: false, rest, ...(dcs === undefined ? {} : { dcs }) })
let told = ''
watched.watcher.subscribe('test', ({ primary: { state, member, epoch }, dcs: { state: link }, members }) => {
  const fit = members.filter(({ replica }) => replica.fit).map(({ name }) => name)
  const text = JSON.stringify({ state, member, epoch, link, fit })
  if (text !== told) say({ event: 'view', state, member, epoch, link, fit, at: performance.now() })
  told = text
})
const taken: number[] = []
let taking: NodeJS.Timeout | undefined
const take = (): void => {
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch {
    // EMFILE, as it is meant to be.
  }
}
process.on('SIGUSR2', () => {
  take()
  // What the watcher itself gives back is taken too.
  taking = setInterval(take, 2)
  say({ event: 'exhausted' })
})
process.on('SIGHUP', () => {
  clearInterval(taking)
  for (const descriptor of taken.splice(0)) closeSync(descriptor)
  say({ event: 'released' })
})
watched.watcher.start()
