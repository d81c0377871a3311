/** Replaced certificates of a session that goes on meanwhile. */
import assert from 'node:assert/strict'
import { createSecureContext } from 'node:tls'
import { describe, test } from 'node:test'
import { RouterError } from '../../../src/errors.ts'
import { awaitSuccessor } from '../../../src/watcher/dcs/certificate-rollover.ts'
import type { SessionConnection } from '../../../src/watcher/dcs/sessions.ts'
import { CertificateLog } from '../../../src/watcher/tls/certificate-log.ts'
import type { CertificateSet } from '../../../src/watcher/tls/certificates.ts'

const context = createSecureContext()

function set(): CertificateSet {
  return { ca: null, cert: null, key: null, context }
}

class Connection implements SessionConnection {
  readonly endpoint = '10.0.0.1:1'
  readonly certificates: CertificateSet
  readonly #closing = new AbortController()

  constructor(certificates: CertificateSet) {
    this.certificates = certificates
  }

  get closed(): AbortSignal {
    return this.#closing.signal
  }

  async explain(): Promise<string> {
    return Promise.resolve('it was explained')
  }

  close(): void {
    this.#closing.abort()
  }
}

/** Waits for the successor of a connection while the files become `sets`, one after the other. */
async function successorOf(
  connection: Connection,
  sets: readonly CertificateSet[],
  connect: (tries: number) => Connection,
  read: () => Promise<unknown> = async () => Promise.resolve(),
): Promise<{ readonly successor: Connection | null; readonly lines: readonly string[] }> {
  const lines: string[] = []
  const tell = (_fields: object, message: string): void => void lines.push(message)
  const left = [...sets]
  let tries = 0
  const successor = await awaitSuccessor(connection, {
    certificates: { read: () => (left.length > 1 ? left.shift() : left[0]) ?? connection.certificates, trouble: null },
    news: new CertificateLog('Kubernetes', { debug: tell, info: tell, warn: tell, error: tell }),
    ...{ intervalMs: 1, read },
    connect: () => connect(tries++),
  })
  return { successor, lines }
}

describe('a successor with replaced certificates', () => {
  test('is there once it has been read', async () => {
    const next = new Connection(set())
    const { successor, lines } = await successorOf(new Connection(set()), [next.certificates], () => next)
    assert.equal(successor, next)
    assert.deepEqual([next.closed.aborted, lines], [false, []])
  })

  test('that cannot be connected ends nothing, is reported, and comes with the next files', async () => {
    const next = new Connection(set())
    const { successor, lines } = await successorOf(new Connection(set()), [set(), next.certificates], (tries) => {
      if (tries === 0) throw new RouterError('CONFIG_UNREADABLE', 'the kubeconfig /k cannot be read')
      return next
    })
    assert.equal(successor, next)
    assert.match(lines.join(), /as they are now it cannot be read: the kubeconfig \/k cannot be read/)
  })

  test('that cannot be connected leaves nothing behind when the session ends', async () => {
    const connection = new Connection(set())
    const { successor } = await successorOf(connection, [set()], () => {
      connection.close()
      throw new RouterError('CONFIG_UNREADABLE', 'x')
    })
    assert.equal(successor, null)
  })

  test('that cannot be read is closed and explained', async () => {
    const [connection, next] = [new Connection(set()), new Connection(set())]
    const read = async (): Promise<never> => {
      setTimeout(() => connection.close(), 1)
      return Promise.reject(new Error('x'))
    }
    const { successor, lines } = await successorOf(connection, [next.certificates], () => next, read)
    assert.equal(successor, null)
    assert.equal(next.closed.aborted, true)
    assert.match(lines.join(), /it cannot be read: it was explained/)
  })
})
