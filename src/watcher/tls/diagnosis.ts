/** Says what is wrong with TLS, and which setting is about it, for every kind of peer. Pure. */
import type { CertificateSettings } from './certificates.ts'
import { printable } from '../../text/printable.ts'

/** Longest part of what a stranger's certificate says that is shown. */
const MAX_SHOWN = 200

/** A server, as the settings of the router know it. */
export interface TlsPeer {
  /** `etcd`, `the REST API`. */
  readonly name: string
  readonly settings: CertificateSettings
  readonly caFile: string | null
  readonly certFile: string | null
  /** What to give it where its certificate is for different names: `one for this address`. */
  readonly named: string
  /** What to do where it has no TLS. */
  readonly withoutTls: string
  /** Its own settings: the one that makes it ask for client certificates (null: none to name), and that of its CAs. */
  readonly asksBy: string | null
  readonly trustsBy: string
  /** The setting of the router that leaves out the verification, and whether it does; null: there is none. */
  readonly insecure: { readonly setting: string; readonly isSet: boolean } | null
}

interface Trouble {
  readonly when: RegExp
  readonly say: (reason: string, peer: TlsPeer) => string
}

const TROUBLES: readonly Trouble[] = [
  // First: what a peer says of our certificate may be what we say of others.
  {
    when: /alert (bad certificate|certificate \w+|unknown ca|unsupported certificate|handshake failure|access denied)/,
    say: (reason, peer) => `it refuses (${reason}): ${aboutClient(peer)}`,
  },
  {
    when: /unable to (verify the first|get (local )?issuer)|self.signed certificate|certificate signature failure/,
    say: (reason, peer) => `${reason}: ${unknownCa(peer)}`,
  },
  {
    when: /does not match certificate's altnames/,
    say: (reason, peer) => `its certificate is for different names (${reason}): give it ${peer.named}`,
  },
  {
    when: /certificate has expired|certificate is not yet valid|certificate revoked/,
    say: (reason, peer) => `${reason}: ${peer.name} needs a new certificate${orInsecure(peer)}`,
  },
  {
    when: /unsuitable certificate purpose/,
    say: (reason, peer) =>
      `${reason}: ${peer.name} needs a certificate for servers (extendedKeyUsage: serverAuth)${orInsecure(peer)}`,
  },
  {
    when: /wrong version number|packet length too long/,
    say: (_, { withoutTls }) => `it does not use TLS: ${withoutTls}`,
  },
]

/** Returns one line for a person; null where it is no matter of TLS. `reason`: one of `tlsReason`. */
export function diagnoseTls(reason: string, peer: TlsPeer): string | null {
  return TROUBLES.find(({ when }) => when.test(reason))?.say(reason, peer) ?? null
}

/**
 * Returns `reason` with what may be behind it: a server may break off instead of telling that it wants a certificate, and
 * the alert may get lost on the way.
 */
export function perhapsRefused(reason: string, peer: TlsPeer): string {
  // Without a setting for a client certificate there is nothing to change.
  if (peer.certFile === null && peer.settings.cert === '') return reason
  return `${reason}; if it refuses the router as a TLS client: ${aboutClient(peer)}`
}

/** Returns the essence of what Node and OpenSSL say, fit to be shown. */
export function tlsReason(text: string): string {
  const plain = text
    .replace(/[\dA-F]+:error:[\dA-F]+:[^:]*:[^:]*:([^:]+):[^:]*:\d+:(?: ?SSL alert number \d+)?/, '$1')
    // The router trusts those already, unless a CA is configured.
    .replace(/; if the root CA is installed locally, try running Node\.js with --use-system-ca/, '')
    .replace(/\s*\.?\s*$/, '')
  return printable(plain, MAX_SHOWN)
}

function unknownCa(peer: TlsPeer): string {
  const { caFile, certFile, settings, insecure } = peer
  const set =
    caFile === null
      ? `set ${settings.ca} to the file of the CA that signed its certificate`
      : `no CA in ${settings.ca} (${caFile}) signed its certificate; correct one or the other`
  // Patroni's own client does the same (request.py, reload_config).
  return insecure?.isSet === true && certFile !== null
    ? `${set}; with ${settings.cert}, ${insecure.setting} leaves out the name only`
    : `${set}${orInsecure(peer)}`
}

function orInsecure({ certFile, insecure }: TlsPeer): string {
  return insecure !== null && !insecure.isSet && certFile === null ? `, or set ${insecure.setting}` : ''
}

function aboutClient({ certFile, settings: { cert, key }, asksBy, trustsBy }: TlsPeer): string {
  if (certFile !== null)
    return `it may not accept the client certificate, ${cert} (${certFile}): its ${trustsBy} must contain the CA that signed it`
  const required = `it may require a client certificate${asksBy === null ? '' : ` (${asksBy})`}`
  return cert === '' ? required : `${required}, so set ${cert} and ${key}`
}
