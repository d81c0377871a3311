/**
 * The variables that Patroni's client library of Consul reads (consul/base.py of python-consul 0.7.1 and 1.1.0, and of
 * py-consul, where `Consul.__init__` gets what is written in the section). They go over the section, but for py-consul
 * 1.6.1 and later, where they count only for what is not written. A value that one of the two takes for true and the
 * other for false is an error. No message shows a value. Pure.
 */
import { foreignKey } from '../../../config/dcs/kind.ts'
import type { Fault } from '../../../config/file/problem.ts'
import { parseEndpoint, parseUrl } from '../address.ts'
import { isSet, type Section } from '../section-values.ts'

export const ADDR = 'CONSUL_HTTP_ADDR'
export const SSL = 'CONSUL_HTTP_SSL'
const SSL_VERIFY = 'CONSUL_HTTP_SSL_VERIFY'
export const TOKEN = 'CONSUL_HTTP_TOKEN'
/** Patroni does not have this variable, but those of the other keys. */
const SCHEME = 'PATRONI_CONSUL_SCHEME'

/** All that count besides those of Patroni's section. */
export const VARIABLES: readonly string[] = [ADDR, SSL, SSL_VERIFY, TOKEN, SCHEME]

const NAME = 'consul'
const WORDS = { port: 8500, cutOff: '', login: '', several: null }

/** Where Consul is, and how it is reached, as far as anything says it. */
export interface Place {
  /** `host:port`; null: nothing says it. */
  readonly endpoint: string | null
  readonly protocol: 'http' | 'https' | null
}

export class ConsulEnvironment {
  readonly faults: Fault[] = []
  readonly warnings: Fault[] = []
  /** The variables that count for the address, the scheme or the token. */
  readonly counting: string[] = []
  readonly #section: Section

  constructor(section: Section) {
    this.#section = section
    if (isSet(this.#read(SCHEME)))
      this.#report(this.warnings, SCHEME, 'not used: Patroni does not read it; set consul.scheme or PATRONI_CONSUL_URL')
  }

  /** Returns where Consul is. `written`: what the section says of it, and in which key. */
  place(written: Place & { readonly key: string }): Place {
    const { endpoint, protocol } = this.#address(written)
    return { endpoint, protocol: this.#protocol(protocol) }
  }

  /** Returns whether certificates are verified, of a connection with TLS and without a CA file. */
  verify(written: boolean | null): boolean {
    const value = this.#read(SSL_VERIFY)
    if (value === null) return written ?? true
    if (value === 'true' || value === 'false') {
      const isVerified = value === 'true'
      if (written !== null && written !== isVerified) this.#overrides(SSL_VERIFY, 'verify')
      return isVerified
    }
    if (written ?? (value === '' || value.toLowerCase() === 'true')) this.#report(this.faults, SSL_VERIFY, NEITHER)
    return false
  }

  /** Returns the token, as patronictl has it: Patroni itself goes back to that of the section as soon as it has started. */
  token(written: string | null): string | null {
    const value = this.#read(TOKEN)
    if (value === null || value === '') return written
    if (written !== null && written !== value) this.#overrides(TOKEN, 'token')
    this.counting.push(TOKEN)
    return value
  }

  /** Reports that the token of the environment cannot be sent. */
  refuseToken(message: string): boolean {
    const isMine = isSet(this.#read(TOKEN))
    if (isMine) this.#report(this.faults, TOKEN, message)
    return isMine
  }

  #address({ endpoint, protocol, key }: Place & { readonly key: string }): Place {
    const value = this.#read(ADDR) ?? ''
    if (value === '') return { endpoint, protocol }
    const isPlain = /^[^:/]+:\d+$/.test(value.trim())
    const parsed = value.includes('//') ? parseUrl(value, WORDS) : parseEndpoint(value, WORDS)
    if (isPlain && parsed.ok) {
      if (endpoint !== null && endpoint !== parsed.value.endpoint) this.#overrides(ADDR, key)
      this.counting.push(ADDR)
      return { endpoint: parsed.value.endpoint, protocol }
    }
    // Only the newer library understands these, and takes the section first.
    if (endpoint !== null) {
      this.#report(this.warnings, ADDR, `not used: it is not like 10.0.0.1:8500, and consul.${key} is set`)
      return { endpoint, protocol }
    }
    if (parsed.ok && /:\d+\/*$/.test(value.trim())) {
      this.counting.push(ADDR)
      return { endpoint: parsed.value.endpoint, protocol: parsed.value.scheme ?? protocol }
    }
    this.#report(this.faults, ADDR, 'must be an address with a port, like 10.0.0.1:8500')
    return { endpoint, protocol }
  }

  #protocol(written: Place['protocol']): Place['protocol'] {
    const value = this.#read(SSL)
    if (value === null) return written
    this.counting.push(SSL)
    if (value === 'true' || value === 'false') {
      const protocol = value === 'true' ? 'https' : 'http'
      if (written !== null && written !== protocol) this.#overrides(SSL, isSet(this.#section['url']) ? 'url' : 'scheme')
      return protocol
    }
    if (written === 'https' || (written === null && value.toLowerCase() === 'true'))
      this.#report(this.faults, SSL, NEITHER)
    return 'http'
  }

  #read(variable: string): string | null {
    const value = this.#section[foreignKey(variable)]
    return typeof value === 'string' ? value : null
  }

  #overrides(variable: string, key: string): void {
    this.#report(this.warnings, variable, `overrides consul.${key}, as in Patroni: keep one of them`)
  }

  #report(list: Fault[], variable: string, message: string): void {
    list.push({ path: [NAME, foreignKey(variable)], message })
  }
}

const NEITHER =
  "must be true or false, in small letters: Patroni's library can take anything else, even nothing, for false"
