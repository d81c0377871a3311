import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Paths of a certificate and its key, both PEM. */
export interface CertificatePair {
  readonly cert: string
  readonly key: string
}

export interface CertificateOptions {
  /** The common name: to etcd, the user. */
  readonly commonName?: string
  /** Names and addresses it stands for; none: not a server's. */
  readonly hosts?: readonly string[]
  readonly days?: number
}

/** A certificate authority in a directory; what it issues lies next to it. Made with openssl. */
export class CertificateAuthority {
  /** The CA's own certificate. */
  readonly cert: string
  readonly #dir: string
  readonly #name: string

  private constructor(dir: string, name: string) {
    this.#dir = dir
    this.#name = name
    this.cert = join(dir, `${name}.crt`)
  }

  /** @param dir such as the path of a TempDir. @param name of its files; two of one directory differ by it. */
  static create(dir: string, name = 'ca'): CertificateAuthority {
    const authority = new CertificateAuthority(dir, name)
    const subject = ['-subj', `/CN=patroni-router test ${name}`, '-days', '30']
    openssl(dir, ['req', '-x509', ...NEW_KEY, '-keyout', `${name}.key`, '-out', `${name}.crt`, ...subject])
    return authority
  }

  /** A certificate for a server on this machine; it may also act as a client, as etcd's gateway needs. */
  server(name = 'server', options: CertificateOptions = {}): CertificatePair {
    return this.#issue(name, { hosts: ['localhost', '127.0.0.1', '::1'], ...options })
  }

  client(name = 'client', options: CertificateOptions = {}): CertificatePair {
    return this.#issue(name, { commonName: name, ...options })
  }

  #issue(name: string, { commonName = '', hosts = [], days = 30 }: CertificateOptions): CertificatePair {
    const names = hosts.map((host) => (/^[\d.]+$|:/.test(host) ? `IP:${host}` : `DNS:${host}`))
    const extensions = [
      `extendedKeyUsage=clientAuth${names.length > 0 ? ',serverAuth' : ''}`,
      ...(names.length > 0 ? [`subjectAltName=${names.join(',')}`] : []),
    ]
    writeFileSync(join(this.#dir, `${name}.ext`), extensions.join('\n'))
    const subject = commonName === '' ? '/O=patroni-router test' : `/CN=${commonName}`
    openssl(this.#dir, ['req', '-new', ...NEW_KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject])
    const signer = ['-CA', `${this.#name}.crt`, '-CAkey', `${this.#name}.key`, '-CAcreateserial']
    const validity = ['-days', String(days), '-extfile', `${name}.ext`]
    openssl(this.#dir, ['x509', '-req', '-in', `${name}.csr`, ...signer, ...validity, '-out', `${name}.crt`])
    const key = join(this.#dir, `${name}.key`)
    // Whoever runs the server, or Patroni, may read it.
    chmodSync(key, 0o644)
    return { cert: join(this.#dir, `${name}.crt`), key }
  }
}

/** Puts the contents of one file in the place of another, at once, as those who replace certificates should. */
export function replaceFile(target: string, source: string): void {
  copyFileSync(source, `${target}.new`)
  renameSync(`${target}.new`, target)
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

function openssl(cwd: string, args: readonly string[]): void {
  execFileSync('openssl', args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
}
