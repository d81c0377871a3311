/** What the commands name, `backend/server` and frontends, with HAProxy's answers where there is no such thing. */
import { explain, RouterError } from '../../errors.ts'
import { visible } from '../../text/terminal.ts'
import type { RouterStatus } from '../status.ts'
import { type Section, sectionsOf, type Server, serversOf } from './sections.ts'

/** Returns the server that `backend/server` names, or the answer that says what is wrong. */
export function findServer(status: RouterStatus, name: string | undefined): Server | string {
  // No member has a slash in its name; a listener or a cluster may.
  const slash = name?.lastIndexOf('/') ?? -1
  if (name === undefined || slash < 1 || slash === name.length - 1) return "Require 'backend/server'.\n"
  const section = findSection(status, name.slice(0, slash))
  if (section === null) return 'No such backend.\n'
  return serversOf(section).find((server) => server.status.member === name.slice(slash + 1)) ?? 'No such server.\n'
}

/** Returns the section with this name; null: there is none. */
export function findSection(status: RouterStatus, name: string): Section | null {
  for (const section of sectionsOf(status)) if (section.name === name) return section
  return null
}

/** Waits for an act. Like HAProxy: success has no answer. A refusal is one. */
export async function answerOf(act: Promise<unknown>): Promise<string> {
  try {
    await act
    return ''
  } catch (error) {
    if (error instanceof RouterError && error.code === 'ACT_REFUSED') return `${visible(explain(error))}\n`
    throw error
  }
}
