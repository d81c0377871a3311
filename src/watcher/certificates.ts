/** The certificate files of a TLS client, which are replaced while the router runs. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { explain, RouterError } from '../errors.ts'

/** Paths; null: there is none. Without `keyFile` the key is in `certFile`. */
export interface CertificateFiles {
  readonly caFile: string | null
  readonly certFile: string | null
  readonly keyFile: string | null
  /** Of the key, where it is encrypted. */
  readonly keyPassword?: string | null
}

/** What the files hold, in PEM, checked to be of use together. */
export interface CertificateSet {
  readonly ca: Buffer | null
  readonly cert: Buffer | null
  readonly key: Buffer | null
  /** Made of them, for `tls.connect` and undici. */
  readonly context: SecureContext
}

/**
 * Gives the files as they are now. While they are of no use (one is missing, cut off, or a certificate has been
 * replaced and its key not yet) what they last held goes on to count.
 */
export class Certificates {
  readonly #files: CertificateFiles
  readonly #systemTrust: boolean
  #last: CertificateSet | null = null
  #trouble: RouterError | null = null

  /**
   * Reads nothing yet. Without a `caFile` those are trusted whom Node trusts or, with `systemTrust`, whom the system
   * does, as Python has it (that costs some 100 ms once).
   */
  constructor(files: CertificateFiles, { systemTrust = false }: { readonly systemTrust?: boolean } = {}) {
    this.#files = files
    this.#systemTrust = systemTrust
  }

  /**
   * Reads the files; cheap enough for each connection and each check. The same object as before as long as nothing has
   * changed: another one means that connections should be made anew.
   * @throws RouterError `CONFIG_UNREADABLE` or `CONFIG_INVALID`, naming the file, when they have never been of use.
   */
  read(): CertificateSet {
    try {
      this.#last = this.#readFiles(this.#last)
      this.#trouble = null
      return this.#last
    } catch (error) {
      if (!(error instanceof RouterError) || this.#last === null) throw error
      this.#trouble = error
      return this.#last
    }
  }

  /** Why the last `read` gave what the files held earlier; null when it did not. */
  get trouble(): RouterError | null {
    return this.#trouble
  }

  #readFiles(last: CertificateSet | null): CertificateSet {
    const { caFile, certFile, keyFile, keyPassword } = this.#files
    const ca = readOne(caFile)
    const cert = readOne(certFile)
    const key = certFile === null ? null : readOne(keyFile ?? certFile)
    if (last !== null && same(last.ca, ca) && same(last.cert, cert) && same(last.key, key)) return last
    // OpenSSL itself takes an empty file of CAs for one that trusts nobody, and stops in silence at a cut-off one.
    if (caFile !== null) checkCertificates(caFile, ca)
    if (certFile !== null) checkCertificates(certFile, cert)
    try {
      const context = createSecureContext({
        ...(ca === null ? this.#defaultTrust() : { ca }),
        ...(cert === null || key === null ? {} : { cert, key }),
        ...(keyPassword === undefined || keyPassword === null ? {} : { passphrase: keyPassword }),
      })
      return { ca, cert, key, context }
    } catch (cause) {
      const files = [...new Set([caFile, certFile, keyFile])].filter((file) => file !== null).join(', ')
      const message = `the certificate files ${files} are of no use together: ${explain(cause)}`
      throw new RouterError('CONFIG_INVALID', message, { cause })
    }
  }

  #defaultTrust(): { ca?: string[] } {
    const system = this.#systemTrust ? getCACertificates('system') : []
    return system.length > 0 ? { ca: system } : {}
  }
}

function readOne(file: string | null): Buffer | null {
  if (file === null) return null
  try {
    return readFileSync(file)
  } catch (cause) {
    const message = `the certificate file ${file} cannot be read: ${explain(cause)}`
    throw new RouterError('CONFIG_UNREADABLE', message, { cause })
  }
}

function same(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b)
}

/** @throws RouterError unless there is a certificate, and each is whole. */
function checkCertificates(file: string, pem: Buffer | null): void {
  const begin = /(?=-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----)/
  const blocks = (pem?.toString('latin1') ?? '').split(begin).filter((block) => begin.test(block))
  const wrong = (why: string, cause?: unknown): RouterError =>
    new RouterError('CONFIG_INVALID', `the certificate file ${file} is of no use: ${why}`, { cause })
  if (blocks.length === 0) throw wrong('it holds no certificate in PEM')
  for (const block of blocks) {
    try {
      new X509Certificate(block)
    } catch (cause) {
      throw wrong(`a certificate in it is not whole: ${explain(cause)}`, cause)
    }
  }
}
