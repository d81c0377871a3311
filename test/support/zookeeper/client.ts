import { createHash } from 'node:crypto'
import { Lookups } from '../../../src/names/lookups.ts'
import { JuteWriter } from '../../../src/watcher/dcs/zookeeper-common/jute.ts'
import { type Credential, Link } from '../../../src/watcher/dcs/zookeeper-common/link.ts'
import {
  addWatchRequest,
  checkReply,
  NO_NODE,
  type Notification,
  OP,
  readChildren,
  readData,
  readRequest,
  type ReplyHeader,
  syncRequest,
  ZooKeeperError,
} from '../../../src/watcher/dcs/zookeeper-common/protocol.ts'
import { Certificates } from '../../../src/watcher/tls/certificates.ts'
import type { ClientTls } from '../etcd/client.ts'
import { WatchLog } from '../watch-log.ts'

/** Who may do what with a node. */
export interface Acl {
  readonly perms: number
  readonly scheme: 'world' | 'digest' | 'x509'
  readonly id: string
}

/** PATRONI_ROUTER_TEST_ZOOKEEPER is the path of the jar of one from before 3.6, without addWatch and without TLS. */
export const { PATRONI_ROUTER_TEST_ZOOKEEPER: OLD_JAR = '' } = process.env
/** Whether it has all that the ZooKeeper of Debian 12 has. */
export const IS_NEW = OLD_JAR === ''

const ALL = 31
export const OPEN: readonly Acl[] = [{ perms: ALL, scheme: 'world', id: 'anyone' }]

/** All rights for one user, with `user:password`. */
export function onlyFor(login: string): readonly Acl[] {
  const [user = ''] = login.split(':')
  return [{ perms: ALL, scheme: 'digest', id: `${user}:${createHash('sha1').update(login).digest('base64')}` }]
}

const CREATE = 1
const DELETE = 2
const SET_DATA = 5
const SET_ACL = 7
const EPHEMERAL = 1
const NODE_EXISTS = -110

export interface Znode {
  readonly value: string
  readonly modRevision: number
  readonly createRevision: number
}

/** A session with a ZooKeeper; it is made with the first use, and again when it has ended. */
export class ZooKeeperClient {
  readonly endpoint: string
  readonly #tls: ClientTls | null
  readonly #auth: readonly Credential[]
  readonly #onNotification: (notification: Notification) => void
  #link: Promise<Link> | null = null
  #over = Promise.withResolvers<undefined>()

  constructor(
    endpoint: string,
    {
      tls = null,
      auth = [],
      onNotification = () => undefined,
    }: {
      readonly tls?: ClientTls | null
      readonly auth?: readonly Credential[]
      readonly onNotification?: (notification: Notification) => void
    } = {},
  ) {
    this.endpoint = endpoint
    this.#tls = tls
    this.#auth = auth
    this.#onNotification = onNotification
  }

  /** The same server as somebody else, or in another session. */
  as(auth: readonly Credential[] = this.#auth): ZooKeeperClient {
    return new ZooKeeperClient(this.endpoint, { tls: this.#tls, auth })
  }

  async healthy(): Promise<boolean> {
    try {
      await this.#ask('/', (xid) => syncRequest(xid, '/'))
      return true
    } catch {
      return false
    }
  }

  async get(path: string): Promise<Znode | null> {
    await this.#ask(path, (xid) => syncRequest(xid, path))
    return (await this.#open()).ask({
      packet: (xid) => readRequest(xid, OP.getData, path, false),
      take: (header, reader) => {
        if (header.error === NO_NODE) return null
        checkReply(header, path)
        const { data, stat } = readData(reader)
        return { value: data.toString(), modRevision: stat.mzxid, createRevision: stat.czxid }
      },
    })
  }

  async children(path: string, watch = false): Promise<readonly string[]> {
    return (await this.#open()).ask({
      packet: (xid) => readRequest(xid, OP.getChildren2, path, watch),
      take: (header, reader) => {
        if (header.error === NO_NODE) return []
        checkReply(header, path)
        return readChildren(reader)
      },
    })
  }

  /** Makes a node, and those above it; whether there was none. */
  async create(
    path: string,
    value: string | Buffer,
    { ephemeral = false, acl = OPEN }: { readonly ephemeral?: boolean; readonly acl?: readonly Acl[] } = {},
  ): Promise<boolean> {
    const packet = (xid: number): Buffer => {
      const writer = new JuteWriter().int(xid).int(CREATE).text(path).buffer(Buffer.from(value))
      return withAcl(writer, acl)
        .int(ephemeral ? EPHEMERAL : 0)
        .packet()
    }
    try {
      await this.#ask(path, packet)
      return true
    } catch (error) {
      if (isError(error, NODE_EXISTS)) return false
      if (!isError(error, NO_NODE)) throw error
      await this.create(path.slice(0, path.lastIndexOf('/')), '', { acl })
      return this.create(path, value, { ephemeral, acl })
    }
  }

  /** Writes a node, which is made where there is none. */
  async put(path: string, value: string | Buffer): Promise<void> {
    const bytes = Buffer.from(value)
    const packet = (xid: number): Buffer =>
      new JuteWriter().int(xid).int(SET_DATA).text(path).buffer(bytes).int(-1).packet()
    try {
      await this.#ask(path, packet)
    } catch (error) {
      if (!isError(error, NO_NODE)) throw error
      if (!(await this.create(path, value))) await this.put(path, value)
    }
  }

  /** Deletes a node; whether there was one. */
  async delete(path: string): Promise<boolean> {
    try {
      await this.#ask(path, (xid) => new JuteWriter().int(xid).int(DELETE).text(path).int(-1).packet())
      return true
    } catch (error) {
      if (!isError(error, NO_NODE)) throw error
      return false
    }
  }

  /** Deletes a node and all below it, one after the other: in the reverse of their order by name. */
  async deleteAll(path: string): Promise<void> {
    const all: string[] = []
    const pending = [path]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      all.push(next)
      pending.push(...(await this.children(next)).map((name) => `${next}/${name}`))
    }
    for (const each of all.toSorted().toReversed()) await this.delete(each)
  }

  async setAcl(path: string, acl: readonly Acl[]): Promise<void> {
    await this.#ask(path, (xid) => withAcl(new JuteWriter().int(xid).int(SET_ACL).text(path), acl).int(-1).packet())
  }

  /** Has the changes of a node and of all below it told from now on; on a server without addWatch the next one of each. */
  async watchAll(path: string): Promise<void> {
    if (IS_NEW) {
      await this.#ask(path, (xid) => addWatchRequest(xid, path))
      return
    }
    const exists = (header: ReplyHeader): boolean => header.error !== NO_NODE
    const watched = { packet: (xid: number) => readRequest(xid, OP.exists, path, true), take: exists }
    if (!(await (await this.#open()).ask(watched))) return
    for (const name of await this.children(path, true)) await this.watchAll(`${path}/${name}`)
  }

  /** Records what happens to the nodes whose names begin with `prefix`. */
  watch(prefix: string): WatchLog {
    const top = prefix.replace(/\/$/, '')
    return new WatchLog(async (log, signal) => {
      let last = Promise.resolve()
      const ended = Promise.withResolvers<undefined>()
      const client = new ZooKeeperClient(this.endpoint, {
        tls: this.#tls,
        auth: this.#auth,
        onNotification: ({ type, path }) => {
          if (type === 'deleted') log.record({ type: 'delete', key: path, value: '', modRevision: 0 })
          if (type !== 'deleted' || !IS_NEW)
            last = last
              .then(async () => {
                if (!IS_NEW) await client.watchAll(path)
                const node = await client.get(path)
                if (node !== null)
                  log.record({ type: 'put', key: path, value: node.value, modRevision: node.modRevision })
              })
              .catch(() => undefined)
        },
      })
      const onAbort = (): void => ended.resolve(undefined)
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        await client.watchAll(top)
        log.accepted()
        void client.ended().then(onAbort)
        await ended.promise
        await last
      } finally {
        signal.removeEventListener('abort', onAbort)
        await client.close()
      }
    })
  }

  /** Resolves when the session has ended. */
  async ended(): Promise<void> {
    await this.#open()
    await this.#over.promise
  }

  /** Ends the session: its ephemeral nodes go at once. */
  async close(): Promise<void> {
    const link = await this.#link?.catch(() => null)
    link?.close()
    this.#link = null
  }

  async #ask(path: string, packet: (xid: number) => Buffer): Promise<void> {
    const link = await this.#open()
    await link.ask({ packet, take: (header) => checkReply(header, path) })
  }

  #open(): Promise<Link> {
    this.#link ??= this.#connect().catch((error: unknown) => {
      this.#link = null
      throw error
    })
    return this.#link
  }

  async #connect(): Promise<Link> {
    const tls = this.#tls
    const files = { caFile: tls?.ca ?? null, certFile: tls?.client?.cert ?? null, keyFile: tls?.client?.key ?? null }
    const certificates = tls === null ? null : new Certificates(files).read()
    this.#over = Promise.withResolvers<undefined>()
    const link = new Link(
      {
        endpoint: this.endpoint,
        certificates,
        verifies: true,
        anyName: true,
        lookups: new Lookups(),
        auth: this.#auth,
      },
      {
        onNotification: this.#onNotification,
        onEnd: () => {
          this.#link = null
          this.#over.resolve(undefined)
        },
      },
    )
    // A server that is just starting may take a connection and never answer.
    const late = setTimeout(() => link.close(), 1000)
    try {
      await link.open()
    } finally {
      clearTimeout(late)
    }
    return link
  }
}

function withAcl(writer: JuteWriter, acl: readonly Acl[]): JuteWriter {
  writer.int(acl.length)
  for (const { perms, scheme, id } of acl) writer.int(perms).text(scheme).text(id)
  return writer
}

function isError(error: unknown, reason: number): boolean {
  return error instanceof ZooKeeperError && error.reason === reason
}
