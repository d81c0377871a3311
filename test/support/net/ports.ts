import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { ListenOptions, Server } from 'node:net'

/**
 * Ports on which this test process may let servers listen, now and after a restart of theirs.
 *
 * They lie below the kernel's ephemeral range, so no outgoing connection takes one while its server is down, and each
 * is reserved until this process ends by an abstract Unix socket of its number, so no other test process picks it.
 */
export async function freePorts(count: number): Promise<number[]> {
  const end = firstEphemeralPort()
  const start = Math.max(end - 12_000, 1024)
  const ports: number[] = []
  for (let tries = 0; ports.length < count; tries++) {
    if (tries > 1_000) throw new Error(`no ${count} free ports between ${start} and ${end}`)
    const port = start + Math.floor(Math.random() * (end - start))
    const reservation = await listening({ path: `\0patroni-router-test-port-${port}` })
    if (reservation === null) continue
    const probe = await listening({ port, host: '0.0.0.0', exclusive: true })
    if (probe === null) {
      reservation.close()
      continue
    }
    await new Promise((resolve) => probe.close(resolve))
    reservation.unref()
    ports.push(port)
  }
  return ports
}

/** One port of {@link freePorts}. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  if (port === undefined) throw new Error('no free port')
  return port
}

function firstEphemeralPort(): number {
  const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/)
  const first = Number(range[0])
  // A range that starts this low leaves no room below it.
  return first > 14_000 ? first : 32_768
}

function listening(options: ListenOptions): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(null))
    server.listen(options, () => resolve(server))
  })
}

/** Whether somebody listens on a port of this machine, found out without a connection that the listener would see. */
export function listens(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const listening = new RegExp(`^\\s*\\d+: \\w+:${hex} \\w+:0000 0A `, 'm')
  return ['/proc/net/tcp', '/proc/net/tcp6'].some((table) => listening.test(readFileSync(table, 'utf8')))
}

/** Whether the server at `port` has closed a connection whose client has not yet (IPv4). */
export function isClosedByServer(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const CLOSE_WAIT = '08'
  return new RegExp(`:[0-9A-F]{4} [0-9A-F]{8}:${hex} ${CLOSE_WAIT} `).test(readFileSync('/proc/net/tcp', 'utf8'))
}
