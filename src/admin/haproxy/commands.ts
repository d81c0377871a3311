/** HAProxy's commands of the runtime protocol (management guide, 9.3), as far as a router has what they are about. */
import type { Acts } from '../acts.ts'
import type { Command } from '../command.ts'
import type { RouterStatus } from '../status.ts'
import { serverCommands } from './server-commands.ts'
import { sessionCommands } from './session-commands.ts'
import { statCommands } from './stat-command.ts'

/**
 * Returns the commands that show HAProxy's statistics, and those that drive the router. `status` is called at each of them; `acts` null:
 * the router cannot be driven, and its sessions are not listed.
 */
export function haproxyCommands(status: () => RouterStatus, acts: Acts | null): readonly Command[] {
  const driving = acts === null ? [] : [...serverCommands(status, acts), ...sessionCommands(status, acts)]
  return [...statCommands(status), ...driving]
}
