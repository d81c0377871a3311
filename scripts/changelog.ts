/** The sections of CHANGELOG.md, in the format of Keep a Changelog. Pure. */

export interface Section {
  readonly version: string
  /** YYYY-MM-DD; null where there is none. */
  readonly date: string | null
  readonly text: string
}

const UNRELEASED = 'Unreleased'
const HEADING = /^## \[?([^\]\s]+)\]?(?: - (\S+))?[ \t]*$/gm

/** Returns what is not released yet and the sections of all versions, the newest first. */
export function parseChangelog(changelog: string): {
  readonly unreleased: string
  readonly versions: readonly Section[]
} {
  const headings = [...changelog.matchAll(HEADING)]
  const sections = headings.map(({ index, 0: { length }, 1: version = '', 2: date = null }, at): Section => {
    return { version, date, text: changelog.slice(index + length, headings[at + 1]?.index).trim() }
  })
  const unreleased = sections.find(({ version }) => version === UNRELEASED)?.text ?? ''
  return { unreleased, versions: sections.filter(({ version }) => version !== UNRELEASED) }
}

/** Returns the changelog with what was unreleased under a heading of `version`. */
export function released(changelog: string, version: string, date: string): string {
  return changelog.replace(/^## \[?Unreleased\]?[ \t]*$/m, `## ${UNRELEASED}\n\n## ${version} - ${date}`)
}
