/** Listening on a TCP address. */
import { once } from 'node:events'
import type { Server } from 'node:net'
import { explain, failureOf, isWithoutIpv6, RouterError } from './errors.ts'

export interface TcpListenOptions {
  /** null: every address, of IPv6 and IPv4. */
  readonly host: string | null
  readonly port: number
  /** How an error begins: `listener primary cannot bind [::]:5000`. */
  readonly failure: string
  readonly backlog?: number
}

/** Listens; rejects with BIND_FAILED. */
export async function listenOnTcp(server: Server, options: TcpListenOptions): Promise<void> {
  const { host, port, failure, backlog } = options
  const listen = async (address: string): Promise<void> => {
    server.listen({ host: address, port, ...(backlog === undefined ? {} : { backlog }) })
    await once(server, 'listening')
  }
  try {
    await listen(host ?? '::').catch(async (error: unknown) => {
      // A machine without IPv6: every address is then every IPv4 address.
      if (host !== null || !isWithoutIpv6(error)) throw error
      await listen('0.0.0.0')
    })
  } catch (cause) {
    const reason = failureOf(cause) === 'in-use' ? 'the port is in use by another process' : explain(cause)
    throw new RouterError('BIND_FAILED', `${failure}: ${reason}`, { cause })
  }
}
