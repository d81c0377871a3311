/**
 * Node's HTTP. It is required and not imported: an `import` looks at every export, and with that of `WebSocket` Node loads
 * its undici, which is 10 MiB.
 */
import type http from 'node:http'
import type https from 'node:https'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

export function nodeHttp(): typeof http {
  return require('node:http') as typeof http
}

export function nodeHttps(): typeof https {
  return require('node:https') as typeof https
}
