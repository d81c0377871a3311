/** Which timers of the router are set, by the file that has set them. */
import { type AsyncHook, createHook, type HookCallbacks } from 'node:async_hooks'
import { join } from 'node:path'

const SRC = join(import.meta.dirname, '..', '..', '..', 'src')
/** Deep enough for the caller of what sets a timer for others. */
const FRAMES = 12

/** Promises would cost more than all the rest. */
type CreateHook = (callbacks: HookCallbacks, options: { readonly trackPromises: boolean }) => AsyncHook

export class Timers {
  /** Where each was set; made text, which costs more than the rest, for those that last until they are looked at. */
  readonly #places = new Map<number, { stack?: string }>()
  readonly #files = new Map<number, string | null>()
  readonly #hook = (createHook as CreateHook)(
    {
      init: (id, type) => {
        if (type === 'Timeout') this.#places.set(id, placeHere())
      },
      // Also where it is cleared, but not in the same turn.
      destroy: (id) => {
        this.#places.delete(id)
        this.#files.delete(id)
      },
    },
    { trackPromises: false },
  )

  /** Notes the timers that are set from now on. */
  begin(): void {
    this.#hook.enable()
  }

  end(): void {
    this.#hook.disable()
  }

  /** Returns the files, one for each timer that is set. */
  get files(): readonly string[] {
    for (const [id, { stack = '' }] of this.#places) this.#files.set(id, fileIn(stack))
    this.#places.clear()
    return [...this.#files.values()].filter((file) => file !== null)
  }
}

function placeHere(): { stack?: string } {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = FRAMES
  const place = {}
  Error.captureStackTrace(place)
  Error.stackTraceLimit = stackTraceLimit
  return place
}

/** Returns the file of the router that is nearest; null: there is none. */
function fileIn(stack: string): string | null {
  const at = stack.indexOf(SRC)
  return at < 0 ? null : (/^[^:]*/.exec(stack.slice(at + SRC.length + 1))?.[0] ?? null)
}
