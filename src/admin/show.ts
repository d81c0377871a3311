import type { History } from '../events/history.ts'
import type { Command } from './command.ts'
import { eventsCommand } from './show-events.ts'
import { infoCommand } from './haproxy/stat-command.ts'
import { statusJson } from './status/json.ts'
import { renderStatus } from './status/text.ts'
import { trackCommand } from './show-track.ts'
import type { RouterStatus } from './status.ts'
import { visibleJson } from '../text/terminal.ts'

/**
 * Returns the commands that show what the router is doing, and what has happened. `status` is called at each of them; null: no
 * history is kept.
 */
export function showCommands(status: () => RouterStatus, history: History | null = null): readonly Command[] {
  return [
    ...(history === null ? [] : [eventsCommand(history)]),
    infoCommand(status),
    {
      words: ['show', 'status'],
      parameters: '',
      help: 'show the state of the clusters as a table',
      run: () => renderStatus(statusJson(status())),
    },
    {
      words: ['show', 'status', 'json'],
      parameters: '',
      help: 'show the same as JSON, in one line (docs/status.schema.json)',
      run: () => visibleJson(statusJson(status())),
    },
    trackCommand(status),
    {
      words: ['show', 'version'],
      parameters: '',
      help: 'show version of the current process',
      run: () => status().version,
    },
  ]
}
