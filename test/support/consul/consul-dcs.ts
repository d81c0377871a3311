import type { PatroniDcs, SectionOptions } from '../patroni/dcs.ts'
import type { WatchLog } from '../watch-log.ts'
import type { ConsulClient } from './client.ts'
import { ConsulServer, type ConsulSettings } from './server.ts'

/** Consul, the fake or the real one, as Patroni's section `consul` has it. */
export class ConsulDcs implements PatroniDcs {
  readonly name = 'consul'
  readonly server: ConsulServer

  private constructor(server: ConsulServer) {
    this.server = server
  }

  /** As {@link ConsulServer.start}. */
  static async start(settings: ConsulSettings = {}): Promise<ConsulDcs> {
    return new ConsulDcs(await ConsulServer.start(settings))
  }

  get servers(): readonly ConsulServer[] {
    return [this.server]
  }

  get client(): ConsulClient {
    return this.server.client
  }

  /** The password of a login is its token. */
  section({ ports, login }: SectionOptions = {}): Readonly<Record<string, unknown>> {
    const [port] = ports ?? []
    return this.server.section({
      ...(port === undefined ? {} : { host: `127.0.0.1:${port}` }),
      ...((login ?? null) === null ? {} : { token: login?.password ?? '' }),
    })
  }

  async get(key: string): Promise<string | null> {
    return (await this.client.get(key))?.value ?? null
  }

  async watch(prefix: string): Promise<WatchLog> {
    return this.client.watch(prefix)
  }

  async close(): Promise<void> {
    await this.server.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
