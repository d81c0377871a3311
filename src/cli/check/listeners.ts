/** `check`: whether the addresses to listen on could be listened on now. What a running router holds is left alone. */
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { lstat, realpath } from 'node:fs/promises'
import { connect, createServer, isIP } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '../../admin/client.ts'
import type { StatusJson } from '../../admin/status/schema.ts'
import type { Bind, Config, TcpBind } from '../../config/config.ts'
import { formatBind, includes, overlap, parseBind } from '../../config/proxy/binds.ts'
import { explain, failureOf } from '../../errors.ts'
import { isOwn } from '../../watcher/members/local-member.ts'
import { ownAddresses } from '../../watcher/members/local-host.ts'
import { type Findings, unusable } from './files.ts'

/** How an address is tried. */
export interface Trying {
  /** Listens and closes again; rejects with the reason why that cannot be done. */
  readonly listen: (host: string, port: number) => Promise<void>
  /** Whether a process listens on a Unix socket; rejects where that cannot be seen. */
  readonly knock: (path: string) => Promise<boolean>
  /** What the router that runs listens on; null: none answers. */
  readonly running: (socket: string) => Promise<Held>
}

/** `denied`: this user may not ask. */
type Held = readonly string[] | 'denied' | null

const TRYING: Trying = { listen, knock, running }

/**
 * Tries each address. Problems that may be gone when the router starts, or with another user, are warnings. `socket`: of the
 * router that runs.
 */
export async function checkListeners(
  config: Config,
  trying: Trying = TRYING,
  socket = config.admin.socket.path,
): Promise<Findings> {
  const all = config.clusters.flatMap(({ proxy }) => proxy.listeners)
  const held = await trying.running(socket)
  const found: Findings[] = [await checkAdminSocket(config.admin, held, trying)]
  const before: Taken[] = []
  // One after the other: two of them may have a port in common.
  for (const { name, binds } of all)
    for (const bind of binds) {
      const say = (text: string): string => `proxy.listeners.${name}.bind: ${text}`
      const what = `the listener ${name}`
      const { problems, warnings, passing = [], notes = [] } = await checkBind(bind, what, before, held, trying)
      found.push({
        problems: problems.map(say),
        warnings: warnings.map(say),
        passing: passing.map(say),
        notes: notes.map(say),
      })
    }
  for (const bind of config.admin.http.binds)
    found.push(ofHttp(config.admin.http, await checkBind(bind, 'admin.bind', before, held, trying)))
  return {
    problems: found.flatMap(({ problems }) => problems),
    warnings: found.flatMap(({ warnings }) => warnings),
    passing: found.flatMap(({ passing = [] }) => passing),
    notes: found.flatMap(({ notes = [] }) => notes),
  }
}

/** Checks the path of the admin socket, not its directory. A default socket that cannot be opened prevents no start. */
async function checkAdminSocket({ socket }: Config['admin'], held: Held, trying: Trying): Promise<Findings> {
  const { path, isDefault } = socket
  if ((await unusable(dirname(path))) !== null) return { problems: [], warnings: [] }
  const found = await inTheWay(path, held !== null, trying)
  const say = (texts: readonly string[] = []): string[] => texts.map((text) => `admin.socket: ${text}`)
  const [problems, passing] = [say(found.problems), say(found.passing)]
  return isDefault ? { problems: [], warnings: [...problems, ...passing] } : { problems, warnings: [], passing }
}

/** Says of which key that is. A default address that cannot be bound prevents no start. */
function ofHttp({ isDefault }: Config['admin']['http'], found: Findings): Findings {
  const say = (texts: readonly string[] = []): string[] => texts.map((text) => `admin.bind: ${text}`)
  const [problems, warnings, passing] = [say(found.problems), say(found.warnings), say(found.passing)]
  const notes = say(found.notes)
  const harmless = [...problems, ...passing].map((text) => `${text}: HTTP is off then`)
  if (isDefault) return { problems: [], warnings: [...warnings, ...harmless], notes }
  return { problems, warnings, passing, notes }
}

/** What a listener before takes, by its addresses and no longer by names. */
interface Taken {
  readonly bind: Bind
  readonly what: string
}

async function checkBind(bind: Bind, what: string, before: Taken[], held: Held, trying: Trying): Promise<Findings> {
  const where = formatBind(bind)
  const own = held === 'denied' ? [] : (held ?? []).flatMap(bindsOf)
  const found = (changes: Partial<Findings>): Findings => ({ problems: [], warnings: [], ...changes })
  const twin = (plain: Bind): Taken | undefined => {
    const other = before.find((taken) => overlap(taken.bind, plain))
    if (other === undefined) before.push({ bind: plain, what: `${what} ("${where}")` })
    return other
  }
  if (bind.kind === 'unix') {
    const other = twin({ kind: 'unix', path: await realSocket(bind.path) })
    if (other !== undefined) return found({ problems: [`${where}: is taken by ${other.what}`] })
    const isHeld = own.some((each) => includes(each, bind))
    return found(await checkSocket(bind.path, isHeld, trying))
  }
  let address = bind.host
  try {
    if (address !== null && isIP(address) === 0) ({ address } = await lookup(address))
  } catch (error) {
    const why = failureOf(error) === 'unresolved' ? 'the name does not resolve' : explain(error)
    return found({ problems: [`${bind.host ?? ''}: ${why}`] })
  }
  const tried = { ...bind, host: address }
  const other = twin(tried)
  if (other !== undefined) return found({ problems: [`${where}: is taken by ${other.what}`] })
  if (own.some((each) => includes(each, tried))) return found({ notes: [`${where}: held by the router that runs`] })
  const part = own.find((each) => overlap(each, tried))
  if (part !== undefined) {
    const why = `the router that runs holds ${formatBind(part)} of it, so the rest cannot be tried now`
    return found({ warnings: [`${where}: ${why}`] })
  }
  if (address !== null && !isOwn(address, ownAddresses()))
    return found({ warnings: [`${bind.host ?? ''}: not an address of this machine now`] })
  try {
    await tryTcp(tried, trying)
    return found({})
  } catch (error) {
    const failure = failureOf(error)
    if (failure === 'in-use' && held === 'denied')
      return found({
        warnings: [`${where}: in use, perhaps by the router that runs, whose admin socket this user may not open`],
      })
    if (failure === 'in-use') return found({ passing: [`${where}: the port is in use by another process`] })
    if (failure === 'denied')
      return found({
        warnings: [
          `${where}: this user may not listen on a port below 1024; a service needs AmbientCapabilities=CAP_NET_BIND_SERVICE`,
        ],
      })
    return found({ warnings: [`${where}: cannot be tried: ${explain(error)}`] })
  }
}

/** Returns the addresses; none for the status of another version. */
function bindsOf(address: string): readonly Bind[] {
  const parsed = parseBind(address)
  return parsed.ok ? [parsed.value] : []
}

/** Binds as the router does: every address is one of IPv6 that takes IPv4 too, where there is IPv6. */
async function tryTcp({ host, port }: TcpBind, { listen }: Trying): Promise<void> {
  if (port === 0) return
  await listen(host ?? '::', port).catch(async (error: unknown) => {
    if (host !== null || failureOf(error) === 'in-use' || failureOf(error) === 'denied') throw error
    await listen('0.0.0.0', port)
  })
}

/** Returns the path without links; a missing directory has one name. */
async function realSocket(path: string): Promise<string> {
  return join(await realpath(dirname(path)).catch(() => dirname(path)), basename(path))
}

async function checkSocket(path: string, isHeld: boolean, trying: Trying): Promise<Partial<Findings>> {
  const why = await unusable(dirname(path))
  return why === null ? inTheWay(path, isHeld, trying) : { problems: [`${path}: its directory: ${why}`] }
}

/** Finds what is already at the path of a Unix socket. */
async function inTheWay(path: string, isHeld: boolean, { knock }: Trying): Promise<Partial<Findings>> {
  try {
    if (!(await lstat(path)).isSocket()) return { problems: [`${path}: is there and is not a socket`] }
    // A socket without a listener was left by an earlier run: it is replaced.
    return isHeld || !(await knock(path)) ? {} : { passing: [`${path}: another process listens there`] }
  } catch (error) {
    return failureOf(error) === 'missing' ? {} : { problems: [`${path}: ${explain(error)}`] }
  }
}

/** Listens for a moment, with retries: another check may try the same address at the same time. */
async function listen(host: string, port: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await listenOnce(host, port)
      return
    } catch (error) {
      if (failureOf(error) !== 'in-use' || attempt === ATTEMPTS) throw error
      await sleep(PAUSE_MS)
    }
  }
}

const ATTEMPTS = 3
/** Milliseconds. */
const PAUSE_MS = 100

async function listenOnce(host: string, port: number): Promise<void> {
  const server = createServer((socket) => socket.destroy())
  server.listen({ host, port, exclusive: true })
  // Rejects with the error, and then there is nothing to close.
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
}

async function knock(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    if (failureOf(error) === 'refused' || failureOf(error) === 'missing') return false
    throw error
  } finally {
    socket.destroy()
  }
}

/** For its answer. Milliseconds. */
const TIMEOUT_MS = 1000

async function running(socket: string): Promise<Held> {
  try {
    const options = { timeoutMs: TIMEOUT_MS, signal: new AbortController().signal }
    const status = JSON.parse(await ask(socket, 'show status json', options)) as Omit<StatusJson, 'http'> &
      Partial<Pick<StatusJson, 'http'>>
    // An older router has no HTTP.
    const { clusters, http = null } = status
    const own = clusters.flatMap(({ proxy }) => proxy?.listeners.flatMap(({ address }) => address.split(', ')) ?? [])
    return [...own, ...(http?.addresses ?? [])]
  } catch (error) {
    // None runs, or it hangs: an address in use belongs to another process then.
    return failureOf(error) === 'denied' ? 'denied' : null
  }
}
