import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { SYSTEM_ID } from '../../test/integration/watcher/fake-member.ts'
import type { WatchLog } from '../../test/support/watch-log.ts'
import { EtcdCluster } from '../../test/support/etcd/cluster.ts'
import { until } from '../../test/support/until.ts'
import type { FakeAddress, Roles } from './fake-members-main.ts'

const PREFIX = '/service/demo/'
const LEADER = `${PREFIX}leader`

/**
 * A real etcd with members that are played by one process: PostgreSQL with thousands of sessions would need more memory
 * and time than what is measured.
 */
export class FakeCluster implements AsyncDisposable {
  readonly members: readonly FakeAddress[]
  /** What a router needs to find it. */
  readonly config: Readonly<Record<string, unknown>>
  /** The same without a DCS. */
  readonly restConfig: Readonly<Record<string, unknown>>
  readonly #etcd: EtcdCluster
  readonly #watch: WatchLog
  readonly #process: ChildProcess
  readonly #stack: AsyncDisposableStack
  #timeline = 1

  private constructor(
    stack: AsyncDisposableStack,
    parts: { etcd: EtcdCluster; watch: WatchLog; process: ChildProcess; members: readonly FakeAddress[] },
  ) {
    this.#stack = stack
    this.#etcd = parts.etcd
    this.#watch = parts.watch
    this.#process = parts.process
    this.members = parts.members
    this.config = { scope: 'demo', etcd3: { hosts: parts.etcd.hosts, use_proxies: true } }
    this.restConfig = {
      scope: 'demo',
      rest: { urls: parts.members.map(({ restPort }) => `http://127.0.0.1:${restPort}`) },
    }
  }

  /** Starts it without a leader; on an error nothing is left. */
  static async start(count: number): Promise<FakeCluster> {
    await using stack = new AsyncDisposableStack()
    const etcd = stack.use(await EtcdCluster.start())
    const child = stack.adopt(fork(join(import.meta.dirname, 'fake-members-main.ts'), [String(count)]), end)
    const [members] = (await once(child, 'message')) as [readonly FakeAddress[]]
    for (const { name, key } of members) await etcd.client.put(`${PREFIX}members/${name}`, key)
    await etcd.client.put(`${PREFIX}initialize`, SYSTEM_ID)
    await etcd.client.put(`${PREFIX}config`, JSON.stringify({ ttl: 30, loop_wait: 10 }))
    const watch = stack.adopt(await etcd.client.watch(PREFIX), (log) => log.close())
    return new FakeCluster(stack.move(), { etcd, watch, process: child, members })
  }

  /** Names another leader, which is then promoted; returns when the event was there, in milliseconds since the epoch. */
  async lead(primary: number, answerMs = 0): Promise<number> {
    const revision = await this.#etcd.client.put(LEADER, this.member(primary).name)
    await this.#assign({ primary, timeline: ++this.#timeline, answerMs })
    const isIt = ({ modRevision }: { modRevision: number }): boolean => modRevision === revision
    return (await until('the event', () => this.#watch.find(isIt))).at
  }

  /** Takes the leader away: all are replicas. */
  async leaderless(): Promise<void> {
    await this.#assign({ primary: null, timeline: this.#timeline, answerMs: 0 })
    await this.#etcd.client.delete(LEADER)
  }

  member(index: number): FakeAddress {
    const member = this.members[index]
    if (member === undefined) throw new Error(`no member ${index}`)
    return member
  }

  /** Ends all processes and removes their files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }

  async #assign(roles: Roles): Promise<void> {
    const done = once(this.#process, 'message')
    this.#process.send(roles)
    await done
  }
}

function end(child: ChildProcess): void {
  child.kill('SIGKILL')
}
