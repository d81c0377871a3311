/** Says why a DCS cannot be read over HTTP, and which setting is about it. No message shows a password or a token. */
import { codeOf, explain, failureOf, RouterError } from '../../../errors.ts'
import { printable } from '../../../text/printable.ts'
import { diagnoseTls, perhapsRefused, type TlsPeer, tlsReason } from '../../tls/diagnosis.ts'
import type { HttpAnswer } from './connection.ts'

/** Longest part of what a stranger says that is shown. */
const MAX_SHOWN = 200

/** The server has answered that this user may not: that lasts until a person has corrected it. */
export class Refusal extends RouterError {
  constructor(message: string) {
    super('DCS_UNAVAILABLE', message)
  }
}

export interface HttpPeer extends TlsPeer {
  /** What to set where it requires TLS: `set etcd.protocol: https`. */
  readonly withTls: string
}

/** Returns one line for a person. `usesTls`: the router has connected with TLS. Pure. */
export function diagnoseHttp(error: unknown, peer: HttpPeer, usesTls: boolean): string {
  if (error instanceof RouterError) return error.message
  if (codeOf(error) === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return 'its answer is too large: delete keys that do not belong there'
  const reason = tlsReason(explain(error))
  if (isNoHttp(error)) return `it does not answer in HTTP${usesTls ? '' : `; if it requires TLS, ${peer.withTls}`}`
  if (!usesTls) return failureOf(error) === 'reset' ? `${reason}; if it requires TLS, ${peer.withTls}` : reason
  return diagnoseTls(reason, peer) ?? (failureOf(error) === 'reset' ? perhapsRefused(reason, peer) : reason)
}

/** Returns an error for an answer that every HTTP server may give; null: it is of another kind. Pure. */
export function strangeAnswer({ status, text }: HttpAnswer, peer: HttpPeer): RouterError | null {
  if (status === 400 && /HTTPS? server|HTTPS port/i.test(text)) return new Refusal(`it requires TLS: ${peer.withTls}`)
  return null
}

/** Returns the first line of what a server says, for people. Pure. */
export function shown(text: string): string {
  const [line = ''] = text.trim().split('\n', 1)
  return line === '' ? 'nothing' : printable(line, MAX_SHOWN)
}

function isNoHttp(error: unknown): boolean {
  return codeOf(error)?.startsWith('HPE_') === true
}
