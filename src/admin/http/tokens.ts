/** The tokens of those who may act over HTTP: a file with a line `NAME:TOKEN` for each. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { explain, isAbsent, RouterError } from '../../errors.ts'
import { readTextFile } from '../../text-file.ts'

const MAX_BYTES = 64 * 1024
/** Shorter ones can be guessed. Characters. */
const MIN_LENGTH = 16
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/
/** What a header can carry (RFC 6750, `b64token`, and what passwords have). */
const TOKEN = /^[\x21-\x7e]+$/

interface Token {
  readonly name: string
  readonly digest: Buffer
}

export class Tokens {
  readonly #tokens: readonly Token[]

  private constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  static readonly none = new Tokens([])

  /** Parses the text of a file. Throws CONFIG_INVALID, which names the line and shows nothing of it. */
  static parse(text: string): Tokens {
    const tokens: Token[] = []
    for (const [at, written] of text.split('\n').entries()) {
      const line = written.trim()
      if (line === '' || line.startsWith('#')) continue
      const [, name = '', token = ''] = /^([^:]*):(.*)$/.exec(line) ?? []
      const problem = problemOf(name, token, tokens)
      if (problem !== null) throw new RouterError('CONFIG_INVALID', `line ${at + 1}: ${problem}`)
      tokens.push({ name, digest: digestOf(token) })
    }
    return new Tokens(tokens)
  }

  /** Returns the name of a token; null: it is none. All are compared, each in constant time. */
  nameOf(token: string): string | null {
    const digest = digestOf(token)
    let found: string | null = null
    for (const each of this.#tokens) if (timingSafeEqual(each.digest, digest)) found = each.name
    return found
  }
}

/** Reads a file of tokens as `readTokensIfThere`; rejects also where it does not exist. */
export async function readTokens(path: string): Promise<Tokens> {
  const tokens = await readTokensIfThere(path)
  if (tokens === null) throw new RouterError('CONFIG_UNREADABLE', `admin.token_file: ${path} does not exist`)
  return tokens
}

/**
 * Reads a file of tokens; null: it does not exist. Rejects with CONFIG_UNREADABLE or CONFIG_INVALID, which names the file and shows
 * nothing of it.
 */
export async function readTokensIfThere(path: string): Promise<Tokens | null> {
  const unreadable = (reason: string): RouterError =>
    new RouterError('CONFIG_UNREADABLE', `admin.token_file: ${path} ${reason}`)
  const invalid = (reason: string): RouterError =>
    new RouterError('CONFIG_INVALID', `admin.token_file: ${path} ${reason}`)
  let mode: number
  try {
    ;({ mode } = await stat(path))
  } catch (error) {
    if (isAbsent(error)) return null
    throw unreadable(`cannot be read: ${explain(error)}`)
  }
  if ((mode & 0o007) !== 0) throw invalid('can be used by every user of this machine: chmod o= it')
  const file = await readTextFile(path, MAX_BYTES)
  if (file.kind === 'missing') return null
  if (file.kind !== 'text') throw unreadable(file.reason)
  try {
    return Tokens.parse(file.text)
  } catch (error) {
    throw invalid(explain(error))
  }
}

/** Returns the token of a header `Authorization`; null: there is none. */
export function bearerOf(authorization: string | undefined): string | null {
  return /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1] ?? null
}

function problemOf(name: string, token: string, before: readonly Token[]): string | null {
  if (!NAME.test(name)) return 'has no name of letters, digits, _, ., @ and -, followed by a colon and the token'
  if (!TOKEN.test(token)) return 'its token has characters other than letters, digits and signs'
  if (token.length < MIN_LENGTH) return `its token is shorter than ${MIN_LENGTH} characters`
  return before.some((each) => each.name === name) ? `has the name of an earlier line` : null
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
