/**
 * A session with one ZooKeeper server, shared by all that is read there: a server takes 60 connections of one address
 * (its `maxClientCnxns`). A session that ends is not resumed: a reader has nothing in it but its watches, and lists again.
 */
import { RouterError } from '../../../errors.ts'
import { dialKey } from '../dial.ts'
import { type Share, Sharing } from '../sharing.ts'
import { Link, type LinkListener, type LinkTarget, type Question } from './link.ts'
import { addWatchRequest, checkReply, WITHOUT_ADD_WATCH, ZooKeeperError } from './protocol.ts'

export class ZooKeeperClient {
  static readonly #all = new Sharing<ZooKeeperClient>((client) => client.#end())
  /** Servers without addWatch: those from before 3.6, which close the connection at such a request, and with WatchManagerOptimized. */
  static readonly #old = new Set<string>()
  readonly #target: LinkTarget
  readonly #listeners = new Set<LinkListener>()
  #link: Link | null = null
  #opening: Promise<Link> | null = null
  #isEnded = false

  private constructor(target: LinkTarget) {
    this.#target = target
  }

  /** Returns the one for a target and a purpose, until it is left. Connects with the first request. */
  static take(target: LinkTarget, purpose: string): Share<ZooKeeperClient> {
    const secrets = target.auth.flatMap(({ scheme, credential }) => [scheme, credential])
    return ZooKeeperClient.#all.take(dialKey(target, purpose, ...secrets), () => new ZooKeeperClient(target))
  }

  /** Adds a listener; returns a function that removes it. */
  listen(listener: LinkListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Watches a node and all below it for good. Resolves with whether that is so: a server without addWatch reports one change only, of
   * each node that was read with a watch.
   */
  async watchAll(path: string): Promise<boolean> {
    const link = await this.#open(path)
    if (ZooKeeperClient.#old.has(this.#target.endpoint)) return false
    await link.ask(addWatch(path))
    return true
  }

  /** Sends a request, as `Link.ask` does. Rejects without a session. */
  async ask<T>(path: string, question: Question<T>): Promise<T> {
    return (await this.#open(path)).ask(question)
  }

  #open(path: string): Promise<Link> {
    this.#opening ??= this.#connect(path)
    return this.#opening
  }

  async #connect(path: string): Promise<Link> {
    const link = new Link(this.#target, {
      onNotification: (notification) => {
        for (const { onNotification } of this.#listeners) onNotification(notification)
      },
      onEnd: (error) => {
        if (this.#link === link) for (const { onEnd } of [...this.#listeners]) onEnd(error)
      },
    })
    this.#link = link
    if (this.#isEnded) throw new RouterError('DCS_UNAVAILABLE', 'the connection is closed')
    await link.open()
    const { endpoint } = this.#target
    if (ZooKeeperClient.#old.has(endpoint)) return link
    try {
      await link.ask(addWatch(path))
      return link
    } catch (error) {
      if (!(error instanceof ZooKeeperError) || !WITHOUT_ADD_WATCH.includes(error.reason)) throw error
      ZooKeeperClient.#old.add(endpoint)
      link.close()
      return await this.#connect(path)
    }
  }

  #end(): void {
    this.#isEnded = true
    this.#link?.close()
  }
}

function addWatch(path: string): Question<void> {
  return { packet: (xid) => addWatchRequest(xid, path), take: (header) => checkReply(header, path) }
}
