/** Says why a DCS cannot be read over HTTP, and which setting is about it. No message shows a password or a token. */
import { within } from '../../../clock.ts'
import { codeOf, explain, failureOf, RouterError } from '../../../errors.ts'
import { printable } from '../../../text/printable.ts'
import { diagnoseTls, perhapsRefused, type TlsPeer, tlsReason } from '../../tls/diagnosis.ts'
import type { HttpAnswer } from './connection.ts'
import { MAX_BODY } from './pools.ts'
import { probe, type ProbeTarget, REQUIRES_TLS } from './probe.ts'

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

/** More than the parts of finding out why it is unusable may take. Milliseconds. */
const EXPLAIN_MS = 1500

/**
 * Resolves with one line for a person. Where the error says little, it is found out what listens there. Never rejects,
 * and resolves with what is known when `signal` aborts.
 */
export async function explainHttp(
  error: unknown,
  peer: HttpPeer,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<string> {
  if (error instanceof RouterError) return error.message
  if (codeOf(error) === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return `its answer is larger than ${MAX_BODY / 1024 / 1024} MB: delete keys that do not belong there`
  const usesTls = target.certificates !== null
  const reason = tlsReason(explain(error)).replace(/^other side closed$/, 'it closed the connection')
  const known = usesTls ? diagnoseTls(reason, peer) : null
  if (known !== null) return known
  const isStrange = codeOf(error)?.startsWith('HPE_') === true
  if (!isStrange && failureOf(error) !== 'reset') return reason
  const listener = await within(probe(target, signal), EXPLAIN_MS, signal)
  if (!usesTls && listener?.kind === 'tls') return `it requires TLS: ${peer.withTls}`
  if (usesTls && listener?.kind === 'http' && !listener.tls) return `it does not use TLS: ${peer.withoutTls}`
  if (isStrange) return 'it does not answer in HTTP'
  return usesTls ? perhapsRefused(reason, peer) : reason
}

/** Returns an error for an answer that every HTTP server may give; null: it is of another kind. Pure. */
export function strangeAnswer({ status, text }: HttpAnswer, peer: HttpPeer): RouterError | null {
  if (status === 400 && REQUIRES_TLS.test(text)) return new Refusal(`it requires TLS: ${peer.withTls}`)
  return null
}

/** Returns the first line of what a server says, for people. Pure. */
export function shown(text: string): string {
  const [line = ''] = text.trim().split('\n', 1)
  return line === '' ? 'nothing' : printable(line, MAX_SHOWN)
}
