/** What a request is authorized by. A token of a file is replaced about hourly, and before it expires. */
import { now } from '../../../clock.ts'
import { explain, RouterError } from '../../../errors.ts'

/** A token in a file is read again after that, as in Patroni. Milliseconds. */
const READ_AGAIN_MS = 60_000

type Headers = Readonly<{ authorization?: string }>

export class Credentials {
  readonly #read: () => string | null
  /** Whether it is read from a file that has nothing else, and may be replaced at any time. */
  readonly isFile: boolean
  #header: string | null = null
  #readAt = Number.NEGATIVE_INFINITY
  #trouble: string | null = null

  /** Reads nothing yet. `read`: gives the value of the header `authorization`; null for none. */
  constructor(read: () => string | null, isFile: boolean) {
    this.#read = read
    this.isFile = isFile
  }

  /** Returns why it could not be read last, so that the one before stays in use; null: it could. */
  get trouble(): string | null {
    return this.#trouble
  }

  /** Returns the headers. @throws RouterError `CONFIG_UNREADABLE` when it could never be read. */
  headers(): Headers {
    const isDue = this.isFile && now() - this.#readAt >= READ_AGAIN_MS
    if (isDue || this.#readAt === Number.NEGATIVE_INFINITY) this.#readAgain()
    return this.#header === null ? {} : { authorization: this.#header }
  }

  /** Reads again after a refusal; returns whether it differs from what was refused: others may have read it since. */
  renew({ authorization }: Headers): boolean {
    this.#readAgain()
    return this.#header !== (authorization ?? null)
  }

  /** @throws RouterError as `headers` does. */
  #readAgain(): void {
    const isFirst = this.#readAt === Number.NEGATIVE_INFINITY
    try {
      this.#header = this.#read()
      this.#trouble = null
    } catch (cause) {
      this.#trouble = explain(cause)
      if (isFirst) throw cause instanceof RouterError ? cause : new RouterError('INTERNAL', this.#trouble, { cause })
    }
    this.#readAt = now()
  }
}
