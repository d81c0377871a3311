/**
 * The thread that runs PGlite: PostgreSQL in WebAssembly occupies its thread while a statement runs, and the router, the
 * health checks and the keys must continue meanwhile.
 */
import { parentPort } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { explain } from '../../errors.ts'

const port = parentPort
if (port === null) throw new Error('this module is the inside of a worker thread')

const database = await PGlite.create()
port.postMessage('ready')
port.on('message', (message: Uint8Array) => {
  database.execProtocolRaw(message, { syncToFs: false }).then(
    // Copied: it may be a view of the memory of WebAssembly.
    (answer) => port.postMessage(Uint8Array.from(answer)),
    // It does not reject at an error of SQL: PostgreSQL itself has ended.
    (error: unknown) => port.postMessage({ failed: explain(error) }),
  )
})
