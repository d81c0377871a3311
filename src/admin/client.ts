import { connect } from 'node:net'
import { explain, failureOf, RouterError, type Failure } from '../errors.ts'
import type { GroupStatus, TemplatesStatus } from '../templates/status.ts'
import type { ClusterView, DcsView } from '../watcher/view.ts'
import { type ClusterStatus, type RouterStatus, STATUS_FORMAT } from './status.ts'

/** More than any answer has; it only keeps what is not a router from filling the memory. */
const MAX_ANSWER_LENGTH = 64 * 1024 * 1024

export interface AskOptions {
  /** For the whole answer. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * Runs one command of the router that listens on `socketPath` and returns its answer, without the empty line that ends
 * it. Rejects with ADMIN_UNAVAILABLE, whose message names the path and says what to do, or with the signal's reason.
 */
export async function ask(socketPath: string, command: string, { timeoutMs, signal }: AskOptions): Promise<string> {
  if (/[\r\n]/.test(command)) throw new RouterError('INTERNAL', 'a command of the admin socket is one line')
  signal.throwIfAborted()
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const socket = connect({ path: socketPath, signal: limit })
  try {
    socket.setEncoding('utf8')
    socket.write(`${command}\n`)
    let answer = ''
    for await (const chunk of socket) {
      answer += chunk as string
      if (answer.length > MAX_ANSWER_LENGTH) throw unavailable(socketPath, 'the answer does not end')
    }
    if (answer === '') throw unavailable(socketPath, 'the connection was closed without an answer: too many clients?')
    return answer.endsWith('\n') ? answer.slice(0, -1) : answer
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof RouterError) throw error
    const late = `no answer within ${timeoutMs / 1000} s`
    const reason = limit.aborted ? late : (ADVICE[failureOf(error)] ?? explain(error))
    throw unavailable(socketPath, reason, error)
  } finally {
    socket.destroy()
  }
}

/** What the router that listens on `socketPath` says of itself, and the text it said it in. Rejects as `ask` does. */
export async function askStatus(
  socketPath: string,
  options: AskOptions,
): Promise<{ readonly status: RouterStatus; readonly json: string }> {
  const json = await ask(socketPath, 'show status json', options)
  const message = `what answers on ${socketPath} is no patroni-router of this version`
  const other = new RouterError('ADMIN_UNAVAILABLE', message)
  try {
    const value = JSON.parse(json) as Older | null
    if (value?.format === STATUS_FORMAT) return { status: completed(value), json }
  } catch (error) {
    other.cause = error
  }
  throw other
}

type NewerOfView = 'name' | keyof typeof NEWER_VIEW
type Newer = 'templates' | 'track' | 'stopping'
type OlderGroup = Omit<GroupStatus, 'clusters'> & Partial<GroupStatus>
type Older = Omit<RouterStatus, Newer | 'clusters'> &
  Partial<Pick<RouterStatus, 'track' | 'stopping'>> & {
    readonly clusters: readonly {
      readonly view: Omit<ClusterView, NewerOfView | 'dcs'> &
        Partial<Pick<ClusterView, NewerOfView>> & { readonly dcs: Omit<DcsView, 'notices'> & Partial<DcsView> }
      readonly proxy: ClusterStatus['proxy']
      readonly localMember?: string | null
    }[]
    readonly templates?: (Omit<TemplatesStatus, 'groups'> & { readonly groups: readonly OlderGroup[] }) | null
  }

/** What a router says that was started before there were templates, track files and names of clusters. */
function completed({ templates = null, track = [], stopping = false, ...value }: Older): RouterStatus {
  const clusters = value.clusters.map(({ view, proxy, localMember = null }) => {
    const dcs = { ...view.dcs, notices: view.dcs.notices ?? [] }
    return { view: { ...NEWER_VIEW, ...view, name: view.name ?? view.scope, dcs }, proxy, localMember }
  })
  const names = clusters.map(({ view }) => view.name)
  const groups = templates?.groups.map((group) => ({ ...group, clusters: group.clusters ?? names }))
  return { ...value, clusters, track, stopping, templates: templates && { ...templates, groups: groups ?? [] } }
}

const NEWER_VIEW = { quorum: false, ttlMs: null, switchover: null, setBack: null }

const ADVICE: Partial<Record<Failure, string>> = {
  missing: 'there is no such socket (is the router running, and is this its socket? see --socket)',
  refused: 'nobody listens there any more (is the router running?)',
  denied: 'permission denied (ask as root, or as the user that the router runs as)',
}

function unavailable(path: string, reason: string, cause?: unknown): RouterError {
  return new RouterError('ADMIN_UNAVAILABLE', `no router answers on ${path}: ${reason}`, { cause })
}
