/** How a part of the router that is no cluster is prepared for other settings. */
import { isDeepStrictEqual } from 'node:util'
import { explain } from '../errors.ts'
import type { PartReport, Prepared } from '../part.ts'

/** A part's settings, ready to be taken. */
export interface Change {
  readonly outcome: PartReport['outcome']
  readonly take: () => void
  /** Gives up what was prepared; left out where nothing was. */
  readonly giveUp?: () => void
}

/**
 * Prepares a part for other settings, unless they are the same as before. `prepare` rejects with what is wrong: the part has refused
 * them then.
 */
export async function preparePart<S>(
  part: PartReport['part'],
  before: S,
  after: S,
  prepare: () => Change | Promise<Change>,
): Promise<Prepared> {
  const report = (outcome: PartReport['outcome'], reason: string | null = null): readonly PartReport[] => [
    { part, name: null, outcome, reason },
  ]
  const kept: Prepared = { refused: [], commit: () => report('kept'), abandon: () => undefined }
  if (isDeepStrictEqual(before, after)) return kept
  try {
    const { outcome, take, giveUp } = await prepare()
    const commit = (): readonly PartReport[] => {
      take()
      return report(outcome)
    }
    return { refused: [], commit, abandon: () => giveUp?.() }
  } catch (error) {
    return { ...kept, refused: report('refused', explain(error)) }
  }
}
