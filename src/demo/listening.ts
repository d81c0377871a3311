/** A TCP server on this machine only, that comes back on the port that it had. */
import { once } from 'node:events'
import type { Server } from 'node:net'
import { explain, failureOf, RouterError } from '../errors.ts'

export const HOST = '127.0.0.1'

/** How many ports are tried from the wished one on. */
const TRIES = 100

/** Listens on `wished`, or on the next port that is free; returns which. Rejects with BIND_FAILED. */
export async function listenNear(server: Server, wished: number): Promise<number> {
  for (let port = wished; port < wished + TRIES; port++) {
    try {
      return await listenOn(server, port)
    } catch (cause) {
      if (failureOf(cause) !== 'in-use')
        throw new RouterError('BIND_FAILED', `the demo cannot listen on ${HOST}:${port}: ${explain(cause)}`, { cause })
    }
  }
  throw new RouterError('BIND_FAILED', `the demo finds no free port from ${wished} to ${wished + TRIES - 1} on ${HOST}`)
}

/** Listens on `port` (0: any); returns which. Rejects with Node's own error. */
async function listenOn(server: Server, port: number): Promise<number> {
  server.listen({ port, host: HOST, exclusive: true })
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

/** Stops listening; resolves when all of its connections have ended as well. Harmless when it does not listen. */
export function unlisten(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
