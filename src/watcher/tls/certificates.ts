/** The certificate files of a TLS client, which are replaced while the router runs. */
import { X509Certificate } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { explain, RouterError } from '../../errors.ts'

/** Paths; null: there is none. Without `keyFile` the key is in `certFile`. */
export interface CertificateFiles {
  readonly caFile: string | null
  readonly certFile: string | null
  readonly keyFile: string | null
  /** Of the key, where it is encrypted. */
  readonly keyPassword?: string | null
  /** What is used instead of files, in PEM, where a configuration has it itself. */
  readonly inline?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer }
}

/** How the settings are called that name the files; empty: there is none. */
export interface CertificateSettings {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Those of the members' REST API. */
export const REST_SETTINGS: CertificateSettings = {
  ca: 'ctl.cacert',
  cert: 'ctl.certfile',
  key: 'ctl.keyfile',
}

export interface CertificateOptions {
  /** Whether the CAs of the system are trusted, as in Python, and not those of Node (some 100 ms once). */
  readonly systemTrust?: boolean
  /** For errors to name them. */
  readonly settings?: CertificateSettings
}

/** What the files hold, in PEM, checked to be of use together. */
export interface CertificateSet {
  readonly ca: Buffer | null
  readonly cert: Buffer | null
  readonly key: Buffer | null
  /** Made of them, for `tls.connect`. */
  readonly context: SecureContext
}

/**
 * Gives the files as they are now. While they are unusable (one is missing, truncated, or a certificate has been
 * replaced and its key not yet) their last good contents stay in use.
 */
export class Certificates {
  readonly #files: CertificateFiles
  readonly #options: CertificateOptions
  #last: CertificateSet | null = null
  #trouble: RouterError | null = null

  /** Reads nothing yet. The options are about what is trusted without a `caFile`, and about errors. */
  constructor(files: CertificateFiles, options: CertificateOptions = {}) {
    this.#files = files
    this.#options = options
  }

  /**
   * Reads the files; cheap enough for each connection and each check. Returns the same object as long as nothing has
   * changed: a different one means that connections should be made again. @throws RouterError `CONFIG_UNREADABLE` or
   * `CONFIG_INVALID`, naming the file, when they have never been usable.
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

  /** Returns why the last `read` gave what the files held earlier; null when it did not. */
  get trouble(): RouterError | null {
    return this.#trouble
  }

  #readFiles(last: CertificateSet | null): CertificateSet {
    const { caFile, certFile, keyFile, keyPassword, inline = {} } = this.#files
    const { settings } = this.#options
    const ca = inline.ca ?? readOne(caFile, settings?.ca)
    const cert = inline.cert ?? readOne(certFile, settings?.cert)
    const keyOfCert = (): Buffer | null => (keyFile === null ? cert : readOne(keyFile, settings?.key))
    const key = cert === null ? null : (inline.key ?? keyOfCert())
    if (last !== null && same(last.ca, ca) && same(last.cert, cert) && same(last.key, key)) return last
    // OpenSSL itself accepts an empty file of CAs as one without any CA, and stops in silence at a truncated one.
    if (ca !== null) checkCertificates(called(caFile, settings?.ca), ca)
    if (cert !== null) checkCertificates(called(certFile, settings?.cert), cert)
    try {
      const context = createSecureContext({
        ...(ca === null ? this.#defaultTrust() : { ca }),
        ...(cert === null || key === null ? {} : { cert, key }),
        ...(keyPassword === undefined || keyPassword === null ? {} : { passphrase: keyPassword }),
      })
      return { ca, cert, key, context }
    } catch (cause) {
      const named = [
        [caFile, settings?.ca, inline.ca],
        [certFile, settings?.cert, inline.cert],
        [keyFile, settings?.key, inline.key],
      ] as const
      const used = named.filter(([file, , pem]) => file !== null || pem !== undefined)
      const files = used.map(([file, setting]) => called(file, setting)).join(', ')
      const message = `the certificate files ${files} do not fit together: ${explain(cause)}`
      throw new RouterError('CONFIG_INVALID', message, { cause })
    }
  }

  #defaultTrust(): { ca?: string[] } {
    const system = this.#options.systemTrust === true ? getCACertificates('system') : []
    return system.length > 0 ? { ca: system } : {}
  }
}

/** Much more than all the CAs of a system. Bytes. */
const MAX_BYTES = 1024 * 1024

/** Waits for no writer of a pipe. */
function readOne(file: string | null, setting: string | undefined): Buffer | null {
  if (file === null) return null
  try {
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stats = fstatSync(descriptor)
      if (!stats.isFile()) throw new TypeError('it is not a file')
      if (stats.size > MAX_BYTES) throw new RangeError(`it is larger than ${MAX_BYTES} bytes`)
      return readFileSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    const message = `the certificate file ${called(file, setting)} cannot be read: ${explain(cause)}`
    throw new RouterError('CONFIG_UNREADABLE', message, { cause })
  }
}

function called(file: string | null, setting: string | undefined): string {
  if (file === null) return setting ?? 'of the configuration'
  return setting === undefined ? file : `${file} (${setting})`
}

function same(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b)
}

/** Checks the certificates of a file. @throws RouterError unless there is a certificate, and each is whole. */
function checkCertificates(file: string, pem: Buffer | null): void {
  const begin = /(?=-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----)/
  const blocks = (pem?.toString('latin1') ?? '').split(begin).filter((block) => begin.test(block))
  const wrong = (why: string, cause?: unknown): RouterError =>
    new RouterError('CONFIG_INVALID', `the certificate file ${file} is invalid: ${why}`, { cause })
  if (blocks.length === 0) throw wrong('it holds no certificate in PEM')
  for (const block of blocks) {
    try {
      new X509Certificate(block)
    } catch (cause) {
      throw wrong(`a certificate in it is not whole: ${explain(cause)}`, cause)
    }
  }
}
