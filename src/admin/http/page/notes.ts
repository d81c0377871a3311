/** The notes of `status` on the page. Pure. */
import type { Note } from '../../status/template-notes.ts'
import { type Html, html, when } from './html.ts'

/** Of a list whose length the cluster decides. */
const MAX_NOTES = 20

/** Returns notes as a list of terms. */
export function noteList(notes: readonly Note[]): Html {
  const shown = notes.slice(0, MAX_NOTES).map(
    ([label, text]) =>
      html`<dt>${label}</dt>
        <dd>${text}</dd>`,
  )
  const more = notes.length - shown.length
  return html`<dl>
    ${shown}${when(
      more > 0,
      () =>
        html`<dt></dt>
          <dd>... and ${more} more: /api/v1/cluster has all</dd>`,
    )}
  </dl>`
}
